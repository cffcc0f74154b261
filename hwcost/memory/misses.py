"""The share of a re-read that misses in a memory, from its reuse distance and how it replaces."""

from __future__ import annotations

from functools import lru_cache
from math import exp, isinf, log, log1p, pi
from typing import Final, Literal

Policy = Literal["lru", "random", "pinned"]

TERMS: Final = 52
"""Terms of the series of Li2 that matter in double precision for arguments up to one half."""


def misses(distance_bytes: float, capacity_bytes: float | None, policy: Policy) -> float:
    """The probability that data with this reuse distance D has left a memory of capacity C.

    lru     1 if D > C, else 0
    random  the m with m = 1 - exp(-m * D / C) if D > C, else 0
    pinned  1 - C / D if D > C, else 0: a scratchpad keeps a fixed part

    An infinite distance (never touched before) misses always; a memory without bound (None) never
    misses otherwise.

    source  Mattson et al., IBM Systems Journal 9(2), 1970 (lru); for random replacement of a cyclic
            sweep: each of the m*D bytes that miss evicts one of C at random
    """
    if isinf(distance_bytes):
        return 1.0
    if capacity_bytes is None or distance_bytes <= capacity_bytes:
        return 0.0
    if capacity_bytes <= 0 or policy == "lru":
        return 1.0
    if policy == "pinned":
        return 1.0 - capacity_bytes / distance_bytes
    return _random(distance_bytes / capacity_bytes)


@lru_cache(maxsize=65536)
def _random(ratio: float) -> float:
    """Newton's method from 1, where it falls monotonically to the larger root."""
    share = 1.0
    for _ in range(60):
        left = exp(-share * ratio)
        step = (1.0 - left - share) / (ratio * left - 1.0)
        share -= step
        if abs(step) < 1e-12:
            break
    return max(share, 0.0)


def mean_misses(start_bytes: float, end_bytes: float, capacity_bytes: float | None, policy: Policy) -> float:
    """The mean of `misses` over distances that go linearly from start to end."""
    low, high = sorted((start_bytes, end_bytes))
    if low == high or isinf(high) or capacity_bytes is None or high <= capacity_bytes:
        return misses(high, capacity_bytes, policy)
    if policy == "lru" or capacity_bytes <= 0:
        return (high - max(low, capacity_bytes)) / (high - low)
    begin = max(low, capacity_bytes)
    area = _area(high, capacity_bytes, policy) - _area(begin, capacity_bytes, policy)
    return area / (high - low)


def _area(distance_bytes: float, capacity_bytes: float, policy: Policy) -> float:
    """The integral of `misses` over distances from C to D, D >= C.

    pinned  (D - C) - C ln(D / C)
    random  with r = D / C = -ln(1 - m) / m, by parts: C (m r - Li2(m)), as dLi2/dm = -ln(1 - m) / m
    """
    ratio = distance_bytes / capacity_bytes
    if policy == "pinned":
        return capacity_bytes * (ratio - 1.0 - log(ratio))
    share = _random(ratio) if ratio > 1.0 else 0.0
    return capacity_bytes * (share * ratio - _dilogarithm(share))


def _dilogarithm(z: float) -> float:
    """Li2(z) = sum of z^k / k^2, for z from 0 to 1."""
    if z <= 0.0:
        return 0.0
    if z >= 1.0:
        return pi**2 / 6
    if z > 0.5:
        return pi**2 / 6 - log(z) * log1p(-z) - _dilogarithm(1.0 - z)
    return sum(z**k / k**2 for k in range(1, TERMS))
