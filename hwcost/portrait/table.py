"""The table of reach and path length in docs/models.md: `python -m hwcost.portrait.table` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from hwcost.errors import ModelError
from hwcost.memory.depth import sequential_depth
from hwcost.models import build, card, model_names
from hwcost.portrait.looks import LENGTHS, along, looks
from hwcost.portrait.maker import Maker, time_inputs
from hwcost.portrait.result import Along, Growth
from hwcost.rules.count import count

STEPS = 1_000
"""The length of the sequence of which the sequential depth is told."""

GROWTH: dict[Growth, str] = {"constant": "1", "logarithm": "log T", "length": "T", "unknown": ""}

TITLES = (
    "name",
    "reach",
    "looks ahead",
    *(f"path length at {length:,}" for length in LENGTHS),
    "over its reach",
    "grows as",
    f"sequential depth at {STEPS:,}",
)


def table() -> str:
    """A row for every sequence that a model reads, as markdown."""
    rows = [row for name in model_names() if "seq_len" in card(name).settings for row in rows_of(name)]
    rule = ":--|:--|:--" + "|--:" * (len(LENGTHS) + 1) + "|:--|--:"
    lines = [f"| {' | '.join(TITLES)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def rows_of(name: str) -> Iterator[tuple[str, ...]]:
    """The rows of a model: one, or one for its target and one for its source."""
    maker = Maker(name=name, batch=None, settings={})
    steps = _steps(maker)
    trace = maker.trace(steps)
    depth = sequential_depth(count(trace.items))
    for entry in time_inputs(maker):
        found = looks(maker, entry, trace, steps)
        it = along(entry, found, steps)
        ahead = "one output" if any(look.is_single for look in found) else ahead_of(it)
        shown = f"`{name}`, its {it.sequence}" if it.sequence else f"`{name}`"
        reach = "all" if it.reach is None else f"{it.reach:,}"
        hops = {path.seq_len: f"{path.hops:,}" for path in it.paths}
        tried = {look.seq_len for look in found}
        paths = (hops.get(length, "-" if length in tried else "") for length in LENGTHS)
        yield shown, reach, ahead, *paths, hops.get(it.reach or 0, ""), GROWTH[it.growth], f"{depth:,}"


def _steps(maker: Maker) -> int:
    """STEPS, or the default of a model that cannot be made so long."""
    try:
        build(maker.name, seq_len=STEPS, batch=None, settings={})
    except ModelError:
        return int(card(maker.name).settings["seq_len"])
    return STEPS


def ahead_of(it: Along) -> str:
    """How far an output looks ahead."""
    if it.sequence == "source" or it.ahead is None:
        return "to the end"
    return f"{it.ahead:,}" if it.ahead else "no"


if __name__ == "__main__":
    sys.stdout.write(table())
