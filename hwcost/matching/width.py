"""The width of a model: the one at which it is nearest to a size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hwcost.errors import HwcostError, UsageError
from hwcost.matching.search import nearest
from hwcost.matching.statement import Statement
from hwcost.matching.target import Target
from hwcost.report.fit import Change, Match

FAR_OFF: Final = 0.01
"""From this share off on, the least or greatest width of a model counts as no match."""

NOUNS: Final = {"params": "parameters", "macs": "MACs"}


def matched(stated: Statement, target: Target, size: Callable[[Mapping[str, int]], int]) -> Match:
    """The nearest to a size that the width of a model can be made, and the settings that make it so.

    The settings of WIDTH keep their proportion to the first of them, rounded; the first stays a multiple of
    WIDTH_MULTIPLE_OF. What is given stays. size: what changed settings give the model.

    Raises:
        UsageError: the model states no width, or its width is given, or no width comes near.
        HwcostError: the model cannot be built as it is.
    """
    if not stated.values:
        size({})  # Where no such function is in the file, who loads it can say so best.
    widths, step = _widths(stated)
    (first, base), *_ = widths.items()

    def settings(multiple: int) -> dict[str, int]:
        return {name: max(1, _proportion(value, multiple * step, base)) for name, value in widths.items()}

    start = max(1, round(base / step))
    size(settings(start))

    def size_or_none(multiple: int) -> int | None:
        try:
            return size(settings(multiple))
        except HwcostError:
            return None

    # At a width that equals another size of the model, a layer that joins the two may fall away.
    held = (stated.values.get(name) for name in stated.given)
    aside = frozenset(value // step for value in held if type(value) is int and value >= step)
    found = nearest(size_or_none, target.size, start=start, aside=aside)
    after = settings(found)
    match = Match(
        quantity=target.quantity,
        asked=target.size,
        found=size(after),
        changes=tuple(
            Change(setting=name, before=before, after=after[name])
            for name, before in widths.items()
            if after[name] != before
        ),
    )
    beyond = found - 1 if match.off > 0 else found + 1
    if abs(match.off) > FAR_OFF and (beyond < 1 or size_or_none(beyond) is None):
        raise UsageError(
            f"cannot have {target.size:,} {NOUNS[target.quantity]}: with {first}={after[first]}"
            f" it has {match.found:,}",
            where=stated.model,
            mend="ask for another size, or --set its other settings",
        )
    return match


def _widths(stated: Statement) -> tuple[dict[str, int], int]:
    """The settings that are scaled together, the width itself first, and what they are a multiple of."""
    if not stated.scaling.width:
        raise UsageError(
            "states no WIDTH, so that --match cannot scale it",
            where=stated.model,
            mend='write WIDTH = "hidden_size", or the like, into its file'
            if stated.values
            else "it scales ready-made models, and those that a function of a Python file makes",
        )
    first, *others = stated.scaling.width
    if first in stated.given:
        raise UsageError(
            f"{first} is given, and --match scales it",
            where=stated.model,
            mend=f"leave out --match, or --set {first}",
        )
    names = (first, *(name for name in others if name not in stated.given))
    step = stated.whole(stated.scaling.width_multiple_of) if stated.scaling.width_multiple_of else 1
    return {name: stated.whole(name) for name in names}, step


def _proportion(value: int, width: int, base: int) -> int:
    """What keeps its proportion to a base that becomes `width`, rounded half up."""
    return (2 * value * width + base) // (2 * base)
