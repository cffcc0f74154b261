"""The dots of a roofline chart in numbers, and what the chart cannot show."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from hwcost.render.comparison import stand_ins
from hwcost.render.dots import Dot, dots_of
from hwcost.render.tables import Column, Table
from hwcost.render.words import bound_label, level_label, listed, percent, plain, plural, quantity
from hwcost.report import Report


def dots_table(reports: Sequence[Report], *, layers: bool = False) -> Table:
    """One row per dot: its place, what its intensity allows there, and what is reached of that."""
    dots, _ = dots_of(reports, layers=layers)
    level = level_label(reports[0].farthest_level) or "byte"
    columns = (
        Column(name="layer" if layers else "model", is_number=False),
        Column(name=f"FLOP/B {level}"),
        Column(name="allowed", wide_only=True),
        Column(name="reached"),
        Column(name="of it"),
        Column(name="share"),
        Column(name="bound", is_number=False),
    )
    title = f"under the roofline, ridge point {plain(reports[0].ridge_point)} FLOP/byte"
    rows = tuple(_row(dot, reports[0], several=layers and len(reports) > 1) for dot in dots)
    return Table(title=title, columns=columns, rows=rows)


def dots_notes(reports: Sequence[Report], *, layers: bool) -> list[str]:
    """What has no place on logarithmic axes, and whose arithmetic is not all known."""
    _, missing = dots_of(reports, layers=layers)
    found = []
    if missing:
        who = plural(len(missing), "layer") if layers else listed(tuple(one.name for one in missing))
        one_model = layers and len(reports) == 1
        share = f" ({percent(fsum(one.share for one in missing))} of the time)" if one_model else ""
        found.append(f"Without arithmetic, or without bytes, and so not shown: {who}{share}.")
    found += stand_ins(reports)
    assumed = tuple(report.trace.model for report in reports if report.lower_bound)
    if assumed:
        found.append(f"A lower bound, some arithmetic is unknown: {listed(assumed)}.")
    return found


def allowed_flop_per_s(intensity: float, report: Report) -> float:
    """The roofline: min(peak, intensity * peak bandwidth of the farthest level)."""
    slope, roof = report.machine.slope(report.farthest_level), report.machine.roof.peak_flop_per_s
    return roof if slope is None else min(roof, intensity * slope.peak_bytes_per_s)


def _row(dot: Dot, report: Report, *, several: bool) -> tuple[str, ...]:
    allowed = allowed_flop_per_s(dot.intensity, report)
    return (
        f"{dot.model}: {dot.name}" if several else dot.name,
        plain(dot.intensity),
        quantity(allowed, "FLOP/s"),
        quantity(dot.flop_per_s, "FLOP/s"),
        percent(dot.flop_per_s / allowed),
        percent(dot.share),
        bound_label(dot.sum.bound),
    )
