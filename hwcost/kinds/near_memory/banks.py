"""What ops move and cost where units beside the banks of a memory do the arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from hwcost.devices.arrays import NearMemory
from hwcost.devices.device import Device
from hwcost.errors import ProfileError
from hwcost.kinds import processor
from hwcost.memory.touches import OpReuse
from hwcost.report import Cost, Crossing, Machine, Slope, Traffic

HOST: Final = "host"
"""The level under which a report counts what crosses the link to the host."""

STAYS: Final = ("weight", "state")
"""Roles of what lies beside its units from call to call."""

PROOFS = {
    "silicon": "its figures are of measured silicon",
    "simulation": "its figures are simulated",
    "vendor": "its figures are its vendor's word",
    "modelled": "it is a model of ours: no such device exists",
}


def move(reuses: Iterable[OpReuse], device: Device) -> tuple[Traffic, ...]:
    """The traffic of each op.

    banks   all that the op touches, over the bandwidth inside the memory, nothing kept between ops
    host    every activation that it reads, sent to all units at once, and every result, collected:
            the units share no memory, so that what one computes reaches another through the host
    """
    traffics = processor.move(reuses, _units(device))
    return tuple(replace(traffic, crossings=(_host(traffic), *traffic.crossings)) for traffic in traffics)


def price(traffics: Iterable[Traffic], device: Device) -> tuple[Cost, ...]:
    """The cost of each traffic: as on a processor over the bandwidth of the banks, and the host's link.

    expected_s  max(compute_s, banks) + host + latency_s: a call's inputs are there before it starts, and
                its results when it has ended
    energy_j    as on a processor, + host bytes * J/B
    """
    link = _near_memory(device).host
    traffics = tuple(traffics)
    costs = []
    for traffic, cost in zip(traffics, processor.price(traffics, _units(device)), strict=True):
        moved = traffic.crossings[0].bytes if traffic.crossings[0].level == HOST else 0.0
        host_s = moved / link.bytes_per_s
        seconds = {"compute": cost.compute_s, **cost.level_s, HOST: host_s, "latency": cost.latency_s}
        longest = max(seconds, key=seconds.__getitem__)
        extra_j = moved * link.energy_j_per_byte + (device.static_w or 0.0) * host_s
        costs.append(
            replace(
                cost,
                level_s={HOST: host_s, **cost.level_s},
                expected_s=cost.expected_s + host_s,
                energy_j=None if cost.energy_j is None else cost.energy_j + extra_j,
                fast_s=None,
                slow_s=None,
                bound=longest if seconds[longest] > 0 else "free",
            )
        )
    return tuple(costs)


def resident(costs: Sequence[Cost], device: Device) -> float | None:
    """The share of the weights for which the banks have room: each lies beside the unit that uses it."""
    size = device.levels[-1].size_bytes
    tensors = (tensor for cost in costs for tensor in cost.traffic.work.reads if tensor.role == "weight")
    weights = sum(storage.bytes for storage in {tensor.storage for tensor in tensors})
    return min(1.0, size / weights) if size is not None and weights else None


def machine(device: Device, dtype: str, /, *others: str) -> Machine:
    """The facts of its units; the host's link is the nearest slope."""
    near, facts = _near_memory(device), processor.machine(_units(device), dtype, *others)
    rate = float(near.host.bytes_per_s)
    host = Slope(level=HOST, size_bytes=None, peak_bytes_per_s=rate, achieved_bytes_per_s=rate)
    return replace(
        facts,
        kind=device.kind,
        proof=near.proof,
        slopes=(host, *facts.slopes),
        notes=(
            f"Evidence: {PROOFS[near.proof]}.",
            "No crossbars: bandwidth inside the memory, one share per unit; what units exchange goes"
            " through the host, which is not part of the device.",
            *facts.notes,
        ),
    )


def _host(traffic: Traffic) -> Crossing:
    work = traffic.work
    read = traffic.calls * sum(tensor.bytes for tensor in work.reads if tensor.role not in STAYS)
    written = traffic.calls * sum(tensor.bytes for tensor in work.writes)
    return Crossing(
        level=HOST,
        read_bytes=float(read),
        write_bytes=float(written),
        low_bytes=0.0,
        high_bytes=float(read + written),
    )


def _units(device: Device) -> Device:
    return replace(device, kind="accelerator")


def _near_memory(device: Device) -> NearMemory:
    if device.near_memory is None:
        raise ProfileError(
            f"{device.name} has no units in its memory", where=device.name, mend="add 'near_memory:'"
        )
    return device.near_memory
