"""How far a model looks and how long the way there is, at one length after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, log

import numpy as np

from hwcost.dependence import TimeAxis, sight
from hwcost.errors import HwcostError
from hwcost.graph import Trace, leaves
from hwcost.portrait.maker import LONGER, SHORT, Maker, TimeInput, input_axis, output_axis
from hwcost.portrait.result import Along, Growth, PathLength

LENGTHS = (100, 1_000, 10_000)
"""Lengths at which path lengths are told."""

FURTHEST = 20_000
"""A length at which is tried whether a reach ends."""

CALLS_AT_MOST = 40_000
"""Calls that a model may make at a length that nobody has asked for: tracing more takes long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the outputs see at one length.

    size: steps of the input. back: those that the last output looks back over, its own included. ahead:
    those that an output looks ahead at most. hops: from the first input to the last output, None where it
    is out of reach.
    """

    seq_len: int
    size: int
    back: int
    ahead: int
    hops: int | None
    is_single: bool
    assumed: tuple[str, ...]


def look(maker: Maker, entry: TimeInput, trace: Trace, short: Trace, seq_len: int) -> Look:
    """What the outputs of a trace see along the time of one input."""
    key, axis = input_axis(maker, entry, trace, seq_len)
    storage, time = output_axis(trace, short)
    found = next(it for it in sight(trace, time={key: axis}) if it.storage.id == storage.id)
    view = found.over(time or TimeAxis(stride=storage.elements, size=1))
    steps = len(view.latest)
    own = (np.arange(steps) + 1) * axis.size // steps - 1
    ahead = max(float((view.latest - own).max()), 0.0)
    return Look(
        seq_len=seq_len,
        size=axis.size,
        back=int(axis.size - view.earliest[-1]) if isfinite(view.earliest[-1]) else 0,
        ahead=int(ahead),
        hops=int(view.hops[-1]) if isfinite(view.hops[-1]) else None,
        is_single=time is None,
        assumed=found.assumed,
    )


def looks(maker: Maker, entry: TimeInput, trace: Trace, seq_len: int) -> list[Look]:
    """Looks at the asked length, and at others as far as they do not take long; shortest first."""
    short = maker.trace(SHORT if seq_len != SHORT else LONGER)
    found = {seq_len: look(maker, entry, trace, short, seq_len)}
    for length in (*LENGTHS, FURTHEST):
        found |= _tried(maker, entry, short, length, found)
    back = max(it.back for it in found.values())
    if back < max(it.size for it in found.values()) and entry.sequence != "source":
        for length in (back // 10, back // 3, back):
            found |= _tried(maker, entry, short, length, found)
    return [found[length] for length in sorted(found)]


def _tried(
    maker: Maker, entry: TimeInput, short: Trace, seq_len: int, done: dict[int, Look]
) -> dict[int, Look]:
    """The look at a length, unless it takes long, or the model cannot be made so long."""
    if seq_len in done or seq_len in (0, 1, SHORT) or _calls(maker, short, seq_len) > CALLS_AT_MOST:
        return {}
    try:
        return {seq_len: look(maker, entry, maker.trace(seq_len), short, seq_len)}
    except HwcostError:
        return {}


def _calls(maker: Maker, short: Trace, seq_len: int) -> float:
    """About how many calls a model makes at a length, from two short ones."""
    few, more = (sum(calls for _, calls in leaves(it.items)) for it in (short, maker.trace(LONGER)))
    return few + (more - few) * (seq_len - SHORT) / (LONGER - SHORT)


def along(entry: TimeInput, found: list[Look], seq_len: int) -> Along:
    """What the looks come to."""
    longest = found[-1]
    reach = longest.back if longest.back < longest.size else None
    paths = tuple(_paths(found))
    return Along(
        sequence=entry.sequence,
        seq_len=next(it.size for it in found if it.seq_len == seq_len),
        reach=reach,
        tried=longest.size,
        ahead=_ahead(found),
        paths=paths,
        growth=growth(paths),
    )


def _ahead(found: list[Look]) -> int | None:
    """Steps that an output looks ahead; None where it is further in a longer sequence."""
    ahead = [it.ahead for it in found]
    return ahead[-1] if len(ahead) == 1 or ahead[-1] == ahead[-2] else None


def _paths(found: list[Look]) -> Iterator[PathLength]:
    for it in found:
        if it.hops is not None and it.seq_len != FURTHEST:
            yield PathLength(seq_len=it.seq_len, hops=it.hops)


def growth(paths: tuple[PathLength, ...]) -> Growth:
    """How path lengths grow between the shortest and the longest sequence.

    Of hops ~ length^p the exponent p tells: 0 is constant, 1 as the length, and what lies between
    as its logarithm: of a tree of attention, or of dilated convolutions.
    """
    if len(paths) < 2:
        return "unknown"
    first, last = paths[0], paths[-1]
    if all(it.hops == first.hops for it in paths):
        return "constant"
    exponent = log(last.hops / max(first.hops, 1)) / log(last.seq_len / first.seq_len)
    return "length" if exponent > 0.9 else "logarithm"
