"""A report as Markdown, with every column."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hwcost.render.breakeven import breakeven_notes, breakeven_verdict
from hwcost.render.breakeven_tables import breakeven_tables
from hwcost.render.comparison import comparison_notes, comparison_tables, comparison_verdict
from hwcost.render.devices import devices_notes, devices_table, devices_verdict
from hwcost.render.tables import Table, report_tables
from hwcost.render.verdict import notes, settings, verdict
from hwcost.report import Report
from hwcost.report.breakeven import Breakeven

MEANINGFUL = re.compile(r"[\\|*`<]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown would take for more than a letter."""

ANY_WIDTH = 10_000
"""Letters that are room enough for all models or devices in one table."""


def report_markdown(report: Report) -> str:
    """The verdict, the tables and the notes of one report."""
    head = (
        f"# {_escaped(report.trace.model)} on {_escaped(report.machine.name)}",
        f"**{_escaped(verdict(report))}**",
    )
    how = _escaped(f"{report.machine.title}: {settings(report)}")
    return _document((*head, how), report_tables(report), notes(report))


def comparison_markdown(reports: Sequence[Report]) -> str:
    """The models of a comparison side by side, and below what it comes to."""
    head = (
        f"**{_escaped(comparison_verdict(reports))}**",
        _escaped(f"{reports[0].machine.title}: {settings(*reports)}"),
    )
    return _document(head, comparison_tables(reports, width=ANY_WIDTH), comparison_notes(reports))


def devices_markdown(reports: Sequence[Report]) -> str:
    """One model on several devices, and what it comes to."""
    head = (f"**{_escaped(devices_verdict(reports))}**", _escaped(settings(*reports)))
    return _document(head, [devices_table(reports)], devices_notes(reports))


def breakeven_markdown(breakeven: Breakeven) -> str:
    """Devices over a range of values, and where they meet."""
    head = (f"**{_escaped(breakeven_verdict(breakeven))}**", _escaped(settings(*breakeven.reports)))
    tables = breakeven_tables(breakeven, width=ANY_WIDTH)
    return _document(head, tables, breakeven_notes(breakeven))


def tables_markdown(title: str, headline: str, tables: Sequence[Table], remarks: Sequence[str]) -> str:
    """Any headline, tables and remarks."""
    return _document((f"# {_escaped(title)}", f"**{_escaped(headline)}**"), tables, remarks)


def _document(head: Sequence[str], tables: Sequence[Table], remarks: Sequence[str]) -> str:
    blocks = list(head)
    for table in tables:
        if table.title:
            blocks.append(f"## {table.title[0].upper()}{table.title[1:]}")
        blocks.append(_table(table))
    if remarks:
        blocks.append("\n".join(f"- {_escaped(remark)}" for remark in remarks))
    return "\n\n".join(blocks) + "\n"


def _table(table: Table) -> str:
    lines = [
        _line(tuple(column.name for column in table.columns)),
        _line(tuple("---:" if column.is_number else ":---" for column in table.columns)),
    ]
    lines += [_line(row) for row in table.rows]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    """A text in which no letter means anything to Markdown; within a word an underscore does not."""
    return MEANINGFUL.sub(r"\\\g<0>", text)
