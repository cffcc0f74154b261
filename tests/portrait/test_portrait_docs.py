"""The table of reach and path length in docs/models.md (HWCOST_WRITE_GOLDEN=1 writes it)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from hwcost.models import card, model_names
from hwcost.portrait.table import TITLES, rows_of, table

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
HEAD = f"| {' | '.join(TITLES)} |\n"


def shown() -> str:
    (old,) = re.findall(
        rf"^{re.escape(HEAD)}(?:\|.*\n)+", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return str(old)


def row(name: str) -> list[str]:
    (line,) = (line for line in shown().splitlines() if line.startswith(f"| `{name}` |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.slow
def test_table_is_current() -> None:
    made, old = table(), shown()
    if os.environ.get("HWCOST_WRITE_GOLDEN"):
        PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(old, made), encoding="utf-8")
        old = made
    assert old == made, "run: HWCOST_WRITE_GOLDEN=1 python -m pytest tests/portrait/test_portrait_docs.py"


@pytest.mark.parametrize("name", ["lstm", "tcn", "transformer_encoder", "han"])
def test_rows_that_take_no_time_are_current(name: str) -> None:
    (made,) = rows_of(name)
    assert list(made) == row(name)


def test_every_model_with_a_time_axis_has_a_row() -> None:
    for name in model_names():
        assert (f"| `{name}`" in shown()) == ("seq_len" in card(name).settings), name


def test_what_the_families_take() -> None:
    """Path lengths at 100, 1,000 and 10,000 steps, and how they grow."""
    assert row("rnn")[3:6] == ["101", "1,001", "10,001"]  # T, and one more for the second layer
    assert row("transformer_encoder")[3:6] == ["1", "1", "1"]
    assert row("hierarchical_attention")[1:6] == ["10,000", "no", "1", "2", "2"]  # 100 x 100
    assert [row(name)[7] for name in ("rnn", "transformer_encoder", "tcn", "wavenet")] == [
        "T", "1", "log T", "log T",
    ]  # fmt: skip
