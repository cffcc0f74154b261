"""The levels of the profile to be written: those that the system tells, as the curve shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from hwcost.calibration.levels import FoundLevel, error, found_levels
from hwcost.calibration.reading import Reading, Readings, start_s
from hwcost.devices.device import Policy
from hwcost.memory.misses import misses

NEAR: Final = 4.0
"""A fall of the curve belongs to the told cache whose size is within this factor."""

SAME: Final = 1.3
"""Two curves that fall at sizes within this factor fall for the same reason."""

MOST_OF_IT: Final = 0.8
LEAST_POINTS: Final = 3

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
        """Bytes of weights for products, by the level where they are found again, beginning with "".

        "" is any cache that is as fast as the nearest. Of the first level whose end shows, half leaves room
        for the rest; of a farther one as much as fits, since nearer ones still hold a part.
        """
        ends = [place for place in self.places if place.is_fitted and place.capacity_bytes < inf]
        if not ends:
            return {"": NEAR_WEIGHTS, self.places[-1].name: FAR_WITHOUT_CACHE}
        half = int(ends[0].capacity_bytes / 2)
        found = {"": min(NEAR_WEIGHTS, half)}
        if half >= NEAR * found[""]:
            found[ends[0].name] = half
        for place in ends[1:]:
            found[place.name] = int(MOST_OF_IT * place.capacity_bytes)
        found[self.places[-1].name] = int(BEYOND * ends[-1].capacity_bytes)
        return found

    def place(self, name: str) -> Place:
        """The level of that name.

        Raises KeyError for none.
        """
        return {place.name: place for place in self.places}[name]

    def beyond(self, name: str) -> str:
        """The name of the next farther level that has weights of its own."""
        names = [place.name for place in self.places]
        return next(other for other in names[names.index(name) + 1 :] if other in self.weights)

    def missing(self, size: int, name: str) -> float:
        """The share of so many bytes, read again and again, that comes from a level or from beyond it."""
        share = 1.0
        for place in self.places:
            if place.name == name:
                return share
            share = min(share, misses(size, place.capacity_bytes, place.policy))
        raise KeyError(name)


def memory_of(readings: Readings) -> Memory:
    """The levels from sweeps that read ("read"), that read and write ("stream"), and products ("weights").

    Products with one row read weights. Where they fall off, reading in plain order may not yet: a cache's
    pages are not all at hand, or its slices. Such an end is a level of its own, or that of the sums.
    """
    start = start_s(readings, "op")
    curve = _curve(readings.of("read"), start)
    found = found_levels(curve)
    ends = _ends(found, readings.machine.caches)
    if len(readings.of("weights")) >= LEAST_POINTS:
        ends = _with_ends_of_weights(
            ends, found_levels(_curve(readings.of("weights"), start_s(readings, "gemm")))
        )
    places = []
    before = 0.0
    for name, capacity, is_fitted, level in ends:
        rates = [
            reading.work / _net_s(reading, start)
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


def _curve(rows: Sequence[Reading], start: float) -> list[tuple[int, float]]:
    return [(row.sizes[0], _net_s(row, start) / row.work) for row in rows]


def _net_s(reading: Reading, start: float) -> float:
    return max(reading.seconds - start, reading.seconds / 2)


End = tuple[str, float, bool, FoundLevel]
"""Name, capacity, whether it is fitted, and the level as sums see it."""


def _with_ends_of_weights(ends: list[End], found: tuple[FoundLevel, ...]) -> list[End]:
    """The ends of the sums' levels with those that weights show: the same, or in between.

    An end of the weights near one of the sums is that one. In between, it takes the place of a told cache
    that shows no end of its own, else it is a level more, named after the one that it lies in.
    """
    for level in found[:-1]:
        capacity = level.capacity_bytes
        place = next(i for i, end in enumerate(ends) if capacity <= end[1] * SAME)
        name, end, is_fitted, served = ends[place]
        if is_fitted and end < inf and end <= capacity * SAME:
            continue
        inside = replace(served, policy=level.policy)
        if not is_fitted and end <= capacity * NEAR:
            ends = [*ends[:place], (name, capacity, True, inside), *ends[place + 1 :]]
        elif end < inf:
            ends = [*ends[:place], (f"{name}_near", capacity, True, inside), *ends[place:]]
    return ends


def _ends(found: tuple[FoundLevel, ...], caches: tuple[tuple[str, int], ...]) -> list[End]:
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
