"""Validation as text and Markdown: predicted against published, dataset by dataset, device by device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hwcost.render.markdown import tables_markdown
from hwcost.render.statements import count_of, statement_notes, statement_tables
from hwcost.render.tables import Column, Table
from hwcost.render.terminal import text_of
from hwcost.render.words import bound_label, percent, plural
from hwcost.report import STATED_SHARE
from hwcost.validation.result import CLOSE, Figures, Point, Statement, figures

COLUMNS = (
    Column(name="device", is_number=False),
    Column(name="half", is_number=False),
    Column(name="points"),
    Column(name="error"),
    Column(name=f"within {CLOSE:g}x"),
    Column(name="in interval"),
    Column(name="roofline"),
)

LEAST_POINTS = 7
"""Fewer points than these need no sentence on the one that is farthest off."""

LEGEND = (
    "error: exp(mean |ln(predicted / measured)|), 1.10 is 10 %; roofline: the same of max(flops / peak,"
    " bytes / bandwidth).",
    "fitted: rows that a constant of the device's family was fitted on. held out: all others.",
    f"in interval: measured times between fast_s and slow_s, of which {percent(STATED_SHARE)} should be.",
)

Group = tuple[str, str, bool]
"""Dataset, card, and whether the points were fitted."""


def validation_text(
    points: Sequence[Point], statements: Sequence[Statement], *, width: int = 80, colour: bool = False
) -> str:
    """The tables, and below what their columns mean and what is farthest off."""
    return text_of(
        headline(points, statements),
        [*point_tables(points), *statement_tables(statements)],
        remarks(points, statements),
        width=width,
        colour=colour,
    )


def validation_markdown(points: Sequence[Point], statements: Sequence[Statement]) -> str:
    """The same as Markdown."""
    tables = [
        replace(table, title=f"`{table.title}`")
        for table in (*point_tables(points), *statement_tables(statements))
    ]
    return tables_markdown(
        "Predicted against published", headline(points, statements), tables, remarks(points, statements)
    )


def headline(points: Sequence[Point], statements: Sequence[Statement]) -> str:
    """The error over all points that nothing was fitted on, and the statements that hold."""
    parts = []
    held = [point for point in points if not point.case.is_fitted]
    if held:
        found = figures(held)
        parts.append(
            f"Held-out error {found.error:.2f} over {plural(len(held), 'measurement')}, of the plain roofline"
            f" {found.roofline_error:.2f}; {percent(found.inside)} lie in their interval."
        )
    return " ".join(filter(None, (*parts, count_of(statements))))


def remarks(points: Sequence[Point], statements: Sequence[Statement]) -> tuple[str, ...]:
    """What the columns mean, what is farthest off, and what the statements rest on."""
    return (*(LEGEND if points else ()), *worst_sentences(points), *statement_notes(statements))


def point_tables(points: Sequence[Point]) -> list[Table]:
    """One table per dataset."""
    groups = grouped(points)
    return [
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
    """Of each held-out half, but small ones, the point that is farthest off, and what was said to bind it.

    Of several datasets one sentence each.
    """
    held = {group: found for group, found in grouped(points).items() if not group[2]}
    if len({dataset for dataset, _, _ in held}) == 1:
        chosen = [group for group, found in held.items() if len(found.points) >= LEAST_POINTS]
    else:
        farthest: dict[str, Group] = {}
        for group, found in held.items():
            known = farthest.setdefault(group[0], group)
            if _farness(found) > _farness(held[known]):
                farthest[group[0]] = group
        chosen = list(farthest.values())
    return tuple(
        f"{card}, {dataset}: farthest off is {found.worst.case.trace.model}, predicted"
        f" {_off(found.worst.factor)}, bound by {bound_label(found.worst.bound)}."
        for dataset, card, is_fitted in chosen
        for found in (held[dataset, card, is_fitted],)
    )


def _farness(found: Figures) -> float:
    return max(found.worst.factor, 1 / found.worst.factor)


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
