"""Devices over a range of values: what each takes, which takes the least, and where that changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from hwcost.report.report import Report

Quantity = Literal["time", "energy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A model at one value of what is varied: its report on each device."""

    value: int
    reports: tuple[Report, ...]

    def taken(self, quantity: Quantity) -> tuple[float | None, ...]:
        """Seconds or joules on each device."""
        totals = [report.totals for report in self.reports]
        return tuple(total.expected_s if quantity == "time" else total.energy_j for total in totals)

    def leaders(self, quantity: Quantity) -> tuple[int, ...]:
        """Which devices take the least: several if they are even, none if fewer than two are known."""
        taken = self.taken(quantity)
        known = [amount for amount in taken if amount is not None]
        if len(known) < 2:
            return ()
        return tuple(place for place, amount in enumerate(taken) if amount == min(known))

    def ahead(self, quantity: Quantity) -> int | None:
        """Which device takes less than every other; None where some are even or fewer than two known."""
        leaders = self.leaders(quantity)
        return leaders[0] if len(leaders) == 1 else None

    def least(self, quantity: Quantity) -> str | None:
        """The name of the device that is ahead, if one is."""
        ahead = self.ahead(quantity)
        return None if ahead is None else self.reports[ahead].machine.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Between two neighbouring values another device comes ahead. before, after: who is, by name."""

    quantity: Quantity
    last: int
    first: int
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A device that takes the least from one value to another, both included."""

    device: str
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakeven:
    """A model on devices over a range of values. over: what is varied. points, meetings: by value."""

    model: str
    over: str
    points: tuple[Point, ...]
    meetings: tuple[Meeting, ...]

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(report.machine.name for report in self.points[0].reports)

    @property
    def reports(self) -> tuple[Report, ...]:
        """All reports, by value and device."""
        return tuple(report for point in self.points for report in point.reports)

    @property
    def changing(self) -> tuple[int, ...]:
        """The places of the devices on which operands that change take a share of some value's time."""
        return tuple(
            place
            for place in range(len(self.devices))
            if any((share := point.reports[place].changing) and share.is_any for point in self.points)
        )

    def unknown(self, quantity: Quantity) -> tuple[str, ...]:
        """The devices whose profile does not tell what a model takes."""
        each = zip(self.devices, self.points[0].taken(quantity), strict=True)
        return tuple(device for device, taken in each if taken is None)

    def leads(self, quantity: Quantity) -> tuple[Lead, ...]:
        """Who takes the least from where to where, by value; nothing where no device ever is ahead."""
        return tuple(self._leads(quantity))

    def _leads(self, quantity: Quantity) -> Iterator[Lead]:
        low = self.points[0].value
        leader = next(filter(None, (point.least(quantity) for point in self.points)), None)
        if leader is None:
            return
        for meeting in (one for one in self.meetings if one.quantity == quantity):
            yield Lead(device=leader, low=low, high=meeting.last)
            leader, low = meeting.after, meeting.first
        yield Lead(device=leader, low=low, high=self.points[-1].value)

    def to_dict(self) -> dict[str, object]:
        """Plain values of JSON."""
        return {
            "model": self.model,
            "over": self.over,
            "devices": list(self.devices),
            "points": [
                {
                    "value": point.value,
                    "least_time": point.least("time"),
                    "least_energy": point.least("energy"),
                    "devices": [_plain(report) for report in point.reports],
                }
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
    totals, changing = report.totals, report.changing
    values = {
        "expected_s": totals.expected_s,
        "energy_j": totals.energy_j,
        "bytes": totals.bytes,
        "changing_time_share": None if changing is None else changing.time_share,
        "changing_energy_share": None if changing is None else changing.energy_share,
    }
    finite = {key: None if x is None or not isfinite(x) else x for key, x in values.items()}
    return {"device": report.machine.name, **finite, "bound": report.bound, "weights_kept": report.on_chip}
