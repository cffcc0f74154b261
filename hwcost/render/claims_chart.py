"""A chart of published numbers and ours, one line each, as ratios to what is published."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf, sqrt
from typing import TYPE_CHECKING, Any

from hwcost.render.frame import powers_of_ten
from hwcost.render.marks import COLOURS, QUIET, title
from hwcost.render.statements import count_of, error, ours, published
from hwcost.validation.result import Claim

if TYPE_CHECKING:
    import altair as alt

WIDTH = 520
STEP = 18
"""Pixels across, and from line to line."""

ROOM = 1.5
"""Factor between the outermost marks and the frame."""

KINDS = ("prediction", "consistency", "count")
"""count: an intensity and the like, which rests on no constant of a device."""


def claims_chart(claims: Sequence[Claim]) -> alt.LayerChart:
    """A grey bar for what is published (of one number as wide as it may be off), a dot for ours.

    Filled dots hold, hollow ones do not. A range is drawn around its geometric mean.
    """
    import altair as alt

    bars = [_bar(claim) for claim in claims]
    dots = [claim.ours / _middle(claim) for claim in claims]
    low, high = min([*dots, *(bar[0] for bar in bars)]), max([*dots, *(bar[1] for bar in bars if bar[1])])
    rows = [
        _row(claim, ratio, bar, low / ROOM, high * ROOM)
        for claim, ratio, bar in zip(claims, dots, bars, strict=True)
    ]
    below = (
        count_of(claims),
        "grey: what is published, or how far ours may be off; filled: holds; hollow: does not",
    )
    base = alt.Chart(alt.InlineData(rows))
    axes = _axes(rows, low / ROOM, high * ROOM)
    spans = base.mark_bar(color=QUIET, opacity=0.35, height=STEP // 2).encode(**axes, x2="to:Q")
    shown = [kind for kind in KINDS if any(row["kind"] == kind for row in rows)]
    kinds = alt.Scale(domain=shown, range=[COLOURS[KINDS.index(kind)] for kind in shown])
    marks = base.mark_point(size=60, strokeWidth=1.5, opacity=1).encode(
        y=axes["y"],
        x=alt.X("ratio:Q"),
        color=alt.Color("kind:N", scale=kinds, legend=alt.Legend(title=None)),
        fill=alt.Fill("kind:N", scale=kinds, legend=None),
        fillOpacity=alt.FillOpacity("filled:Q", scale=None),
        tooltip=[alt.Tooltip(f"{name}:N") for name in TOOLTIPS],
    )
    chart: Any = alt.layer(spans, marks).properties(
        width=WIDTH, height=STEP * len(rows), title=title("Ours over what is published", below)
    )
    whole: alt.LayerChart = chart
    return whole


TOOLTIPS = ("what", "dataset", "published", "hwcost", "error", "kind", "evidence")


def _middle(claim: Claim) -> float:
    """What ours is set in proportion to: the mean of a range, the end of a bound."""
    return (claim.low or claim.high) if claim.is_bound else sqrt(claim.low * claim.high)


def _bar(claim: Claim) -> tuple[float, float]:
    """From where to where ours may lie, over the middle; 0 where there is no end."""
    middle, within = _middle(claim), 0.0 if claim.is_bound else claim.within
    high = 0.0 if isinf(claim.high) else claim.high * (1 + within) / middle
    low = claim.low * (1 - within) / middle
    return low or claim.ours / middle, high


def _row(claim: Claim, ratio: float, bar: tuple[float, float], low: float, high: float) -> dict[str, Any]:
    return {
        "line": f"{claim.name}, {published(claim)}",
        "from": bar[0] if claim.low else low,
        "to": bar[1] or high,
        "ratio": ratio,
        "filled": 1.0 if claim.holds else 0.0,
        "what": claim.name,
        "dataset": claim.dataset,
        "published": published(claim),
        "hwcost": ours(claim),
        "error": error(claim),
        "kind": claim.basis or "count",
        "evidence": claim.evidence or "",
    }


def _axes(rows: Sequence[dict[str, Any]], low: float, high: float) -> dict[str, Any]:
    import altair as alt

    values = sorted({1.0, *powers_of_ten(low, high)})
    axis = alt.Axis(title="hwcost / published", values=values, format="~g", titleFontWeight="normal")
    return {
        "x": alt.X("from:Q", scale=alt.Scale(type="log", domain=[low, high], nice=False), axis=axis),
        "y": alt.Y("line:N", sort=[row["line"] for row in rows], axis=alt.Axis(title=None, labelLimit=260)),
    }
