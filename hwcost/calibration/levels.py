"""Levels of memory from a curve of seconds per byte over the bytes that are swept again and again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from math import exp, inf, log
from statistics import median
from typing import Final

from hwcost.devices.device import Policy
from hwcost.memory.misses import misses

Curve = Sequence[tuple[int, float]]
"""(bytes swept, seconds per byte), by growing bytes."""

MOST_LEVELS: Final = 4
LEVEL_COST: Final = 0.05
"""By how much the mean error must fall to justify one more level: a fall of a few percent is noise."""

SLACK: Final = tuple(2 ** (step / 8) for step in range(-8, 9))
"""Capacities that are tried around a point of the curve."""

POLICIES: Final[tuple[Policy, ...]] = ("lru", "random")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLevel:
    """capacity_bytes: effective, inf of the last. policy: what a sweep of more than that finds."""

    capacity_bytes: float
    bytes_per_s: float
    policy: Policy


def found_levels(curve: Curve) -> tuple[FoundLevel, ...]:
    """The levels that explain a curve best, nearest first; a further one must earn its place.

    A sweep of s bytes takes max over the levels of (share that misses in all before it) / bandwidth,
    the share by `hwcost.memory.misses`: what the processor kinds price a re-read at.

    Raises ValueError for fewer than 3 points.
    """
    if len(curve) < 3:
        raise ValueError("a curve needs three points")
    sizes = [size for size, _ in curve]
    best: tuple[float, tuple[FoundLevel, ...]] = (inf, ())
    for count in range(MOST_LEVELS):
        for ends in combinations(sizes[1:-1], count):
            levels = _plateaus(curve, ends)
            if levels:
                best = min(best, (_score(curve, levels), levels), key=_error)
    return _refined(curve, best[1])


def sweep_s_per_byte(size: float, levels: Sequence[FoundLevel]) -> float:
    """Seconds per byte of sweeping that many bytes again and again."""
    share, found = 1.0, 0.0
    for level in levels:
        found = max(found, share / level.bytes_per_s)
        if level.capacity_bytes < inf:
            share = min(share, misses(size, level.capacity_bytes, level.policy))
    return found


def error(curve: Curve, levels: Sequence[FoundLevel]) -> float:
    """exp(mean |ln(fitted/measured)|)."""
    return exp(_mean_log(curve, levels))


def _mean_log(curve: Curve, levels: Sequence[FoundLevel]) -> float:
    return sum(abs(log(sweep_s_per_byte(size, levels) / seconds)) for size, seconds in curve) / len(curve)


def _score(curve: Curve, levels: Sequence[FoundLevel]) -> float:
    return _mean_log(curve, levels) + LEVEL_COST * len(levels)


def _error(scored: tuple[float, tuple[FoundLevel, ...]]) -> float:
    return scored[0]


def _plateaus(curve: Curve, ends: Sequence[int]) -> tuple[FoundLevel, ...]:
    """A level up to each end and one beyond, each at a median; () where speeds do not fall."""
    bounds = (0, *ends, inf)
    speeds = []
    for low, high in pairwise(bounds):
        inside = [seconds for size, seconds in curve if low < size <= high]
        # Sweeps just beyond a level still find part of their bytes in it.
        speeds.append(1 / median(inside[len(inside) // 2 :] if low else inside))
    if any(near <= far for near, far in pairwise(speeds)):
        return ()
    levels = zip(bounds[1:], speeds, strict=True)
    return tuple(FoundLevel(capacity_bytes=end, bytes_per_s=speed, policy="lru") for end, speed in levels)


def _refined(curve: Curve, levels: tuple[FoundLevel, ...]) -> tuple[FoundLevel, ...]:
    """Capacity and policy of each level but the last in turn, those of the others held."""
    for _ in range(2):
        for place in range(len(levels) - 1):
            choices = (
                (*levels[:place], changed, *levels[place + 1 :])
                for changed in _changes(levels[place])
                if _is_between(changed.capacity_bytes, levels, place)
            )
            levels = min((levels, *choices), key=lambda choice: _mean_log(curve, choice))
    return levels


def _changes(level: FoundLevel) -> Iterator[FoundLevel]:
    for policy in POLICIES:
        for slack in SLACK:
            yield replace(level, capacity_bytes=level.capacity_bytes * slack, policy=policy)


def _is_between(capacity: float, levels: Sequence[FoundLevel], place: int) -> bool:
    before = levels[place - 1].capacity_bytes if place else 0.0
    return before < capacity < levels[place + 1].capacity_bytes
