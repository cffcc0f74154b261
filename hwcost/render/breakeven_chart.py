"""The chart of devices over a range of values: what each takes, who is ahead, and where that changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import isfinite, log
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from hwcost.render.breakeven import breakeven_head, breakeven_sentences
from hwcost.render.labels import SIZE
from hwcost.render.marks import COLOURS, GRID, INK, QUIET, SHAPES, title
from hwcost.render.ticks import decades, doublings, hull, labelled
from hwcost.render.verdict import settings
from hwcost.render.words import bound_label, count, percent, plain, quantity
from hwcost.report.breakeven import Breakeven, Point
from hwcost.report.report import Report
from hwcost.units import show

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT = 640, 180

PANELS: Final = (("time", "time", "s"), ("energy", "energy", "J"), ("bytes", "bytes off chip", "B"))
"""What is drawn on a logarithmic axis: key, name, unit."""

LINE, HEAD_LINE = 95, 68
"""Letters of a line under the title, and of the title."""

LEAST = 1.0
"""What stands for no bytes on a logarithmic axis: one."""

SHARES: Final = ("of the time", "of the energy")
SHARES_TITLE: Final = "what products of operands that change take: solid of the time, dashed of the energy"

QUARTERS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)

LABEL = 84
"""Pixels that a value above a panel takes."""

LETTER, SYMBOL = 7, 32
"""Pixels of a letter in a legend, and of its symbol with the room around it."""


def breakeven_chart(breakeven: Breakeven) -> alt.VConcatChart:
    """Panels over one axis: time, energy, shares of operands that change, bytes; what nobody knows has none.

    Axes are logarithmic, but that of shares. A bar above a panel has the colour of the device that is
    ahead; a dashed line stands where another comes ahead, with the first value at which it is.
    """
    import altair as alt

    panels = [
        _panel(breakeven, rows, name) for name in PANELS if (rows := _rows(breakeven, name[0], name[2]))
    ]
    if breakeven.changing:
        panels.insert(len(panels) - 1, _shares_panel(breakeven))
    below = [line for sentence in breakeven_sentences(breakeven) for line in wrap(sentence, LINE)]
    headline = title("", [*below, settings(*breakeven.reports)])
    headline.text = wrap(breakeven_head(breakeven), HEAD_LINE)
    headline.subtitleColor = INK
    return alt.vconcat(*panels, spacing=14).properties(
        background="white",
        title=headline,
        config=alt.Config(font="Helvetica, Arial, sans-serif", view=alt.ViewConfig(stroke=None)),
    )


def _panel(
    breakeven: Breakeven, rows: Sequence[dict[str, Any]], name: tuple[str, str, str]
) -> alt.LayerChart:
    import altair as alt

    key, what, unit = name
    low, high = hull([row["taken"] for row in rows])
    y = alt.Y(
        "taken:Q",
        title=what,
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=_axis(decades(low, high), lambda value: show(value, unit)),
    )
    parts: list[Any] = [_line(breakeven, rows, y)]
    leads = [lead for lead in _leads(breakeven) if lead["quantity"] == key]
    parts += _bars(breakeven, leads) if leads else []
    return alt.LayerChart(layer=parts).properties(width=WIDTH, height=HEIGHT)


def _shares_panel(breakeven: Breakeven) -> alt.LayerChart:
    """Shares of time (solid) and energy (dashed) that operands which change take, from 0 to 100 %."""
    import altair as alt

    rows = list(_share_rows(breakeven))
    y = alt.Y(
        "taken:Q",
        title="share",
        scale=alt.Scale(domain=[0, 1]),
        axis=_axis(QUARTERS, percent),
    )
    dash = alt.StrokeDash(
        "share:N",
        scale=alt.Scale(domain=list(SHARES), range=[[1, 0], [5, 3]]),
        legend=None,
    )
    line = _line(breakeven, rows, y).encode(strokeDash=dash)
    return alt.LayerChart(layer=[line]).properties(width=WIDTH, height=HEIGHT, title=_small(SHARES_TITLE))


def _line(breakeven: Breakeven, rows: Sequence[dict[str, Any]], y: alt.Y) -> alt.Chart:
    """A line per device with a dot at each value."""
    import altair as alt

    devices = list(breakeven.devices)
    columns = max(WIDTH // (LETTER * max(map(len, devices)) + SYMBOL), 1)
    legend = alt.Legend(title=None, orient="top", columns=columns, symbolOpacity=1)
    shapes = [SHAPES[place % len(SHAPES)] for place in range(len(devices))]
    marks: alt.Chart = alt.Chart(alt.InlineData(list(rows))).mark_line(
        point=alt.OverlayMarkDef(size=36, opacity=1), strokeWidth=2
    )
    shown = ("device", breakeven.over, "amount", "bound", "weights kept")
    return marks.encode(
        x=_x(breakeven),
        y=y,
        color=alt.Color("device:N", scale=_colours(breakeven), legend=legend),
        shape=alt.Shape("device:N", scale=alt.Scale(domain=devices, range=shapes), legend=legend),
        tooltip=[alt.Tooltip(f"{name}:N") for name in shown],
    )


def _bars(breakeven: Breakeven, leads: Sequence[dict[str, Any]]) -> list[alt.Chart]:
    """Above the panel a bar per device that leads; where another comes ahead a line and its value."""
    import altair as alt

    x = _x(breakeven)
    bars = (
        alt.Chart(alt.InlineData(list(leads)))
        .mark_rule(strokeWidth=5)
        .encode(x=x, x2="high:Q", y=alt.value(-5), color=alt.Color("device:N", scale=_colours(breakeven)))
    )
    changes = list(leads[1:])
    if not changes:
        return [bars]
    start = alt.Chart(alt.InlineData(changes))
    rules = start.mark_rule(color=QUIET, strokeDash=[4, 3]).encode(x=x)
    numbers = start.mark_text(align="center", baseline="bottom", fontSize=SIZE, color=INK).encode(
        x=x, y=alt.Y("down:Q", scale=None, axis=None), text="first:N"
    )
    return [bars, rules, numbers]


def _x(breakeven: Breakeven) -> alt.X:
    import altair as alt

    low, high = breakeven.points[0].value, breakeven.points[-1].value
    return alt.X(
        "value:Q",
        title=breakeven.over,
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=_axis(doublings(low, high), lambda value: count(int(value))),
    )


def _axis(values: Sequence[float], label: Callable[[float], str]) -> alt.Axis:
    import altair as alt

    return alt.Axis(
        gridColor=GRID,
        domainColor=QUIET,
        tickColor=QUIET,
        labelColor=INK,
        titleColor=INK,
        titleFontWeight="normal",
        labelFlush=False,
        values=list(values),
        labelExpr=labelled(values, label),
    )


def _small(text: str) -> alt.TitleParams:
    import altair as alt

    return alt.TitleParams(text, anchor="start", frame="group", fontSize=SIZE, fontWeight="normal", color=INK)


def _colours(breakeven: Breakeven) -> alt.Scale:
    import altair as alt

    devices = list(breakeven.devices)
    return alt.Scale(domain=devices, range=[COLOURS[place % len(COLOURS)] for place in range(len(devices))])


def _leads(breakeven: Breakeven) -> Iterator[dict[str, Any]]:
    """From where to where who is ahead, the border between two values in their geometric middle."""
    low, high = float(breakeven.points[0].value), float(breakeven.points[-1].value)
    for quantity_ in ("time", "energy"):
        leads = breakeven.leads(quantity_)
        if not leads:
            continue
        borders = [(one.high * other.low) ** 0.5 for one, other in pairwise(leads)]
        starts = [low, *borders]
        rows = _label_rows([WIDTH * log(start / low) / log(high / low) for start in starts[1:]])
        for lead, start, end, row in zip(leads, starts, [*borders, high], [0, *rows], strict=True):
            yield {
                "quantity": quantity_,
                "device": lead.device,
                "value": start,
                "high": end,
                "first": f"from {count(lead.low)}",
                "down": -9 - row * (SIZE + 2),
            }


def _label_rows(pixels: Sequence[float]) -> list[int]:
    """The lowest row above the panel in which a label at each pixel keeps clear of those before it."""
    rows: list[int] = []
    ends: list[float] = []
    for right in pixels:
        row = next((place for place, end in enumerate(ends) if right - end >= LABEL), len(ends))
        ends[row : row + 1] = [right]
        rows.append(row)
    return rows


def _rows(breakeven: Breakeven, key: str, unit: str) -> list[dict[str, Any]]:
    """What every device takes at every value, where it is known."""
    rows = []
    for point in breakeven.points:
        for report in point.reports:
            totals = report.totals
            amounts = {
                "time": totals.expected_s,
                "energy": totals.energy_j,
                "bytes": max(totals.bytes, LEAST),
            }
            taken = amounts[key]
            if taken and isfinite(taken):
                rows.append(
                    {**_row(breakeven, point, report), "taken": taken, "amount": quantity(taken, unit)}
                )
    return rows


def _share_rows(breakeven: Breakeven) -> Iterator[dict[str, Any]]:
    for point in breakeven.points:
        for place in breakeven.changing:
            report = point.reports[place]
            if report.changing is None:
                continue
            taken = (report.changing.time_share, report.changing.energy_share)
            for name, share in zip(SHARES, taken, strict=True):
                if share is not None:
                    row = {"taken": share, "share": name, "amount": f"{percent(share)} {name}"}
                    yield {**_row(breakeven, point, report), **row}


def _row(breakeven: Breakeven, point: Point, report: Report) -> dict[str, Any]:
    return {
        "device": report.machine.name,
        "value": point.value,
        breakeven.over: plain(point.value),
        "bound": bound_label(report.bound),
        "weights kept": "" if report.on_chip is None else percent(report.on_chip),
    }
