"""Coverage as text and as JSON: the share of ops that a rule knows, model by model."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hwcost.audit.coverage import Coverage
from hwcost.render.tables import Column, Table
from hwcost.render.terminal import text_of
from hwcost.render.words import count, listed, plural, quantity

SCHEMA = "hwcost.coverage/1"

COLUMNS = (
    Column(name="model", is_number=False),
    Column(name="ops"),
    Column(name="by rule"),
    Column(name="by tag"),
    Column(name="assumed"),
    Column(name="known ops"),
    Column(name="known bytes"),
)


def coverage_json(coverages: Sequence[Coverage]) -> str:
    """The machine-readable coverage of each model."""
    value = {"schema": SCHEMA, "models": [coverage.to_dict() for coverage in coverages]}
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def coverage_text(coverages: Sequence[Coverage], *, width: int = 80, colour: bool = False) -> str:
    """One row per model, and below where the ops are that no rule knows."""
    return text_of(
        _headline(coverages), [coverage_table(coverages)], _notes(coverages), width=width, colour=colour
    )


def coverage_table(coverages: Sequence[Coverage]) -> Table:
    """One row per model: its ops by the way in which they are counted, and the shares that are known."""
    return Table(title="", columns=COLUMNS, rows=tuple(map(_row, coverages)))


def _row(coverage: Coverage) -> tuple[str, ...]:
    calls = coverage.calls
    return (
        coverage.model,
        count(sum(calls.values())),
        count(calls.get("rule", 0)),
        count(calls.get("pointwise", 0) + calls.get("view", 0)),
        count(calls.get("assumed", 0)),
        share(coverage.known_calls),
        share(coverage.known_bytes),
    )


def share(known: float) -> str:
    """A share as a percentage that says 100 % only where nothing is missing."""
    return "100 %" if known == 1 else f"{min(known, 0.9999) * 100:.4g} %"


def _headline(coverages: Sequence[Coverage]) -> str:
    lacking = tuple(coverage.model for coverage in coverages if coverage.unknown)
    if lacking:
        return f"Ops without a rule in {listed(lacking)}: totals there are a lower bound."
    what = coverages[0].model if len(coverages) == 1 else f"{len(coverages)} models"
    return f"Every op of {what} is known."


def _notes(coverages: Sequence[Coverage]) -> tuple[str, ...]:
    return tuple(
        f"{coverage.model}: {it.op} in {listed(tuple(name or 'the model itself' for name in it.modules))}:"
        f" {plural(it.calls, 'call')}, {quantity(it.bytes, 'B')}."
        for coverage in coverages
        for it in coverage.unknown
    )
