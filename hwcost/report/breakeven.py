"""Two devices over a range of values: what each takes, and where they meet."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from hwcost.report.report import Report

Quantity = Literal["time", "energy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A model at one value of what is varied: its report on either device."""

    value: int
    reports: tuple[Report, Report]

    def taken(self, quantity: Quantity) -> tuple[float | None, float | None]:
        """Seconds or joules on either device."""
        first, second = (report.totals for report in self.reports)
        if quantity == "time":
            return first.expected_s, second.expected_s
        return first.energy_j, second.energy_j

    def ahead(self, quantity: Quantity) -> int | None:
        """Which device takes less: 0 or 1, None where they are even or one is unknown."""
        first, second = self.taken(quantity)
        if first is None or second is None or first == second:
            return None
        return 0 if first < second else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Between two neighbouring values the other device comes ahead. before, after: who is, by name."""

    quantity: Quantity
    last: int
    first: int
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakeven:
    """A model on two devices over a range of values. over: what is varied. points: by value."""

    model: str
    over: str
    points: tuple[Point, ...]
    meetings: tuple[Meeting, ...]

    @property
    def devices(self) -> tuple[str, str]:
        first, second = self.points[0].reports
        return first.machine.name, second.machine.name

    @property
    def reports(self) -> tuple[Report, ...]:
        """All reports, by value and device."""
        return tuple(report for point in self.points for report in point.reports)

    def to_dict(self) -> dict[str, object]:
        """Plain values of JSON."""
        return {
            "model": self.model,
            "over": self.over,
            "devices": list(self.devices),
            "points": [
                {"value": point.value, "devices": [_plain(report) for report in point.reports]}
                for point in self.points
            ],
            "meetings": [
                {
                    "quantity": meeting.quantity,
                    "last": meeting.last,
                    "first": meeting.first,
                    "before": meeting.before,
                    "after": meeting.after,
                }
                for meeting in self.meetings
            ],
        }


def _plain(report: Report) -> dict[str, object]:
    totals = report.totals
    values = {"expected_s": totals.expected_s, "energy_j": totals.energy_j, "bytes": totals.bytes}
    finite = {key: None if x is None or not isfinite(x) else x for key, x in values.items()}
    return {"device": report.machine.name, **finite, "bound": report.bound, "weights_kept": report.on_chip}
