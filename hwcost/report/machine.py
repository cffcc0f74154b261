"""The facts of a device that a report shows: its roofs and its slopes."""

from __future__ import annotations

from dataclasses import dataclass


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
    """The facts of a device that a report shows: its roofs and slopes, nearest level first.

    notes: of the device. proof: what the figures of a device that computes in place were taken from
    ("silicon", "simulation", "vendor", "modelled"), "" for others. stand_ins: sentences on what computes
    in place of a unit that it lacks.
    """

    name: str
    title: str
    kind: str
    unverified_numbers: int
    roof: Roof
    roofs: tuple[Roof, ...]
    slopes: tuple[Slope, ...]
    memory_bytes: float | None
    notes: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()
    proof: str = ""

    def slope(self, level: str) -> Slope | None:
        """The diagonal of a level; None where the profile knows no bandwidth of it."""
        return next((slope for slope in self.slopes if slope.level == level), None)
