"""The tables of docs/models.md say what the models' files say (HWCOST_WRITE_GOLDEN=1 writes them)."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from test_models_recurrent import NTM_ROWS

from hwcost.graph import leaves
from hwcost.load import load_trace
from hwcost.models import Published, build, card, model_names
from hwcost.models.table import published, rounded, tables
from hwcost.rules.count import count

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
TABLES = ("models", "settings", "scaling", "published sizes")


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def rows() -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text().splitlines()
        if line.startswith("| `")
    ]


def row(name: str, columns: int) -> list[str]:
    return next(cells for cells in rows() if cells[0] == f"`{name}`" and len(cells) == columns)


def macs_of_ours(name: str, settings: Mapping[str, object]) -> int:
    """The count of hwcost, where the command takes that of torch."""
    rest = {key: value for key, value in settings.items() if key != "seq_len"}
    seq_len = settings.get("seq_len")
    assert seq_len is None or isinstance(seq_len, int)
    trace = load_trace(name, seq_len=seq_len, settings=rest, use_cache=False)
    return sum(work.macs * calls for work, calls in leaves(count(trace.items)))


@cache
def made() -> tuple[str, ...]:
    return tables(macs_of_ours)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(TABLES)), ids=TABLES)
def test_table_is_current(number: int) -> None:
    table = made()[number]
    head = table.splitlines()[0]
    (old,) = re.findall(rf"^{re.escape(head)}\n(?:\|.*\n)+", text(), flags=re.MULTILINE)
    if os.environ.get("HWCOST_WRITE_GOLDEN"):
        PAGE.write_text(text().replace(old, table), encoding="utf-8")
        old = table
    assert old == table, "run: HWCOST_WRITE_GOLDEN=1 python -m pytest tests/models/test_models_docs.py"


def test_parameters_and_citation() -> None:
    for name in model_names():
        it = card(name)
        cells = row(name, 6)
        assert (cells[1], cells[3], cells[5]) == (it.summary, f"{it.parameters:,}", it.citation)


@pytest.mark.parametrize("name", model_names())
def test_inputs(name: str) -> None:
    """Every size of the default inputs, with or without a name before it, and ids where they are whole."""
    _, inputs = build(name, seq_len=None, batch=None, settings={})
    shapes = re.findall(r"(ids )?\[([^]]*)\]", row(name, 6)[2])
    assert [tuple(int(part.split()[-1]) for part in shape.split(",")) for _, shape in shapes] == [
        tuple(tensor.shape) for tensor in inputs
    ]
    assert [not ids for ids, _ in shapes] == [tensor.is_floating_point() for tensor in inputs]
    defaults = card(name).settings
    for _, shape in shapes:
        named = dict(part.split() for part in shape.split(", ") if " " in part)
        assert named == {key: defaults[key] for key in named}
        assert "batch" in named


def test_settings() -> None:
    for name in model_names():
        defaults = {
            key: value for key, value in card(name).settings.items() if key not in ("seq_len", "batch")
        }
        assert row(name, 2)[1] == " ".join(f"`{key}={value}`" for key, value in defaults.items())


def test_scaling() -> None:
    assert row("transformer_encoder", 4)[1:3] == [
        "`d_model` `d_ff`, a multiple of `heads`",
        "any: it attends to the whole sequence",
    ]
    assert row("tcn", 4)[1:] == [
        "`hidden_size` `input_size`",
        "`1 + 2 * (kernel_size - 1) * (2**levels - 1)`",
        "`levels`",
    ]
    assert row("resnet50", 4)[1:] == ["`width`", "no time axis", ""]


def test_every_published_size_has_a_line() -> None:
    for name in model_names():
        sizes = importlib.import_module(f"hwcost.models.{name}").PUBLISHED or ()
        lines = [cells for cells in rows() if cells[0] == f"`{name}`" and len(cells) == 5]
        assert len(lines) == len(sizes), name
        assert all(size.source in cells[4] for size, cells in zip(sizes, lines, strict=True))


@pytest.mark.parametrize(
    ("value", "step", "shown"),
    [
        (8_400_000, 100_000, "8.4 M"),
        (151_000_000, 100_000, "151.0 M"),
        (44_000_000, 1_000_000, "44 M"),
        (70_000, 10_000, "70 k"),
        (1_800_000_000, 100_000_000, "1.8 G"),
        (4_089_000_000, 1_000_000, "4.089 G"),
        (25_557_032, 1, "25,557,032"),
        (999, 1, "999"),
    ],
)
def test_sizes_show_the_digits_that_the_source_gives(value: int, step: int, shown: str) -> None:
    assert rounded(value, step) == shown
    size = Published(source="", settings={}, parameters=value, macs=value, rounded_to=step)
    assert published(size) == f"{shown} parameters, {shown} MACs"


def test_all_that_does_not_reproduce() -> None:
    """The figures themselves are tested beside the models."""
    for task, controller, heads, _, _, paper, ours in NTM_ROWS:
        line = f"| {task} | {controller} | {heads} | {ours:,} | {paper:,} | {ours / paper:.3f} |"
        assert line in text()

    def parameters(name: str, **settings: object) -> int:
        model, _ = build(name, seq_len=1, batch=1, settings=settings)
        return sum(weight.numel() for weight in model.parameters())

    speech = {"cell": "rnn", "hidden_size": 1280, "num_layers": 7, "add_directions": True}
    big = {"d_model": 1024, "heads": 16, "d_ff": 4096}
    figures = (
        parameters("gnmt"),
        macs_of_ours("gnmt", {"seq_len": 1}) - 2048,
        parameters("deepspeech2", **speech),
        parameters("tcn") + 600 * 10_000 + 10_000,
        parameters("transformer"),
        parameters("transformer", **big),
        macs_of_ours("resnet50", {}),
        macs_of_ours("resnet152", {}),
        parameters("convs2s", num_layers=10, middle_layers=3, middle_size=768) + 67_561_728,
        parameters("awd_lstm", vocab_size=33_278),
    )
    (chapter,) = re.findall(r"^## What does not reproduce\n(.*?)^## ", text(), flags=re.MULTILINE | re.DOTALL)
    assert [f"{figure:,}" for figure in figures if f"{figure:,}" not in chapter] == []
