"""Bytes that ops move on a chip of arrays: into cells, over its network, and through its buffers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from hwcost.devices.device import Device
from hwcost.graph import Work
from hwcost.kinds import processor
from hwcost.kinds.crossbar.parts import digital_device
from hwcost.kinds.crossbar.placed import Held, PlacedWork
from hwcost.memory.touches import OpReuse
from hwcost.report import Crossing, Traffic

WRITES: Final = "writes"
NETWORK: Final = "network"
"""Names under which a report counts bytes that are written into cells, and those of the network."""


def move(reuses: Iterable[OpReuse], device: Device) -> tuple[Traffic, ...]:
    """The traffic of each op.

    buffers, link  what the op reads and writes beside what arrays hold, as on any processor; to the link
                   (the farthest level) comes each weight that is missing, whole, in the arrays' format
    network        inputs to the arrays and their results, per call
    writes         weights that were missing, and operands that change, in the arrays' format

    The low ends leave out what a better mapping could save: loads, writes, and the network.
    """
    digital = digital_device(device)
    reuses = tuple(reuses)
    traffics = processor.move((replace(one, work=_beside(one.work)) for one in reuses), digital)
    works = [one.work for one in reuses for _ in one.phases]
    return tuple(
        _with_arrays(replace(traffic, work=work)) if isinstance(work, PlacedWork) else traffic
        for traffic, work in zip(traffics, works, strict=True)
    )


def loads_in(held: Held, traffic: Traffic) -> float:
    """How often, of all calls of a traffic, a matrix is missing."""
    return held.loads.get(traffic.phase, 0.0)


def written_bytes(traffic: Traffic, work: PlacedWork) -> float:
    """Into cells: of weights what was missing, of operands that change what is new."""
    weights = sum(one.matrix.bytes * loads_in(one, traffic) for one in work.held if not one.in_digital)
    operands = sum(one.matrix.bytes * one.matrix.new for one in work.changing if one.waves)
    return weights + traffic.calls * operands


def _beside(work: Work) -> Work:
    """What memory sees of an op: where arrays multiply, no product is blocked through a buffer."""
    if not isinstance(work, PlacedWork) or work.digital_macs:
        return work
    return replace(work, products=(), attention=None) if work.held or work.changing else work


def _with_arrays(traffic: Traffic) -> Traffic:
    work = traffic.work
    if not isinstance(work, PlacedWork):
        return traffic
    *nearer, far = traffic.crossings
    loaded = sum(one.matrix.bytes * loads_in(one, traffic) for one in work.held)
    far = replace(far, read_bytes=far.read_bytes + loaded, high_bytes=far.high_bytes + loaded)
    network = traffic.calls * sum(matrix.network_bytes for matrix in work.passed)
    own = (_crossing(WRITES, written_bytes(traffic, work)), _crossing(NETWORK, network))
    return replace(traffic, crossings=(*own, *nearer, far))


def _crossing(level: str, moved: float) -> Crossing:
    return Crossing(level=level, read_bytes=0.0, write_bytes=moved, low_bytes=0.0, high_bytes=moved)
