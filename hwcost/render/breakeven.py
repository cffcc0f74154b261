"""Two devices over a range of values: their table, and in plain words where they meet."""

from __future__ import annotations

from collections.abc import Sequence

from hwcost.render.tables import Column, Table
from hwcost.render.words import UNKNOWN, bound_label, count, percent, quantity, ratio
from hwcost.report.breakeven import Breakeven, Meeting, Point
from hwcost.report.report import Report


def breakeven_table(breakeven: Breakeven) -> Table:
    """A row per value: time and energy on either device, how they compare, and what binds."""
    first, second = breakeven.devices
    columns = (
        Column(name=breakeven.over),
        *(Column(name=name) for name in (first, second)),
        Column(name="ratio"),
        *(Column(name=name) for name in (first, second)),
        Column(name="ratio"),
        Column(name="kept"),
        Column(name="bound", is_number=False, wide_only=True),
        Column(name="bound", is_number=False, wide_only=True),
    )
    return Table(title="", columns=columns, rows=tuple(_row(point) for point in breakeven.points))


def breakeven_verdict(breakeven: Breakeven) -> str:
    """Where the one device overtakes the other, or that it never does."""
    first, second = breakeven.devices
    head = f"{breakeven.model} on {first} and {second}, over {breakeven.over}"
    return f"{head}: {' '.join(_sentences(breakeven))}"


def breakeven_notes(breakeven: Breakeven) -> tuple[str, ...]:
    """How to read the table, and what each device does with the model at the ends of the range."""
    first, second = breakeven.devices
    low, high = breakeven.points[0], breakeven.points[-1]
    found = [
        f"Time on {first} and {second}, then energy; ratio: {second} over {first}: above 1 {first} is ahead."
        f" Kept: the share of the weights for which {first} and {second} have room beside their units."
    ]
    found += _findings(low, breakeven) + _findings(high, breakeven)
    return tuple(dict.fromkeys(found))


def _sentences(breakeven: Breakeven) -> list[str]:
    sentences = []
    for quantity_ in ("time", "energy"):
        meetings = [one for one in breakeven.meetings if one.quantity == quantity_]
        if meetings:
            sentences += [_meeting(one, breakeven.over) for one in meetings]
            continue
        leaders = {point.ahead(quantity_) for point in breakeven.points} - {None}
        if len(leaders) == 1:
            (leader,) = leaders
            name = breakeven.devices[leader or 0]
            sentences.append(f"{name} takes less {quantity_} everywhere.")
    return sentences or ["Neither is ahead, as far as their profiles tell."]


def _meeting(meeting: Meeting, over: str) -> str:
    return (
        f"{meeting.before} takes less {meeting.quantity} up to {over} = {count(meeting.last)},"
        f" {meeting.after} from {count(meeting.first)}."
    )


def _findings(point: Point, breakeven: Breakeven) -> list[str]:
    return [
        f"{report.machine.name}, {breakeven.over} = {count(point.value)}: {sentence}"
        for report in point.reports
        for sentence in report.lints
    ]


def _row(point: Point) -> tuple[str, ...]:
    times, joules = point.taken("time"), point.taken("energy")
    return (
        count(point.value),
        *(quantity(seconds, "s") for seconds in times),
        _ratio(times),
        *(quantity(energy, "J") for energy in joules),
        _ratio(joules),
        ", ".join(_kept(report) for report in point.reports),
        *(bound_label(report.bound) for report in point.reports),
    )


def _kept(report: Report) -> str:
    return UNKNOWN if report.on_chip is None else percent(report.on_chip)


def _ratio(taken: Sequence[float | None]) -> str:
    first, second = taken
    return ratio(second / first) if first and second is not None else UNKNOWN
