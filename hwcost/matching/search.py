"""Searches over whole numbers for what grows with them: the nearest size, the least that is enough."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import count
from math import sqrt
from typing import Final, TypeAlias

Size: TypeAlias = Callable[[int], int | None]
"""The size at a width; None where the model cannot be built."""

MOST: Final = 2**31
"""No setting is greater."""


def nearest(size: Size, target: int, *, start: int, aside: frozenset[int] = frozenset()) -> int:
    """The width from 1 on whose size is nearest to the target; of two as near the smaller.

    size: grows with the width, except at the widths `aside`, where it may be anything. It is None below or
    above the widths that can be built, and not None at `start`. It is asked as seldom as possible: between
    two widths the next one is where the root of the size would be, if it grew evenly, and every third time
    the middle, which bounds the search by three bisections.
    """
    size = cache(size)

    def is_low(width: int) -> bool:
        found = size(width)
        return width < start if found is None else found < target

    low = high = next(width for width in count(start) if width not in aside)
    while is_low(high):
        low, high = high, next(width for width in count(2 * high) if width not in aside)
    while low and not is_low(low):
        low, high = next(width for width in count(low // 2, -1) if width not in aside or width == 0), low
    for turn in count():
        between = _between(low, high, None if turn % 3 == 2 else _guess(size, low, high, target), aside)
        if between is None:
            break
        low, high = (between, high) if is_low(between) else (low, between)
    candidates = (width for width in (low, high, *aside) if width >= 1)
    sizes = {width: found for width in candidates if (found := size(width)) is not None}
    return min(sizes, key=lambda width: (abs(sizes[width] - target), width))


def _guess(size: Size, low: int, high: int, target: int) -> float | None:
    """Where the root of the size reaches that of the target, on a straight line from low to high."""
    at_low, at_high = size(low) if low else 0, size(high)
    if at_low is None or at_high is None or at_low == at_high:
        return None
    return low + (high - low) * (sqrt(target) - sqrt(at_low)) / (sqrt(at_high) - sqrt(at_low))


def _between(low: int, high: int, guess: float | None, aside: frozenset[int]) -> int | None:
    """A width between two, at a guess or else in the middle; None where there is none but those aside."""
    wanted = min(max((low + high) // 2 if guess is None else round(guess), low + 1), high - 1)
    above = (width for width in range(max(wanted, low + 1), high) if width not in aside)
    below = (width for width in range(wanted, low, -1) if width not in aside)
    return next(above, next(below, None))


def least(value: Callable[[int], int], enough: int) -> int | None:
    """The least number from 1 on whose value, which grows with it, is enough; None where none is."""
    low, high = 0, 1
    while value(high) < enough:
        if high >= MOST:
            return None
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if value(middle) < enough else (low, middle)
    return high
