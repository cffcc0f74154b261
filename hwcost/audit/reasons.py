"""Why a counter differs from ours, as far as its own report says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hwcost.audit.result import Count, Difference, Family

UNKNOWN = "for a reason that this audit does not know"

SAME_TOTAL = "sees these products in other families: the totals are the same"

DEAD_CODE = "traces with torch.jit, which leaves out what no output depends on"

OWN_RULES = "counts {ops} as well, of which no operation is a multiply-accumulate"


def differences(ours: Count, others: tuple[Count, ...]) -> Iterator[Difference]:
    """Each family in which a counter that could count differs from ours."""
    for other in others:
        if other.macs is None:
            continue
        for family in sorted({*(ours.macs or {}), *other.macs}):
            mine, theirs = ours.of(family), other.of(family)
            if mine != theirs:
                reason = _reason(ours, other, family)
                yield Difference(
                    counter=other.counter,
                    family=family,
                    ours=mine,
                    theirs=theirs,
                    reason=reason or UNKNOWN,
                    is_explained=bool(reason),
                )


def _reason(ours: Count, other: Count, family: Family) -> str:
    mine, theirs = ours.of(family), other.of(family)
    if family != "other" and _products(ours) == _products(other):
        return SAME_TOTAL
    ops = _listed([op for op, families in other.blind.items() if family in families])
    if ops and family == "other" and theirs > mine:
        return OWN_RULES.format(ops=ops)
    if ops and theirs < mine:
        return f"has no rule for {ops} and counts 0" + (" there" if theirs else "")
    return ""


def _products(count: Count) -> int:
    """Multiply-accumulates without those of other ops, among which fvcore counts normalisation."""
    return (count.total or 0) - count.of("other")


def with_dead_code(found: Difference, kept: Count) -> Difference:
    """A difference explained, if the same counter agrees once results that nothing uses are kept."""
    if found.is_explained or kept.macs is None or kept.of(found.family) != found.ours:
        return found
    return replace(found, reason=DEAD_CODE, is_explained=True)


def _listed(names: list[str]) -> str:
    """Names in a sentence."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
