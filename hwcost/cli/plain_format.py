"""The formats of commands whose result is one table: for people, and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from hwcost.cli.output import check_folder
from hwcost.errors import UsageError

PlainFormat = Literal["table", "json"]

PlainFormatOption = Annotated[
    PlainFormat | None,
    typer.Option(
        "--format",
        metavar="table|json",
        help="How to print; default: what the name of the output file says, else table.",
    ),
]

SUFFIXES: dict[str, PlainFormat] = {".txt": "table", ".json": "json"}


def plain_format(form: PlainFormat | None, output: Path | None) -> PlainFormat:
    """The format that is asked for, by name or by the suffix of the file to write.

    Raises:
        UsageError: the file cannot be made, or its suffix says no format.
    """
    check_folder(output)
    if form is not None or output is None:
        return form or "table"
    if output.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"no format is known by {output.suffix or 'a name without suffix'}",
            where=str(output),
            mend="end the name in .txt or .json, or give --format",
        )
    return SUFFIXES[output.suffix.lower()]
