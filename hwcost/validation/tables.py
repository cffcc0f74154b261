"""The tables that ship with the package: rows by column, and above them their citation."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

Row = Mapping[str, str]


def table(file: str) -> list[Row]:
    """The rows of a file of the folder data; lines that begin with # are its citation."""
    with (Path(__file__).parent / "data" / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))
