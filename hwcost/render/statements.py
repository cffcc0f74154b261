"""Published statements beside ours: their tables, what is to be known of them, and their count."""

from __future__ import annotations

from collections.abc import Sequence

from hwcost.render.tables import Column, Table
from hwcost.render.words import percent, plain, quantity, ratio
from hwcost.validation.result import Check, Claim, Statement

COLUMNS = (
    Column(name="what", is_number=False),
    Column(name="published"),
    Column(name="hwcost"),
    Column(name="error"),
    Column(name="kind", is_number=False),
    Column(name="evidence", is_number=False),
    Column(name="holds", is_number=False),
)

KINDS = (
    "prediction: no constant was worked out from the published figure. consistency: one was, from it or from"
    " what amounts to it, so that it shows that profile and source agree, and no more."
)
EVIDENCE = (
    "evidence: what the published figure rests on: silicon that was measured, a simulation, its vendor's"
    " word; unverified: no source was read for it."
)

FEW = 2
"""Rows that a note which they share names one by one; if there are more it names their dataset."""

TWICE = 2.0
"""The factor from which an error is told as a factor, and no longer in percent."""


def count_of(statements: Sequence[Statement]) -> str:
    """How many hold, and how many of these tell no more than that; "" where there are none."""
    if not statements:
        return ""
    holding = [one for one in statements if one.holds]
    weak = sum(isinstance(one, Claim) and one.basis == "consistency" for one in holding)
    alone = f", {weak} of them by consistency alone" if weak else ""
    return f"{len(holding)} of {len(statements)} published statements hold{alone}."


def statement_tables(statements: Sequence[Statement]) -> list[Table]:
    """One table per dataset; a column that no row of it fills is left out."""
    tables = []
    for dataset in dict.fromkeys(one.dataset for one in statements):
        rows = [_row(one) for one in statements if one.dataset == dataset]
        filled = [place for place in range(len(COLUMNS)) if any(row[place] for row in rows)]
        tables.append(
            Table(
                title=dataset,
                columns=tuple(COLUMNS[place] for place in filled),
                rows=tuple(tuple(row[place] for place in filled) for row in rows),
            )
        )
    return tables


def statement_notes(statements: Sequence[Statement]) -> tuple[str, ...]:
    """What the columns mean, and what the rows rest on."""
    claims = [one for one in statements if isinstance(one, Claim)]
    if not claims:
        return ()
    return (
        f"holds: hwcost is within {_limits(claims)} of what is published. error: how far it is off, from the"
        " nearer end of a range; from twice or half on as a factor.",
        *((KINDS, EVIDENCE) if any(claim.basis for claim in claims) else ()),
        *(("TOP/J are TOP/s per W.",) if any(claim.unit == "OP/J" for claim in claims) else ()),
        *_row_notes(claims),
    )


def _limits(claims: Sequence[Claim]) -> str:
    """How far numbers may be off: "5 %", or "5 % (nvidia_intensity: 1 %)"."""
    widest = max(claim.within for claim in claims)
    others = {claim.dataset: claim.within for claim in claims if claim.within < widest}
    apart = ", ".join(f"{dataset}: {percent(within)}" for dataset, within in others.items())
    return f"{percent(widest)} ({apart})" if apart else percent(widest)


def _row_notes(claims: Sequence[Claim]) -> list[str]:
    """What the rows rest on, once for all rows that rest on the same."""
    by_note: dict[tuple[str, str], list[str]] = {}
    for claim in claims:
        if claim.note:
            by_note.setdefault((claim.dataset, claim.note), []).append(f"{claim.name}, {published(claim)}")
    return [
        f"{dataset if len(rows) > FEW else ' and '.join(rows)}: {note}."
        for (dataset, note), rows in by_note.items()
    ]


def published(one: Statement) -> str:
    """What the source says: "63.1 TOP/s", "42 to 66x", "< 10", "compute"."""
    if isinstance(one, Check):
        return one.published
    if one.low == one.high:
        return amount(one.low, one.unit)
    if one.is_bound:
        return f"> {amount(one.low, one.unit)}" if one.low else f"< {amount(one.high, one.unit)}"
    return f"{amount(one.low, one.unit).removesuffix('x')} to {amount(one.high, one.unit)}"


def ours(one: Statement) -> str:
    """What we say of it."""
    return one.ours if isinstance(one, Check) else amount(one.ours, one.unit)


def error(one: Statement) -> str:
    """How far ours is off: "+1 %", from twice or half on "0.1x"; "" of words."""
    if isinstance(one, Check):
        return ""
    if 1 / TWICE < one.factor < TWICE:
        off = round((one.factor - 1) * 100)
        return f"{off:+d} %" if off else "0 %"
    return ratio(one.factor)


def amount(value: float, unit: str) -> str:
    """A number with its unit; ratios and intensities take no prefix."""
    if unit == "x":
        return ratio(value)
    return quantity(value, unit) if unit in {"s", "J", "OP/s", "OP/J"} else plain(value)


def _row(one: Statement) -> tuple[str, ...]:
    basis = (one.basis or "", one.evidence or "") if isinstance(one, Claim) else ("", "")
    return (one.name, published(one), ours(one), error(one), *basis, "yes" if one.holds else "no")
