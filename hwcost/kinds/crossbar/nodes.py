"""Several chips taken as one, for models that one does not hold."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from hwcost.devices.device import ComputeUnit, Device, Level, Number
from hwcost.errors import UsageError
from hwcost.kinds.crossbar.geometry import capacity_weights
from hwcost.kinds.crossbar.parts import arrays_of


def nodes(device: Device, count: int) -> Device:
    """`count` chips as one: each brings its arrays, digital unit, buffers, network, link and static power.

    The links between them are taken to be as good as the network of one chip. Raises UsageError for
    fewer than one.
    """
    if count < 1:
        raise UsageError(f"{count} nodes", mend="take one or more")
    own = arrays_of(device)
    network, writing = own.network, own.writing
    if network is not None:
        network = replace(network, bytes_per_s=_times(network.bytes_per_s, count))
    if writing is not None:
        writing = replace(writing, at_once=_times(writing.at_once, count))
    return replace(
        device,
        arrays=replace(own, count=_times(own.count, count), network=network, writing=writing),
        units=tuple(_units(unit, count) for unit in device.units),
        levels=tuple(_level(level, count) for level in device.levels),
        static_w=None if device.static_w is None else _times(device.static_w, count),
    )


def nodes_for(device: Device, weights: int, filled: float = 0.98) -> int:
    """How many chips hold so many weights, if these fill such a share of their arrays."""
    return max(1, ceil(weights / (filled * capacity_weights(arrays_of(device)))))


def _units(unit: ComputeUnit, count: int) -> ComputeUnit:
    special = unit.special_per_s
    return replace(
        unit,
        peak_flop_per_s={dtype: _times(peak, count) for dtype, peak in unit.peak_flop_per_s.items()},
        special_per_s=None if special is None else _times(special, count),
    )


def _level(level: Level, count: int) -> Level:
    sizes = (level.size_bytes, level.peak_bytes_per_s, level.achieved_bytes_per_s)
    size, peak, achieved = (None if number is None else _times(number, count) for number in sizes)
    return replace(
        level,
        size_bytes=size,
        peak_bytes_per_s=peak,
        achieved_bytes_per_s=achieved,
        instances=level.instances * count,
    )


def _times(number: Number, count: int) -> Number:
    return Number(
        number * count,
        path=number.path,
        unit=number.unit,
        text=f"{count} x {number.text}",
        evidence=number.evidence,
        source=number.source,
    )
