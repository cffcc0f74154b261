"""The tables of docs/models.md say what the models' files say."""

from __future__ import annotations

import importlib
from pathlib import Path

from hwcost.models import card, model_names

TEXT = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| `")
]


def row(name: str, columns: int, *, number: int = 0) -> list[str]:
    return [cells for cells in ROWS if cells[0] == f"`{name}`" and len(cells) == columns][number]


def test_parameters_and_citation() -> None:
    for name in model_names():
        it = card(name)
        cells = row(name, 5)
        assert (cells[2], cells[4]) == (f"{it.parameters:,}", it.citation)


def test_settings() -> None:
    for name in model_names():
        defaults = {
            key: value for key, value in card(name).settings.items() if key not in ("seq_len", "batch")
        }
        assert row(name, 2)[1] == " ".join(f"`{key}={value}`" for key, value in defaults.items())


def test_every_published_size_has_a_line() -> None:
    for name in model_names():
        published = importlib.import_module(f"hwcost.models.{name}").PUBLISHED or ()
        lines = sum(cells[0] == f"`{name}`" and len(cells) == 5 for cells in ROWS) - 1
        assert lines == len(published), name
