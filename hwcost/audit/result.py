"""What an audit finds: counts by family of ops, and what explains where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Family = Literal["linear", "conv", "attention", "recurrent", "other"]

FAMILIES: Final[tuple[Family, ...]] = ("linear", "conv", "attention", "recurrent", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Multiply-accumulates of one pass, as one counter sees them.

    counter: its name. macs: by family; None where it could not count. why_not: why, in a sentence.
    blind: ops that it saw and counts otherwise than we do, with their families: most have products and no
    formula of its own.
    """

    counter: str
    macs: Mapping[Family, int] | None = None
    why_not: str = ""
    blind: Mapping[str, tuple[Family, ...]] = field(default_factory=dict)

    @property
    def total(self) -> int | None:
        return None if self.macs is None else sum(self.macs.values())

    def of(self, family: Family) -> int:
        """Multiply-accumulates of a family; 0 for one that the counter did not see."""
        return (self.macs or {}).get(family, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where a counter differs from ours: by how many multiply-accumulates, and why.

    is_explained: the reason was found in what the counter itself reports.
    """

    counter: str
    family: Family
    ours: int
    theirs: int
    reason: str
    is_explained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The counts of one model side by side, ours first, and each difference from ours.

    assumptions: what the trace and the source of the model had to assume.
    """

    model: str
    parameters: int
    counts: tuple[Count, ...]
    differences: tuple[Difference, ...]
    assumptions: tuple[str, ...] = ()

    @property
    def ours(self) -> Count:
        return self.counts[0]

    @property
    def families(self) -> tuple[Family, ...]:
        """Families that any counter found work in, in the order of FAMILIES."""
        return tuple(family for family in FAMILIES if any(count.of(family) for count in self.counts))

    def to_dict(self) -> dict[str, object]:
        """The audit as plain values, schema "hwcost.audit/1"."""
        return {
            "schema": "hwcost.audit/1",
            "model": self.model,
            "parameters": self.parameters,
            "counts": [
                {
                    "counter": count.counter,
                    "macs": None if count.macs is None else {family: count.of(family) for family in FAMILIES},
                    "total": count.total,
                    "why_not": count.why_not or None,
                }
                for count in self.counts
            ],
            "differences": [
                {
                    "counter": difference.counter,
                    "family": difference.family,
                    "hwcost": difference.ours,
                    "macs": difference.theirs,
                    "reason": difference.reason,
                    "explained": difference.is_explained,
                }
                for difference in self.differences
            ],
            "assumptions": list(self.assumptions),
        }
