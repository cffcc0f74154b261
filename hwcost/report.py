"""What the stages add to the work of an op: traffic, cost, and the report that sums them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hwcost.graph import Trace, Work

Phase = Literal["once", "first", "steady", "last"]


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
    energy_j: None where the device's profile has no energy figures.
    """

    traffic: Traffic
    compute_s: float
    level_s: Mapping[str, float]
    latency_s: float
    expected_s: float
    roofline_s: float
    energy_j: float | None
    bound: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof:
    """A ceiling of the roofline: one unit at one dtype. achieved: what gemm reaches of it."""

    unit: str
    dtype: str
    peak_flop_per_s: float
    achieved_flop_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A diagonal of the roofline: one level of memory."""

    level: str
    size_bytes: float | None
    peak_bytes_per_s: float
    achieved_bytes_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The facts of a device that a report shows: its roofs and slopes, nearest level first."""

    name: str
    title: str
    kind: str
    unverified_numbers: int
    roof: Roof
    roofs: tuple[Roof, ...]
    slopes: tuple[Slope, ...]
    memory_bytes: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The costs of a trace on a device."""

    trace: Trace
    machine: Machine
    order: str
    fusion: str
    costs: tuple[Cost, ...]
