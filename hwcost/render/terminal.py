"""A report as text for a terminal: the verdict, then tables; as plain as a pipe wants it, or in colour."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from hwcost.render.breakeven import breakeven_notes, breakeven_verdict
from hwcost.render.breakeven_tables import breakeven_tables
from hwcost.render.comparison import comparison_notes, comparison_tables, comparison_verdict
from hwcost.render.devices import devices_notes, devices_table, devices_verdict
from hwcost.render.dots_table import dots_notes, dots_table
from hwcost.render.tables import Column, Table, report_tables
from hwcost.render.verdict import notes, settings, verdict
from hwcost.render.words import shortened_label
from hwcost.report import Report
from hwcost.report.breakeven import Breakeven

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

GAP = 2
WIDE = 100
"""Letters between columns, and the width from which a table shows all of its columns."""

BOUND_STYLES = {"compute": "green", "latency": "yellow"}
"""Colours of what binds; a level of memory is magenta."""


def report_text(report: Report, *, width: int = 80, colour: bool = False) -> str:
    """The whole report; no line is longer than `width`, without colour there are no escape codes."""
    return text_of(
        verdict(report),
        report_tables(report),
        notes(report),
        subtitles=(report.machine.title, settings(report)),
        bound=report.bound,
        width=width,
        colour=colour,
    )


def comparison_text(reports: Sequence[Report], *, width: int = 80, colour: bool = False) -> str:
    """The models of a comparison side by side, and below what it comes to."""
    return text_of(
        comparison_verdict(reports),
        comparison_tables(reports, width=width),
        comparison_notes(reports),
        subtitles=(reports[0].machine.title, settings(*reports)),
        width=width,
        colour=colour,
    )


def dots_text(
    reports: Sequence[Report], *, layers: bool = False, width: int = 80, colour: bool = False
) -> str:
    """The dots of a roofline chart in numbers."""
    return text_of(
        comparison_verdict(reports),
        [dots_table(reports, layers=layers)],
        dots_notes(reports, layers=layers),
        subtitles=(reports[0].machine.title, settings(*reports)),
        width=width,
        colour=colour,
    )


def devices_text(reports: Sequence[Report], *, width: int = 80, colour: bool = False) -> str:
    """One model on several devices, and below what it comes to."""
    return text_of(
        devices_verdict(reports),
        [devices_table(reports)],
        devices_notes(reports),
        subtitles=(settings(*reports),),
        width=width,
        colour=colour,
    )


def breakeven_text(breakeven: Breakeven, *, width: int = 80, colour: bool = False) -> str:
    """Devices over a range of values, and where they meet."""
    return text_of(
        breakeven_verdict(breakeven),
        breakeven_tables(breakeven, width=width),
        breakeven_notes(breakeven),
        subtitles=(settings(*breakeven.reports),),
        width=width,
        colour=colour,
    )


def text_of(
    headline: str,
    tables: Sequence[Table],
    remarks: Sequence[str],
    *,
    subtitles: Sequence[str] = (),
    bound: str = "",
    width: int = 80,
    colour: bool = False,
) -> str:
    """A headline, tables and remarks, one below the other, each set apart by an empty line."""
    from rich.text import Text

    written = StringIO()
    console = _console(written, width, colour=colour)
    style = BOUND_STYLES.get(bound, "magenta") if bound else ""
    console.print(Text(headline, style=f"bold {style}"))
    for line in filter(None, subtitles):
        console.print(Text(line, style="dim"))
    for table in tables:
        console.print()
        if table.title:
            console.print(Text(table.title, style="bold"))
        console.print(_rich_table(table, width))
    if remarks:
        console.print()
        console.print(Text("notes", style="bold"))
    for remark in remarks:
        console.print(_bullet(remark))
    return "".join(f"{line.rstrip()}\n" for line in written.getvalue().splitlines())


def _console(written: StringIO, width: int, *, colour: bool) -> Console:
    """A console that writes text as it is given: no markup, no colours of its own choice."""
    from rich.console import Console

    return Console(
        file=written,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def _bullet(text: str) -> RichTable:
    """A sentence behind a dash, its further lines under the first."""
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable.grid(padding=(0, 1, 0, 0))
    grid.add_row("-", Text(text))
    return grid


def _rich_table(table: Table, width: int) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    places = [place for place, column in enumerate(table.columns) if width >= WIDE or not column.wide_only]
    room = width - sum(GAP + _width(table, place) for place in places[1:])
    rich = RichTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for place in places:
        column = table.columns[place]
        rich.add_column(
            Text(column.name, style="dim"),
            justify="right" if column.is_number else "left",
            no_wrap=True,
        )
    for row in table.rows:
        cells = [Text(row[place], style=_style(row[place], table.columns[place])) for place in places[1:]]
        rich.add_row(shortened_label(row[places[0]], room), *cells)
    return rich


def _width(table: Table, place: int) -> int:
    return max(len(cell) for cell in (table.columns[place].name, *(row[place] for row in table.rows)))


def _style(cell: str, column: Column) -> str:
    if column.name != "bound":
        return ""
    return BOUND_STYLES.get(cell, "magenta")
