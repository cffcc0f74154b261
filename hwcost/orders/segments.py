"""A stream cut into stretches, so that what grows on the way is counted exactly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Final, Literal

STRETCHES: Final = 9
"""Stretches between the first and the last chunk of a stream whose chunks grow."""

FEW: Final = 2
"""The same of a generation: a table of one value per token and layer is long to price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """`chunks` chunks of `steps` steps each, from step `start` on."""

    start: int
    chunks: int
    steps: int
    place: Literal["prompt", "first", "between", "last"]


def segments(
    length: int, steps: int, *, grows: bool, windows: Iterable[int], stretches: int = STRETCHES
) -> tuple[Segment, ...]:
    """The stretches of a stream of `length` steps in chunks of `steps`, the last one maybe shorter.

    Where chunks grow, the first and the last are stretches of their own, and others have an odd number of
    chunks: the one in its middle then costs what they cost on average, exactly for what grows evenly. What a
    window limits grows up to it, so a stretch ends there.
    """
    full, rest = divmod(length, steps)
    found: list[Segment] = []
    if not grows:
        if full:
            found.append(Segment(start=0, chunks=full, steps=steps, place="between"))
    else:
        last = full - (not rest)
        cuts = {0, min(1, full), last, full, *(window // steps for window in windows)}
        bounds = sorted(cut for cut in cuts if 0 <= cut <= full)
        for start, stop in pairwise(bounds):
            for begin, end in _odd(start, stop, stretches * (stop - start) // max(full, 1) + 1):
                place: Literal["first", "between", "last"] = "between"
                if begin == 0 and end == 1:
                    place = "first"
                elif not rest and end == full and end - begin == 1:
                    place = "last"
                found.append(Segment(start=begin * steps, chunks=end - begin, steps=steps, place=place))
    if rest:
        found.append(Segment(start=full * steps, chunks=1, steps=rest, place="last" if full else "first"))
    return tuple(found)


def generation(
    length: int, prompt: int, *, grows: bool, windows: Iterable[int]
) -> tuple[Segment, tuple[Segment, ...]]:
    """The prompt, which is one chunk, and the stretches of the steps behind it, one at a time."""
    first = Segment(start=0, chunks=1, steps=prompt, place="prompt")
    behind = segments(
        length - prompt, 1, grows=grows, windows=[window - prompt for window in windows], stretches=FEW
    )
    return first, tuple(replace(segment, start=segment.start + prompt) for segment in behind)


def _odd(start: int, stop: int, pieces: int) -> list[tuple[int, int]]:
    """[start, stop) in about as many pieces, each of odd length, the longer ones in the middle."""
    total = stop - start
    pieces = min(max(pieces, 1), total)
    if (total - pieces) % 2:
        pieces += 1 if pieces < total else -1
    least = total // pieces
    least -= least % 2 == 0
    sizes = [least] * pieces
    inmost = sorted(range(pieces), key=lambda piece: abs(2 * piece + 1 - pieces))
    for piece in inmost[: (total - least * pieces) // 2]:
        sizes[piece] += 2
    bounds = list(accumulate(sizes, initial=start))
    return list(pairwise(bounds))
