"""The share of a re-read that misses in a memory, from its reuse distance and how it replaces."""

from __future__ import annotations

from functools import lru_cache
from math import exp, inf, isinf
from typing import Final, Literal

Policy = Literal["lru", "random", "pinned"]

_NODES: Final = (
    (-0.9602898564975363, 0.10122853629037626),
    (-0.7966664774136267, 0.22238103445337448),
    (-0.5255324099163290, 0.31370664587788730),
    (-0.1834346424956498, 0.36268378337836200),
    (0.1834346424956498, 0.36268378337836200),
    (0.5255324099163290, 0.31370664587788730),
    (0.7966664774136267, 0.22238103445337448),
    (0.9602898564975363, 0.10122853629037626),
)
"""Gauss-Legendre nodes and weights of order 8 on [-1, 1]."""


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
    half, middle = (high - begin) / 2, (high + begin) / 2
    area = half * sum(
        weight * misses(middle + half * node, capacity_bytes, policy) for node, weight in _NODES
    )
    return area / (high - low)


NEVER: Final = inf
"""The distance of data that was never touched before."""
