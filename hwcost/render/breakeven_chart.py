"""The chart of two devices over a range of values: time, energy and bytes, with the meetings marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwcost.render.breakeven import breakeven_verdict
from hwcost.render.marks import COLOURS, GRID, INK, QUIET
from hwcost.render.verdict import settings
from hwcost.report.breakeven import Breakeven

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT = 640, 180

PANELS = (("time", "time, s"), ("energy", "energy, J"), ("bytes", "bytes off chip"))

LINE = 110
"""Letters of a line under the title."""

LEAST = 1.0
"""What stands for no bytes on a logarithmic axis: one."""


def breakeven_chart(breakeven: Breakeven) -> alt.VConcatChart:
    """Three panels over one axis; a quantity that neither profile tells has none.

    Both axes are logarithmic. A dashed line stands where the other device comes ahead.
    """
    import altair as alt

    rows = _rows(breakeven)
    panels = [
        _panel(breakeven, [row for row in rows if row["quantity"] == quantity], quantity, name)
        for quantity, name in PANELS
        if any(row["quantity"] == quantity for row in rows)
    ]
    first, second = breakeven.devices
    return alt.vconcat(*panels, spacing=12).properties(
        background="white",
        title=alt.TitleParams(
            text=f"{breakeven.model} on {first} and {second}",
            subtitle=[*_wrapped(breakeven_verdict(breakeven)), settings(*breakeven.reports)],
            anchor="start",
            color=INK,
            subtitleColor=QUIET,
        ),
        config=alt.Config(font="Helvetica, Arial, sans-serif", view=alt.ViewConfig(stroke=None)),
    )


def _panel(breakeven: Breakeven, rows: Sequence[dict[str, Any]], quantity: str, name: str) -> alt.LayerChart:
    import altair as alt

    devices = list(breakeven.devices)
    low, high = breakeven.points[0].value, breakeven.points[-1].value
    x = alt.X(
        "value:Q",
        title=breakeven.over,
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(gridColor=GRID, format="~s"),
    )
    y = alt.Y(
        "taken:Q",
        title=name,
        scale=alt.Scale(type="log"),
        axis=alt.Axis(gridColor=GRID, format="~s", tickCount=5),
    )
    colour = alt.Color(
        "device:N",
        scale=alt.Scale(domain=devices, range=list(COLOURS[: len(devices)])),
        legend=alt.Legend(title=None, orient="top"),
    )
    lines = alt.Chart(alt.InlineData(list(rows))).mark_line(point=True, strokeWidth=2)
    tooltip = ["device:N", "value:Q", "taken:Q", "bound:N", "weights kept:N"]
    meetings = [
        {"value": (one.last * one.first) ** 0.5} for one in breakeven.meetings if one.quantity == quantity
    ]
    parts: list[Any] = [lines.encode(x=x, y=y, color=colour, tooltip=tooltip)]
    if meetings:
        rules = alt.Chart(alt.InlineData(meetings)).mark_rule(color=QUIET, strokeDash=[4, 3])
        parts.append(rules.encode(x=x))
    return alt.LayerChart(layer=parts).properties(width=WIDTH, height=HEIGHT)


def _rows(breakeven: Breakeven) -> list[dict[str, Any]]:
    rows = []
    for point in breakeven.points:
        for report in point.reports:
            totals = report.totals
            taken = {
                "time": totals.expected_s,
                "energy": totals.energy_j,
                "bytes": max(totals.bytes, LEAST),
            }
            rows += [
                {
                    "device": report.machine.name,
                    "value": point.value,
                    "quantity": quantity,
                    "taken": amount,
                    "bound": report.bound,
                    "weights kept": "" if report.on_chip is None else f"{report.on_chip:.0%}",
                }
                for quantity, amount in taken.items()
                if amount
            ]
    return rows


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, LINE)
