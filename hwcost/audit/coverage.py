"""Which ops of a trace a rule knows: their share by count and by bytes, and where the others are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from hwcost.graph import Trace, Work, leaves
from hwcost.rules.count import count
from hwcost.rules.registry import rule_for

How = Literal["rule", "pointwise", "view", "assumed"]

HOWS: Final[tuple[How, ...]] = ("rule", "pointwise", "view", "assumed")
"""By a rule of its own, by torch's tag for elementwise ops, as a view, or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """An op without a rule: its name, its calls, its bytes, and the modules that call it."""

    op: str
    calls: int
    bytes: int
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How the ops of a model are counted: calls and bytes by the way of counting."""

    model: str
    parameters: int
    calls: Mapping[How, int]
    bytes: Mapping[How, int]
    unknown: tuple[Unknown, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def known_calls(self) -> float:
        """Share of the calls that are not assumed, 0 to 1."""
        return _known(self.calls)

    @property
    def known_bytes(self) -> float:
        """Share of the bytes that calls touch which are not assumed, 0 to 1."""
        return _known(self.bytes)

    def to_dict(self) -> dict[str, object]:
        """The coverage as plain values."""
        return {
            "model": self.model,
            "parameters": self.parameters,
            "calls": {how: self.calls.get(how, 0) for how in HOWS},
            "bytes": {how: self.bytes.get(how, 0) for how in HOWS},
            "known_calls": self.known_calls,
            "known_bytes": self.known_bytes,
            "assumed": [
                {"op": it.op, "calls": it.calls, "bytes": it.bytes, "modules": list(it.modules)}
                for it in self.unknown
            ],
            "assumptions": list(self.assumptions),
        }


def _known(sums: Mapping[How, int]) -> float:
    """1 - assumed / all; 1 where there is nothing."""
    total = sum(sums.values())
    return 1 - sums.get("assumed", 0) / total if total else 1.0


def coverage(trace: Trace) -> Coverage:
    """How each op of a trace is counted; an op that its rule takes apart counts as its parts."""
    calls, moved = Counter[How](), Counter[How]()
    unknown: dict[str, list[tuple[Work, int]]] = {}
    for work, times in leaves(count(trace.items)):
        way = how(work)
        calls[way] += times
        moved[way] += times * (work.read_bytes + work.write_bytes)
        if way == "assumed":
            unknown.setdefault(work.op.name, []).append((work, times))
    return Coverage(
        model=trace.model,
        parameters=trace.parameters,
        calls=calls,
        bytes=moved,
        unknown=tuple(_unknown(name, works) for name, works in unknown.items()),
        assumptions=trace.assumptions,
    )


def how(work: Work) -> How:
    """The way in which the work of an op was found."""
    if work.is_assumed:
        return "assumed"
    if rule_for(work.op.name) is None and work.op.is_view:
        return "view"
    return "pointwise" if rule_for(work.op.name) is None and work.op.is_pointwise else "rule"


def _unknown(name: str, works: list[tuple[Work, int]]) -> Unknown:
    return Unknown(
        op=name,
        calls=sum(times for _, times in works),
        bytes=sum(times * (work.read_bytes + work.write_bytes) for work, times in works),
        modules=tuple(dict.fromkeys(work.op.module for work, _ in works)),
    )
