"""A chart of predicted against measured times, one dot per measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwcost.render.frame import powers_of_ten
from hwcost.render.marks import COLOURS, INK, QUIET, title
from hwcost.render.words import percent, plural, quantity
from hwcost.validation.result import CLOSE, Point, figures

if TYPE_CHECKING:
    import altair as alt

SIDE = 520
"""Height and width in pixels."""

ROOM = 1.5
"""Factor between the outermost dots and the frame."""


def scatter(points: Sequence[Point]) -> alt.LayerChart:
    """Held-out points filled, fitted ones hollow; on the solid line both agree, dashed: CLOSE times off."""
    import altair as alt

    times = [time for point in points for time in (point.expected, point.case.measured)]
    low, high = min(times) / ROOM, max(times) * ROOM
    lines = [_line(low, high, factor) for factor in (1.0, CLOSE, 1 / CLOSE)]
    held = [point for point in points if not point.case.is_fitted] or list(points)
    found = figures(held)
    below = (
        f"{plural(len(held), 'held-out measurement')}: error {found.error:.2f},"
        f" {percent(found.close)} within {CLOSE:g}x; plain roofline {found.roofline_error:.2f}",
        f"filled: held out; hollow: fitted; dashed: {CLOSE:g} times off",
    )
    chart: Any = alt.layer(*lines, _dots(points, low, high)).properties(
        width=SIDE, height=SIDE, title=title("Predicted against measured time", below)
    )
    whole: alt.LayerChart = chart
    return whole


def _line(low: float, high: float, factor: float) -> alt.Chart:
    import altair as alt

    rows = [{"x": low, "y": low * factor, "x2": high, "y2": high * factor}]
    dash = [1, 0] if factor == 1 else [5, 4]
    color = INK if factor == 1 else QUIET
    chart: alt.Chart = alt.Chart(alt.InlineData(rows)).mark_rule(
        color=color, strokeDash=dash, strokeWidth=1, clip=True
    )
    return chart.encode(**_axes(low, high), x2="x2:Q", y2="y2:Q")


def _dots(points: Sequence[Point], low: float, high: float) -> alt.Chart:
    import altair as alt

    cards = list(dict.fromkeys(point.case.card for point in points))
    datasets = list(dict.fromkeys(point.case.dataset for point in points))
    # More cards than colours: then a colour tells the dataset, and the card shows under the pointer.
    by, names = ("device", cards) if len(cards) <= len(COLOURS) else ("dataset", datasets)
    colours = alt.Scale(domain=names, range=[COLOURS[i % len(COLOURS)] for i in range(len(names))])
    chart: alt.Chart = alt.Chart(alt.InlineData([_row(point) for point in points])).mark_point(
        size=22, strokeWidth=0.8, opacity=0.8
    )
    shown = ("case", "device", "dataset", "measured", "predicted", "bound")
    return chart.encode(
        **_axes(low, high),
        color=alt.Color(f"{by}:N", scale=colours, legend=alt.Legend(title=None)),
        shape=alt.Shape("dataset:N", scale=alt.Scale(domain=datasets), legend=alt.Legend(title=None)),
        fillOpacity=alt.FillOpacity("filled:Q", scale=None),
        fill=alt.Fill(f"{by}:N", scale=colours, legend=None),
        tooltip=[alt.Tooltip(f"{name}:N") for name in shown],
    )


def _row(point: Point) -> dict[str, object]:
    return {
        "x": point.case.measured,
        "y": point.expected,
        "filled": 0.0 if point.case.is_fitted else 0.8,
        "case": point.case.trace.model,
        "device": point.case.card,
        "dataset": point.case.dataset,
        "measured": quantity(point.case.measured, "s"),
        "predicted": quantity(point.expected, "s"),
        "bound": point.bound,
    }


def _axes(low: float, high: float) -> dict[str, Any]:
    import altair as alt

    scale = alt.Scale(type="log", domain=[low, high], nice=False)

    ticks = list(powers_of_ten(low, high))

    def axis(name: str) -> alt.Axis:
        return alt.Axis(title=f"{name}, seconds", format="~s", values=ticks, titleFontWeight="normal")

    return {
        "x": alt.X("x:Q", scale=scale, axis=axis("measured")),
        "y": alt.Y("y:Q", scale=scale, axis=axis("predicted")),
    }
