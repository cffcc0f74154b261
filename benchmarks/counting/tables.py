"""The contest as Markdown: how many models each counter gets how right, whole and by family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Final

from benchmarks.counting.outcome import KINDS, Kind, Outcome

NOT_INSTALLED = "not installed"

ORDER: Final[tuple[Kind, ...]] = ("exact", "close", "wrong", "failed", "missing")
"""Of the columns; silent ones last, beside those of them that are 0."""


def of(outcomes: Iterable[Outcome], counter: str, family: str = "") -> list[Outcome]:
    """The answers of one counter, of all families or one."""
    return [it for it in outcomes if it.counter == counter and family in ("", it.family)]


def tally(outcomes: Iterable[Outcome]) -> Counter[str]:
    """How many answers there are of each kind."""
    return Counter(outcome.kind for outcome in outcomes)


def whole(outcomes: Sequence[Outcome], names: Sequence[str]) -> Iterator[str]:
    """The rows of a table: a counter each, with how many of its answers are of each kind."""
    yield "| counter | " + " | ".join(KINDS[kind] for kind in ORDER) + " | of these 0 | wrong by |"
    yield "|:--|" + "--:|" * (len(KINDS) + 1) + ":--|"
    for name in names:
        own = of(outcomes, name)
        found = tally(own)
        numbers = [*(found[kind] for kind in ORDER), sum(outcome.macs == 0 for outcome in own)]
        cells = [str(number) if own else NOT_INSTALLED for number in numbers]
        yield f"| {name} | {' | '.join(cells)} | {_spread(own)} |"


def by_family(outcomes: Sequence[Outcome], names: Sequence[str]) -> Iterator[str]:
    """The rows of a table: a family each, with how many of its models each counter has exactly."""
    families = list(dict.fromkeys(outcome.family for outcome in outcomes))
    yield "| family | models | " + " | ".join(names) + " |"
    yield "|:--|--:|" + "--:|" * len(names)
    for family in families:
        size = len({outcome.model for outcome in outcomes if outcome.family == family})
        cells = [_right(of(outcomes, name, family)) for name in names]
        yield f"| {family} | {size} | {' | '.join(cells)} |"


def _right(own: Sequence[Outcome]) -> str:
    """Exact answers, and in brackets those within 2 % as well, where there are more."""
    found = tally(own)
    if not own:
        return NOT_INSTALLED
    more = f" ({found['exact'] + found['close']})" if found["close"] else ""
    return f"{found['exact']}{more}"


def _spread(own: Sequence[Outcome]) -> str:
    """The least, the middle and the largest ratio of the wrong answers."""
    ratios = sorted(it.ratio for it in own if it.kind == "wrong" and it.ratio is not None)
    if not ratios:
        return ""
    return f"{ratios[0]:.3g} to {ratios[-1]:.3g} times, median {median(ratios):.3g}"


def page(outcomes: Sequence[Outcome], names: Sequence[str]) -> str:
    """Both tables, for these counters."""
    models = len({(outcome.family, outcome.model) for outcome in outcomes})
    lines = [f"{models} models:", "", *whole(outcomes, names), "", "Exact, in brackets within 2 %:", ""]
    return "\n".join([*lines, *by_family(outcomes, names)]) + "\n"
