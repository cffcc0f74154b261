"""Why a counter differs from ours, as far as its own report says."""

from __future__ import annotations

from collections.abc import Iterator

from hwcost.audit.result import Count, Difference, Family

UNKNOWN = "for a reason that this audit does not know"

SAME_TOTAL = "sees these products in other families: the totals are the same"

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
    if ours.total == other.total:
        return SAME_TOTAL
    ops = _listed([op for op, families in other.blind.items() if family in families])
    if ops and family == "other" and theirs > mine:
        return OWN_RULES.format(ops=ops)
    if ops and theirs < mine:
        return f"has no rule for {ops} and counts 0" + (" there" if theirs else "")
    return ""


def _listed(names: list[str]) -> str:
    """Names in a sentence."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
