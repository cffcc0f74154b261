"""A measurement as text, JSON, CSV and Markdown: measured beside predicted."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import TYPE_CHECKING

from hwcost.render.markdown import tables_markdown
from hwcost.render.tables import Column, Table
from hwcost.render.terminal import text_of
from hwcost.render.words import bound_label, count, percent, plain, plural, quantity

if TYPE_CHECKING:
    from hwcost.measurement.result import Measurement, Row

MOST_ROWS = 30
"""Modules that are shown one by one in a table, the longest first."""


def measurement_text(found: Measurement, *, width: int = 80, colour: bool = False) -> str:
    """The total in a sentence, then module by module."""
    return text_of(
        headline(found),
        [table(found)],
        found.notes,
        subtitles=(found.title, _how(found)),
        width=width,
        colour=colour,
    )


def measurement_markdown(found: Measurement) -> str:
    """The same as Markdown."""
    return tables_markdown(f"{found.model} on {found.device}", headline(found), [table(found)], found.notes)


def measurement_json(found: Measurement) -> str:
    """The machine-readable measurement."""
    return json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def measurement_csv(found: Measurement) -> str:
    """One row per module, the whole first."""
    rows = [found.row_dict(row) for row in (found.whole, *found.rows)]
    written = StringIO()
    writer = csv.DictWriter(written, tuple(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def headline(found: Measurement) -> str:
    """How long it takes, how long it was predicted to take, and by what factor that is off."""
    whole, share = found.whole, found.peak_share(found.whole)
    reached = f", {percent(share)} of the peak reached" if share is not None else ""
    factor = whole.factor
    off = f" (a factor of {factor:.2f})" if factor is not None else ""
    return (
        f"{found.model} takes {quantity(whole.measured_s, 's')}; predicted on {found.device}:"
        f" {quantity(whole.predicted_s, 's')}{off}{reached}."
    )


def table(found: Measurement) -> Table:
    """Measured and predicted times by module, those that take longest."""
    names = ("measured", "predicted", "factor", "of peak")
    columns = (
        Column(name="module", is_number=False),
        *(Column(name=name) for name in names),
        Column(name="bound", is_number=False),
    )
    longest = sorted(found.rows, key=lambda row: -row.measured_s)[:MOST_ROWS]
    rows = [row for row in found.rows if row in longest]
    cells = [_cells(found, row) for row in (*rows, found.whole)]
    return Table(title="", columns=columns, rows=tuple(cells))


def _cells(found: Measurement, row: Row) -> tuple[str, ...]:
    share = found.peak_share(row)
    return (
        "total" if row is found.whole else row.module,
        quantity(row.measured_s, "s"),
        quantity(row.predicted_s, "s"),
        plain(row.factor),
        "-" if share is None else percent(share),
        bound_label(row.bound) if row.bound else "",
    )


def _how(found: Measurement) -> str:
    return (
        f"eager torch, {plural(found.threads, 'thread')}, median of {count(found.repeats)} passes,"
        f" quartiles {found.spread:.2f} apart"
    )
