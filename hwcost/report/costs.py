"""What the stages add to the work of an op: the bytes that it moves, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hwcost.graph import Phase, Work

STATED_SHARE: Final = 0.9
"""The share of measured times that should lie between the fast and the slow end of a cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Bytes that cross one level of memory (that it serves to the level nearer the units).

    All are sums over the calls of the traffic that they belong to; low <= read + write <= high.
    """

    level: str
    read_bytes: float
    write_bytes: float
    low_bytes: float
    high_bytes: float

    @property
    def bytes(self) -> float:
        return self.read_bytes + self.write_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What one op moves, in one phase of the loop that it stands in.

    calls: how often it runs in this phase, enclosing loops multiplied. phase: "once" outside
    loops; in a loop the first round, the steady ones together, and the last. times: rounds of that
    loop, 1 outside. axis: what that loop runs along ("time"), "" outside. crossings: one per level
    of the device that serves bytes, nearest to the units first.
    """

    work: Work
    calls: int
    phase: Phase
    times: int
    axis: str
    crossings: tuple[Crossing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds and joules of one traffic, summed over its calls.

    bound: "compute", the name of a level, "latency", or "free" for what takes no time.
    energy_j: None where the device's profile has no energy figures. fast_s, slow_s: between them lies
    STATED_SHARE of the measured times, None where the kind of device does not tell.
    """

    traffic: Traffic
    compute_s: float
    level_s: Mapping[str, float]
    latency_s: float
    expected_s: float
    roofline_s: float
    energy_j: float | None
    bound: str
    fast_s: float | None = None
    slow_s: float | None = None
