"""A pair [quantity, source] of a profile becomes a number that knows where it comes from."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hwcost.devices.device import Evidence, Number
from hwcost.devices.document import Node
from hwcost.devices.fields import suggestion
from hwcost.errors import ProfileError
from hwcost.units import parse

REASONED: Final[tuple[Evidence, ...]] = ("derived", "measured", "unverified")
"""Evidence that a source gives as its first word; any other source is a key of `sources`."""

WEAKEST_FIRST: Final[tuple[Evidence, ...]] = ("unverified", "derived", "measured", "read")

EXAMPLES: Final = {
    "": "0.35",
    "B": "512 KiB",
    "B/s": "6.4 GB/s",
    "FLOP/s": "48 GFLOP/s",
    "s": "5 us",
    "J": "1.6 pJ",
    "J/FLOP": "2.3 pJ/FLOP",
    "J/B": "100 pJ/B",
    "W": "28 W",
    "s/B": "0.2 ns/B",
}

_CITED = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the numbers of one profile share.

    sources: the citations by key. cited: keys used so far. numbers: every number read so far.
    """

    sources: Mapping[str, Node]
    cited: set[str] = field(default_factory=set)
    numbers: list[Number] = field(default_factory=list)


def number(node: Node, path: str, unit: str, ledger: Ledger, *, zero: bool = False) -> Number:
    """The number of a pair [quantity, source]: finite, never negative, and 0 only where `zero` allows."""
    pair = node.value
    if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(p.value, str) for p in pair):
        raise ProfileError(
            f"{path} is not a pair [quantity, source]",
            where=node.where,
            mend=f'write [{EXAMPLES[unit]}, "SOURCE"], the source in quotes',
        )
    quantity, source = (str(part.value) for part in pair)
    try:
        value = parse(quantity, unit)
    except ValueError as error:
        mend = f"write it like {EXAMPLES[unit]}"
        raise ProfileError(f"{path}: {error}", where=pair[0].where, mend=mend) from None
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        what = "not finite" if not math.isfinite(value) else "negative" if value < 0 else "zero"
        mend = "give a finite value, zero or more" if zero else "give a finite value above zero"
        raise ProfileError(f"{path} is {what} ({quantity})", where=pair[0].where, mend=mend)
    evidence, citation = _evidence(source, path, pair[1].where, ledger)
    result = Number(value, path=path, unit=unit, text=quantity, evidence=evidence, source=citation)
    ledger.numbers.append(result)
    return result


def sourced_text(node: Node, path: str, example: str, ledger: Ledger) -> tuple[str, Evidence, str]:
    """The text of a pair [text, source], with the evidence and the citation."""
    pair = node.value
    if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(p.value, str) for p in pair):
        mend = f'write [{example}, "SOURCE"], the source in quotes'
        raise ProfileError(f"{path} is not a pair [text, source]", where=node.where, mend=mend)
    written, source = (str(part.value) for part in pair)
    evidence, citation = _evidence(source, path, pair[1].where, ledger)
    return written, evidence, citation


def within(one: Number, place: str) -> Number:
    """The same number, its path under that of a place."""
    return Number(
        one,
        path=f"{place}.{one.path}",
        unit=one.unit,
        text=one.text,
        evidence=one.evidence,
        source=one.source,
    )


def times(count: Number, one: Number) -> Number:
    """The number of all instances together, as sure as the less sure of the two."""
    value = count * one
    return Number(
        value,
        path=one.path,
        unit=one.unit,
        text=f"{count.text} x {one.text}",
        evidence=min(count.evidence, one.evidence, key=WEAKEST_FIRST.index),
        source=one.source if count.source == one.source else f"{one.source}; {count.text}: {count.source}",
    )


def _evidence(source: str, path: str, where: str, ledger: Ledger) -> tuple[Evidence, str]:
    if source in ledger.sources:
        ledger.cited.add(source)
        return "read", str(ledger.sources[source].value)
    word, colon, reason = source.partition(":")
    for evidence in REASONED:
        if word == evidence and colon and reason.strip():
            return evidence, with_citations(source, where, ledger)
    if word in REASONED:
        what, mend = f"{path}: {word!r} without a reason", f'write "{word}: how, or why"'
    else:
        what = f"{path} has the source {source!r}, which is not a key of sources"
        starts = ", ".join(f'"{evidence}: ..."' for evidence in REASONED)
        mend = f"{suggestion(source, ledger.sources)}, or write {starts}"
    raise ProfileError(what, where=where, mend=mend)


def with_citations(text: str, where: str, ledger: Ledger) -> str:
    """The text with each [key] replaced by the citation in full."""

    def citation(match: re.Match[str]) -> str:
        key = match[1]
        if key not in ledger.sources:
            mend = suggestion(key, ledger.sources)
            raise ProfileError(f"[{key}] cites no key of sources", where=where, mend=mend)
        ledger.cited.add(key)
        return f"[{ledger.sources[key].value}]"

    return _CITED.sub(citation, text)
