"""An audit as text and as JSON: the counters side by side, and a sentence for each difference."""

from __future__ import annotations

import json

from hwcost.audit.result import Audit, Count, Difference, Family
from hwcost.render.tables import Column, Table
from hwcost.render.terminal import text_of
from hwcost.render.words import UNKNOWN, listed, quantity

DIFFERS = "*"
"""Marks a number that is not ours, also where both round to the same letters."""


def audit_json(audit: Audit) -> str:
    """The machine-readable audit."""
    return json.dumps(audit.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def audit_text(audit: Audit, *, width: int = 80, colour: bool = False) -> str:
    """The counters side by side, and below why they differ."""
    return text_of(
        _headline(audit),
        [_table(audit)],
        _notes(audit),
        subtitles=(_subtitle(audit),),
        width=width,
        colour=colour,
    )


def _headline(audit: Audit) -> str:
    """How many multiply-accumulates, and who agrees."""
    others = audit.counts[1:]
    differ = {difference.counter for difference in audit.differences}
    agree = tuple(it.counter for it in others if it.macs is not None and it.counter not in differ)
    disagree = tuple(it.counter for it in others if it.counter in differ)
    clauses = [f"{audit.model}: {quantity(audit.ours.total)} MACs by hwcost"]
    if agree:
        clauses.append(f"by {listed(agree)} as well")
    if disagree:
        clauses.append(f"not by {listed(disagree)}")
    return f"{', '.join(clauses)}."


def _subtitle(audit: Audit) -> str:
    return f"{quantity(audit.parameters)} parameters; {DIFFERS} differs from hwcost"


def _table(audit: Audit) -> Table:
    columns = (Column(name="MACs", is_number=False), *(Column(name=it.counter) for it in audit.counts))
    rows = [
        (family, *(_cell(it, it.of(family), audit.ours.of(family)) for it in audit.counts))
        for family in audit.families
    ]
    total = audit.ours.total or 0
    rows.append(("total", *(_cell(it, it.total or 0, total) for it in audit.counts)))
    return Table(title="", columns=columns, rows=tuple(rows))


def _cell(counted: Count, macs: int, ours: int) -> str:
    if counted.macs is None:
        return UNKNOWN
    return f"{quantity(macs)}{'' if macs == ours else DIFFERS}"


def _notes(audit: Audit) -> tuple[str, ...]:
    differences = [_difference(difference) for difference in audit.differences]
    absent = [f"{it.counter} {it.why_not.rstrip('.')}." for it in audit.counts if it.macs is None]
    return (*differences, *absent, *audit.assumptions)


def _difference(difference: Difference) -> str:
    mine, theirs = _amounts(difference.ours, difference.theirs)
    verb = "differs " if not difference.is_explained else ""
    return (
        f"{difference.counter} {verb}{difference.reason} ({_of(difference.family)}: {theirs}, hwcost {mine})."
    )


def _of(family: Family) -> str:
    return family if family != "other" else "other ops"


def _amounts(ours: int, theirs: int) -> tuple[str, str]:
    """Two numbers, in full where they round to the same letters."""
    short = (quantity(ours), quantity(theirs))
    return short if short[0] != short[1] else (f"{ours:,}", f"{theirs:,}")
