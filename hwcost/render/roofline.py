"""The roofline chart: what a device can do at each intensity, and where models or layers stand below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwcost.render.dots import Dot, dots_of
from hwcost.render.dots_table import allowed_flop_per_s, dots_notes
from hwcost.render.frame import Frame
from hwcost.render.labels import NAME_SIZE, SIZE, Ends, dot_labels, line_labels, ridge_label
from hwcost.render.lines import Line, lines_of
from hwcost.render.marks import INK, QUIET, caption, points, rule, text, title
from hwcost.render.verdict import settings
from hwcost.render.words import level_label, listed, plural
from hwcost.report import Report

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT = 720, 440


def roofline(reports: Sequence[Report], *, layers: bool = False) -> alt.LayerChart:
    """The chart of some reports on one device: a dot per model, or a dot per layer sized by its time.

    Peaks are solid lines, achieved rates dashed ones; the roof of the model's dtype and the slope of
    the farthest level, whose bytes the intensity counts, are drawn in black. All else is grey.
    """
    import altair as alt

    first = reports[0]
    dots, _ = dots_of(reports, layers=layers)
    frame = _frame(first, dots)
    lines = lines_of(first, frame)
    ridge = first.ridge_point
    labels = [*line_labels(lines, frame), *([] if ridge is None else [ridge_label(ridge, frame)])]
    ridges = [] if ridge is None else [(ridge, frame.y_low, ridge, first.machine.roof.peak_flop_per_s)]
    gaps = [] if layers else [_gap(dot, first) for dot in dots]
    ends = [*(line.ends for line in lines), *ridges, *gaps]
    names = dot_labels(dots, ends, labels, frame, layers=layers)
    parts = [
        *(rule(end, frame, color=QUIET, width=1.0, dash=(1, 3)) for end in ridges),
        *(_line(line, frame) for line in lines),
        *(rule(gap, frame, color=QUIET, width=0.8, dash=(2, 2)) for gap in gaps),
        *([points(dots, frame, layers=layers)] if dots else []),
        *(text(label, frame, size=SIZE, color=INK if label.is_strong else QUIET) for label in labels),
        *(text(label, frame, size=NAME_SIZE, color=INK) for label in names),
        caption(_caption(reports, layers=layers), frame),
    ]
    chart = alt.LayerChart(layer=parts)
    return chart.properties(
        width=WIDTH,
        height=HEIGHT,
        background="white",
        title=title(_headline(reports), [first.machine.title, settings(*reports)]),
        config=alt.Config(font="Helvetica, Arial, sans-serif", view=alt.ViewConfig(stroke=None)),
    )


def _frame(report: Report, dots: Sequence[Dot]) -> Frame:
    """What holds every dot and every ridge point, with some room around them."""
    machine = report.machine
    own = machine.roof.peak_flop_per_s
    highest = max(roof.peak_flop_per_s for roof in (machine.roof, *machine.roofs))
    rates = [slope.peak_bytes_per_s for slope in machine.slopes]
    x_low = min([dot.intensity for dot in dots] + [own / rate / 4 for rate in rates] or [1.0])
    x_high = max([dot.intensity for dot in dots] + [highest / rate * 4 for rate in rates] or [1.0])
    y_low = min([dot.flop_per_s for dot in dots] + [rate * x_low * 2 for rate in rates] + [own])
    return Frame(
        x_low=x_low / 2,
        x_high=x_high * 2,
        y_low=y_low / 2,
        y_high=highest * 2,
        width=WIDTH,
        height=HEIGHT,
        x_title=f"FLOP per byte across {level_label(report.farthest_level) or 'memory'}",
        y_title="FLOP/s",
    )


def _line(line: Line, frame: Frame) -> alt.Chart:
    return rule(
        line.ends,
        frame,
        color=INK if line.is_strong else QUIET,
        width=1.0 if line.is_achieved else 2.0 if line.is_strong else 1.2,
        dash=(6, 3) if line.is_achieved else (1, 0),
    )


def _gap(dot: Dot, report: Report) -> Ends:
    """From a dot up to what its intensity allows: what is left to gain."""
    allowed = allowed_flop_per_s(dot.intensity, report)
    return dot.intensity, dot.flop_per_s, dot.intensity, max(allowed, dot.flop_per_s)


def _headline(reports: Sequence[Report]) -> str:
    models = listed(tuple(dict.fromkeys(report.trace.model for report in reports)), most=6)
    return f"{models} on {reports[0].machine.name}"


def _caption(reports: Sequence[Report], *, layers: bool) -> list[str]:
    """How to read the chart, what it leaves out, and what it rests on."""
    what = "a layer, its area the share of time" if layers else "a model"
    lines = [
        f"A dot is {what}: FLOPs over expected time, against FLOPs over expected bytes."
        " Solid: peak. Dashed: what kernels achieve."
    ]
    lines += dots_notes(reports, layers=layers)
    unverified = reports[0].machine.unverified_numbers
    rests = f"; rests on {plural(unverified, 'unverified number')}" if unverified else ""
    lines.append(f"Computed by hwcost from published figures of the device{rests}.")
    return lines
