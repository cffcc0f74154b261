"""The marks of a chart in Altair's words: lines, dots, texts on one pair of logarithmic axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwcost.render.dots import Dot
from hwcost.render.frame import Frame, powers_of_ten
from hwcost.render.labels import SIZE, Label, dot_areas, layer_area
from hwcost.render.words import bound_label, percent, plain, quantity

if TYPE_CHECKING:
    import altair as alt

INK, QUIET, GRID = "#222222", "#8A8A8A", "#ECECEC"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
"""Okabe and Ito's palette for all kinds of colour vision, without its yellow, with a grey."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")
"""So that models can be told apart in print without colour."""

TOOLTIPS = (
    "name",
    "model",
    "FLOP per byte",
    "reached",
    "FLOPs",
    "bytes",
    "expected time",
    "share of time",
    "bound",
)


def rule(
    ends: tuple[float, float, float, float], frame: Frame, *, color: str, width: float, dash: tuple[int, int]
) -> alt.Chart:
    """A straight line from (x, y) to (x2, y2)."""
    import altair as alt

    rows = [dict(zip(("x", "y", "x2", "y2"), ends, strict=True))]
    chart = alt.Chart(alt.InlineData(rows))
    marks: alt.Chart = chart.mark_rule(color=color, strokeWidth=width, strokeDash=list(dash))
    return marks.encode(**_axes(frame), x2="x2:Q", y2="y2:Q")


def text(label: Label, frame: Frame, *, size: int, color: str) -> alt.Chart:
    """A label at its place."""
    import altair as alt

    rows = [{"x": label.x, "y": label.y}]
    chart = alt.Chart(alt.InlineData(rows))
    marks: alt.Chart = chart.mark_text(
        text=label.text,
        align=label.align,
        baseline="middle",
        fontSize=size,
        color=color,
        angle=(360 - label.degrees) % 360,
    )
    return marks.encode(**_axes(frame))


def points(dots: Sequence[Dot], frame: Frame, *, layers: bool) -> alt.Chart:
    """Dots: models by colour and shape, layers by the colour of their class and the size of their time."""
    import altair as alt

    groups = list(dict.fromkeys(dot.group for dot in dots))
    models = list(dict.fromkeys(dot.model for dot in dots))
    colours = alt.Scale(domain=groups, range=[COLOURS[n % len(COLOURS)] for n in range(len(groups))])
    shapes = alt.Scale(domain=models, range=[SHAPES[n % len(SHAPES)] for n in range(len(models))])
    legend = alt.Legend(title=None, orient="right", symbolSize=90, labelFontSize=SIZE)
    encodings: dict[str, Any] = {
        "color": alt.Color("group:N", scale=colours, legend=legend if layers else None),
        "shape": alt.Shape("model:N", scale=shapes, legend=legend if layers and len(models) > 1 else None),
        "size": alt.Size("area:Q", scale=None),
        "order": alt.Order("area:Q", sort="descending"),
        "tooltip": [alt.Tooltip(f"{name}:N") for name in TOOLTIPS],
    }
    areas = [layer_area(dot.share) for dot in dots] if layers else dot_areas(dots, frame)
    rows = [_row(dot, area) for dot, area in zip(dots, areas, strict=True)]
    chart = alt.Chart(alt.InlineData(rows))
    marks: alt.Chart = chart.mark_point(
        filled=True, opacity=0.75 if layers else 1.0, stroke="white", strokeWidth=0.8
    )
    return marks.encode(**_axes(frame), **encodings)


def caption(lines: Sequence[str], frame: Frame) -> alt.Chart:
    """Small print below the horizontal axis."""
    import altair as alt

    chart = alt.Chart(alt.InlineData([{}]))
    marks: alt.Chart = chart.mark_text(
        text=list(lines), align="left", baseline="top", fontSize=SIZE - 1, color=QUIET, lineHeight=SIZE + 3
    )
    return marks.encode(x=alt.value(0), y=alt.value(frame.height + 46))


def title(headline: str, below: Sequence[str]) -> alt.TitleParams:
    """The headline of a chart with smaller lines below it."""
    import altair as alt

    return alt.TitleParams(
        headline,
        subtitle=list(below),
        anchor="start",
        frame="group",
        fontSize=SIZE + 5,
        subtitleFontSize=SIZE + 1,
        subtitleColor=QUIET,
        color=INK,
        offset=14,
    )


def _row(dot: Dot, area: float) -> dict[str, object]:
    return {
        "x": dot.intensity,
        "y": dot.flop_per_s,
        "group": dot.group,
        "model": dot.model,
        "share": dot.share,
        "area": area,
        "name": dot.name,
        "FLOP per byte": plain(dot.intensity),
        "reached": quantity(dot.flop_per_s, "FLOP/s"),
        "FLOPs": quantity(dot.sum.flops),
        "bytes": quantity(dot.sum.bytes, "B"),
        "expected time": quantity(dot.sum.expected_s, "s"),
        "share of time": percent(dot.share),
        "bound": bound_label(dot.sum.bound),
    }


def _axes(frame: Frame) -> dict[str, Any]:
    """Both axes, the same for every mark, with a line at each power of ten."""
    import altair as alt

    def axis(name: str, low: float, high: float, shown: str) -> alt.Axis:
        return alt.Axis(
            title=name,
            values=list(powers_of_ten(low, high)),
            labelExpr=shown,
            gridColor=GRID,
            domainColor=QUIET,
            tickColor=QUIET,
            labelColor=INK,
            titleColor=INK,
            labelFontSize=SIZE,
            titleFontSize=SIZE + 1,
            titleFontWeight="normal",
        )

    def scale(low: float, high: float) -> alt.Scale:
        return alt.Scale(type="log", domain=[low, high], nice=False, zero=False)

    across = axis(frame.x_title, frame.x_low, frame.x_high, "format(datum.value, '~g')")
    up = axis(frame.y_title, frame.y_low, frame.y_high, "format(datum.value, '~s')")
    return {
        "x": alt.X("x:Q", scale=scale(frame.x_low, frame.x_high), axis=across),
        "y": alt.Y("y:Q", scale=scale(frame.y_low, frame.y_high), axis=up),
    }
