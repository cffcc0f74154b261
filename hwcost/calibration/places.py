"""The levels of the profile to be written: those that the system tells, as the curve shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

from hwcost.calibration.levels import FoundLevel, error, found_levels
from hwcost.calibration.reading import Readings
from hwcost.devices.device import Policy

NEAR: Final = 4.0
"""A fall of the curve belongs to the told cache whose size is within this factor."""

BEYOND: Final = 3
"""Weights of this many times the last cache are read from memory each time."""

NEAR_WEIGHTS: Final = 2**20
"""Weights that caches hold, large enough for their product to take longer than starting it."""

FAR_WITHOUT_CACHE: Final = 2**26


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A level as measured. capacity_bytes: effective; inf of the last. is_fitted: the curve shows its end.

    bytes_per_s: as a sweep reads it. peak_bytes_per_s: the most that anything moved in it.
    """

    name: str
    capacity_bytes: float
    is_fitted: bool
    policy: Policy
    bytes_per_s: float
    peak_bytes_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All levels, nearest first, and how well they explain the curve: exp(mean |ln(fitted/measured)|)."""

    places: tuple[Place, ...]
    error: float

    @property
    def weights(self) -> Mapping[str, int]:
        """Bytes of weights for products, by the level where they are found again: near, last cache, memory.

        Near is "": any cache that is as fast as the nearest. Half of a cache leaves room for the rest.
        """
        caches = [place for place in self.places if place.capacity_bytes < inf]
        if not caches:
            return {"": NEAR_WEIGHTS, self.places[-1].name: FAR_WITHOUT_CACHE}
        half = int(caches[-1].capacity_bytes / 2)
        near = min(NEAR_WEIGHTS, half)
        middle = {caches[-1].name: half} if half >= NEAR * near else {}
        return {"": near, **middle, self.places[-1].name: 2 * BEYOND * half}


def memory_of(readings: Readings, start_s: float) -> Memory:
    """The levels from sweeps that read ("read") and that read and write ("stream").

    start_s: of one op, which is no part of the sweep.
    """
    curve = [
        (reading.sizes[0], max(reading.seconds - start_s, reading.seconds / 2) / reading.work)
        for reading in readings.of("read")
    ]
    found = found_levels(curve)
    ends = _ends(found, readings.machine.caches)
    places = []
    before = 0.0
    for name, capacity, is_fitted, level in ends:
        rates = [
            reading.work / max(reading.seconds - start_s, reading.seconds / 2)
            for kind in ("read", "stream")
            for reading in readings.of(kind)
            if before < reading.sizes[0] <= capacity
        ]
        # Beyond a cache a sweep still finds some bytes in it: only what is larger by far counts as a peak.
        if capacity == inf:
            rates = rates[-2:]
        places.append(
            Place(
                name=name,
                capacity_bytes=capacity,
                is_fitted=is_fitted,
                policy=level.policy,
                bytes_per_s=level.bytes_per_s,
                peak_bytes_per_s=max([*rates, level.bytes_per_s]),
            )
        )
        before = capacity
    return Memory(places=tuple(places), error=error(curve, found))


def _ends(
    found: tuple[FoundLevel, ...], caches: tuple[tuple[str, int], ...]
) -> list[tuple[str, float, bool, FoundLevel]]:
    """(name, capacity, whether fitted, level) of each: a told cache without a fall keeps its size."""
    named: dict[str, tuple[float, bool, FoundLevel]] = {}
    for place, level in enumerate(found[:-1]):
        told = [(name, size) for name, size in caches if size / NEAR <= level.capacity_bytes <= size * NEAR]
        told = [one for one in told if one[0] not in named]
        near = min(told, key=lambda one: abs(one[1] - level.capacity_bytes), default=None)
        named[near[0] if near else f"cache{place + 1}"] = level.capacity_bytes, True, level
    for name, size in caches:
        if name not in named:
            served = next(level for level in found if size <= level.capacity_bytes)
            named[name] = float(size), False, served
    ends = sorted(((name, *rest) for name, rest in named.items()), key=lambda end: end[1])
    kept = [end for end in ends if end[1] < inf]
    return [*kept, ("dram", inf, True, found[-1])]
