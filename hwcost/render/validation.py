"""Validation as text, Markdown and JSON: predicted against measured, dataset by dataset, device by device."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hwcost.render.tables import Column, Table
from hwcost.render.terminal import text_of
from hwcost.render.words import bound_label, percent, plural
from hwcost.report import STATED_SHARE
from hwcost.validation.result import CLOSE, Check, Figures, Point, figures

SCHEMA = "hwcost.validation/1"

COLUMNS = (
    Column(name="device", is_number=False),
    Column(name="half", is_number=False),
    Column(name="points"),
    Column(name="error"),
    Column(name=f"within {CLOSE:g}x"),
    Column(name="in interval"),
    Column(name="roofline"),
)

CHECK_COLUMNS = (
    Column(name="what", is_number=False),
    Column(name="published"),
    Column(name="hwcost"),
    Column(name="holds", is_number=False),
)

LEAST_POINTS = 7
"""Fewer points than these need no sentence on the one that is farthest off."""

Group = tuple[str, str, bool]
"""Dataset, card, and whether the points were fitted."""


def validation_text(
    points: Sequence[Point], checks: Sequence[Check], *, width: int = 80, colour: bool = False
) -> str:
    """The tables, and below the point of each held-out half that is farthest off."""
    return text_of(
        headline(points, checks),
        validation_tables(points, checks),
        (*LEGEND, *worst_sentences(points)),
        width=width,
        colour=colour,
    )


LEGEND = (
    "error: exp(mean |ln(predicted / measured)|), 1.10 is 10 %; roofline: the same of max(flops / peak,"
    " bytes / bandwidth).",
    "fitted: rows that a constant of the device's family was fitted on. held out: all others.",
    f"in interval: measured times between fast_s and slow_s, of which {percent(STATED_SHARE)} should be.",
)


def headline(points: Sequence[Point], checks: Sequence[Check]) -> str:
    """The error over all points that nothing was fitted on."""
    parts = []
    held = [point for point in points if not point.case.is_fitted]
    if held:
        found = figures(held)
        parts.append(
            f"Held-out error {found.error:.2f} over {plural(len(held), 'measurement')}, of the plain roofline"
            f" {found.roofline_error:.2f}; {percent(found.inside)} lie in their interval."
        )
    if checks:
        parts.append(f"{sum(check.holds for check in checks)} of {len(checks)} published statements hold.")
    return " ".join(parts)


def validation_tables(points: Sequence[Point], checks: Sequence[Check]) -> list[Table]:
    """One table per dataset."""
    groups = grouped(points)
    tables = [
        Table(
            title=dataset,
            columns=COLUMNS,
            rows=tuple(
                _row(card, is_fitted, found)
                for (name, card, is_fitted), found in groups.items()
                if name == dataset
            ),
        )
        for dataset in dict.fromkeys(name for name, _, _ in groups)
    ]
    for dataset in dict.fromkeys(check.dataset for check in checks):
        own = [check for check in checks if check.dataset == dataset]
        rows = tuple((it.name, it.published, it.ours, "yes" if it.holds else "no") for it in own)
        tables.append(Table(title=dataset, columns=CHECK_COLUMNS, rows=rows))
    return tables


def grouped(points: Sequence[Point]) -> dict[Group, Figures]:
    """The figures by dataset and card, fitted before held out."""
    groups: dict[Group, list[Point]] = {}
    for is_fitted in (True, False):
        for point in points:
            if point.case.is_fitted == is_fitted:
                groups.setdefault((point.case.dataset, point.case.card, is_fitted), []).append(point)
    cards = list(dict.fromkeys((point.case.dataset, point.case.card) for point in points))
    ordered = sorted(groups, key=lambda group: (cards.index(group[:2]), not group[2]))
    return {group: figures(groups[group]) for group in ordered}


def worst_sentences(points: Sequence[Point]) -> tuple[str, ...]:
    """Of each held-out half, but small ones, the point that is farthest off, and what was said to bind it."""
    return tuple(
        f"{card}, {dataset}: farthest off is {found.worst.case.trace.model}, predicted"
        f" {_off(found.worst.factor)}, bound by {bound_label(found.worst.bound)}."
        for (dataset, card, is_fitted), found in grouped(points).items()
        if not is_fitted and len(found.points) >= LEAST_POINTS
    )


def validation_json(points: Sequence[Point], checks: Sequence[Check]) -> str:
    """The machine-readable validation: figures by group, every point, every statement."""
    value = {
        "schema": SCHEMA,
        "groups": [_group(*group, found) for group, found in grouped(points).items()],
        "points": [_point(point) for point in points],
        "statements": [
            {
                "dataset": check.dataset,
                "name": check.name,
                "published": check.published,
                "ours": check.ours,
                "holds": check.holds,
            }
            for check in checks
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _row(card: str, is_fitted: bool, found: Figures) -> tuple[str, ...]:
    return (
        card,
        "fitted" if is_fitted else "held out",
        str(len(found.points)),
        f"{found.error:.2f}",
        percent(found.close),
        percent(found.inside),
        f"{found.roofline_error:.2f}",
    )


def _off(factor: float) -> str:
    return f"{factor:.1f} times too slow" if factor > 1 else f"{1 / factor:.1f} times too fast"


def _group(dataset: str, card: str, is_fitted: bool, found: Figures) -> dict[str, object]:
    return {
        "dataset": dataset,
        "device": card,
        "fitted": is_fitted,
        "points": len(found.points),
        "error": found.error,
        "within_1.5x": found.close,
        "in_interval": found.inside,
        "roofline_error": found.roofline_error,
        "worst": found.worst.case.trace.model,
        "worst_factor": found.worst.factor,
    }


def _point(point: Point) -> dict[str, object]:
    return {
        "dataset": point.case.dataset,
        "device": point.case.card,
        "case": point.case.trace.model,
        "fitted": point.case.is_fitted,
        "measured_s": point.case.measured,
        "expected_s": point.expected,
        "fast_s": point.fast,
        "slow_s": point.slow,
        "roofline_s": point.roofline,
        "bound": point.bound,
    }
