"""The text of a result in the format that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from hwcost.cli.options import Format
from hwcost.cli.output import page

Result = TypeVar("Result", contravariant=True)


class Page(Protocol[Result]):
    """A way to write a result for people: no line is longer than `width`."""

    def __call__(self, result: Result, /, *, width: int, colour: bool) -> str: ...


def in_format(
    form: Format,
    result: Result,
    output: Path | None,
    *,
    table: Page[Result],
    json: Callable[[Result], str],
    csv: Callable[[Result], str],
    markdown: Callable[[Result], str],
) -> str:
    """A result as a table of the width of its page, or for programs; each format by its own renderer.

    output: the file that it will be written to, None for the terminal or a pipe.
    """
    if form == "table":
        width, colour = page(output)
        return table(result, width=width, colour=colour)
    return {"json": json, "csv": csv, "markdown": markdown}[form](result)
