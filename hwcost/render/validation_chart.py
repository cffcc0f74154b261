"""The chart of a validation: measured times on two axes, published numbers line by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwcost.errors import UsageError
from hwcost.render.claims_chart import claims_chart
from hwcost.render.marks import GRID
from hwcost.render.scatter import scatter
from hwcost.validation.result import Claim, Point, Statement

if TYPE_CHECKING:
    import altair as alt


def validation_chart(points: Sequence[Point], statements: Sequence[Statement]) -> alt.VConcatChart:
    """One panel for times and one for numbers, one below the other.

    Raises:
        UsageError: there are words alone.
    """
    import altair as alt

    claims = [one for one in statements if isinstance(one, Claim)]
    panels = [*([scatter(points)] if points else []), *([claims_chart(claims)] if claims else [])]
    if not panels:
        raise UsageError(
            "there is no number to draw", mend="take a dataset of times or numbers, or leave out -o"
        )
    chart: Any = alt.vconcat(*panels, spacing=40).resolve_scale(
        color="independent", fill="independent", shape="independent"
    )
    whole: alt.VConcatChart = chart.configure_view(stroke=None).configure_axis(gridColor=GRID)
    return whole
