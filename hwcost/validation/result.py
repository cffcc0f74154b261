"""The nouns of validation: a case, what is predicted for it, and the figures of many of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, isinf, log
from typing import Final, Literal

from hwcost.graph import Trace

CLOSE: Final = 1.5
"""The factor within which a prediction counts as close."""

NEAR: Final = 0.05
"""How far a number may be off for the statement to hold, as a share."""

Basis = Literal["prediction", "consistency"]
"""What a number of ours shows.

prediction: it comes from geometry, circuit timings and the model; no constant was worked out from it.
consistency: a constant was worked out from it, or from what its source says of the same quantity, so that
it shows that profile and source agree, and no more.
"""

Evidence = Literal["silicon", "simulation", "vendor", "modelled", "unverified"]
"""What a published number rests on; unverified: no source was read for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One published figure, and the work that it is of.

    dataset: of DATASETS. card: the device as the source names it, with its precision. device: of a
    profile. is_fitted: a constant of the device's family was fitted on it. measured: seconds.
    in_a_row: it was timed in passes that follow one another, so that caches hold what they can.
    """

    dataset: str
    card: str
    device: str
    trace: Trace
    measured: float
    is_fitted: bool
    in_a_row: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A case and the seconds that are predicted for it; bound: what is said to bind."""

    case: Case
    expected: float
    fast: float
    slow: float
    roofline: float
    bound: str

    @property
    def factor(self) -> float:
        """Predicted over measured: above 1 too slow."""
        return self.expected / self.case.measured

    @property
    def is_inside(self) -> bool:
        return self.fast <= self.case.measured <= self.slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A published statement in words: what the source says, what we say of the device."""

    dataset: str
    name: str
    device: str
    published: str
    ours: str

    @property
    def holds(self) -> bool:
        return self.ours == self.published


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A published number, and ours.

    low, high: the range that the source gives, the same for one number; low 0 or high infinite where it
    gives a bound. unit: "" for a plain count, "x" for a ratio. within: the share by which ours may be off.
    basis, evidence: None where the number rests on no constant of a device. note: what a reader must know.
    """

    dataset: str
    name: str
    device: str
    low: float
    high: float
    ours: float
    unit: str
    within: float = NEAR
    basis: Basis | None = None
    evidence: Evidence | None = None
    note: str = ""

    @property
    def is_bound(self) -> bool:
        """Whether the source gives one end only."""
        return self.low == 0 or isinf(self.high)

    @property
    def factor(self) -> float:
        """Ours over the nearer end of the range; 1 inside it."""
        if self.low <= self.ours <= self.high:
            return 1.0
        return self.ours / (self.low if self.ours < self.low else self.high)

    @property
    def holds(self) -> bool:
        """A bound is kept or not; else ours may be off by the share `within`."""
        return abs(self.factor - 1) <= (0 if self.is_bound else self.within)


Statement = Check | Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What some points come to.

    error: exp(mean |ln(predicted/measured)|). close: share within CLOSE. inside: share in the
    interval. roofline_error: error of the plain roofline. worst: the point that is farthest off.
    """

    points: tuple[Point, ...]
    error: float
    close: float
    inside: float
    roofline_error: float
    worst: Point


def figures(points: Iterable[Point]) -> Figures:
    """The figures of one or more points."""
    found = tuple(points)
    return Figures(
        points=found,
        error=_error(point.factor for point in found),
        close=sum(1 / CLOSE <= point.factor <= CLOSE for point in found) / len(found),
        inside=sum(point.is_inside for point in found) / len(found),
        roofline_error=_error(point.roofline / point.case.measured for point in found),
        worst=max(found, key=lambda point: abs(log(point.factor))),
    )


def _error(factors: Iterable[float]) -> float:
    logs = [abs(log(factor)) for factor in factors]
    return exp(sum(logs) / len(logs))
