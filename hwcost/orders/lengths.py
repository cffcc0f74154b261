"""The two lengths at which a model is traced, to see what grows from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import lcm, prod
from typing import Final

from hwcost.errors import HwcostError, OrderError
from hwcost.graph import Attribute, Trace, leaves
from hwcost.orders.growth import Growth

APART: Final = 24
"""Steps between the two lengths: strides of 1, 2, 3, 4, 6, 8 and 12 divide it."""

LEAST: Final = 2 * APART
"""A shorter sequence is looked at as if it had as many steps, where the model can take them."""


def two_lengths(make: Callable[[int], Trace], seq_len: int) -> tuple[Trace, Trace, Growth]:
    """The traces at a shorter and a longer length, and how far these are apart.

    The longer one is the length that was asked for, unless this is too short to go below it.

    Raises:
        HwcostError: the model can be traced at no two lengths; the error is that of the first attempt.
        OrderError: nothing of it grows with the length.
    """
    errors: list[HwcostError] = []
    for short, long in _candidates(seq_len):
        try:
            longer = make(long)
            shorter = make(short)
        except HwcostError as error:
            errors.append(error)
            continue
        period = _period(longer, most=long // 2)
        apart = period * max(min(APART, long // 2) // period, 1)
        if (long - short) % period and apart < long:  # strides of samples go beyond the frames they make
            short = long - apart
            shorter = make(short)
        if shorter.items == longer.items:
            raise OrderError(
                "nothing in it grows with the length of the sequence", mend="take --order offline"
            )
        return shorter, longer, Growth(short=short, long=long)
    raise errors[0]


def _candidates(seq_len: int) -> Iterator[tuple[int, int]]:
    """Pairs of lengths in the order in which they are tried."""
    long = max(seq_len, LEAST)
    yield long - APART, long
    for apart in (APART, 12, 6, 4, 2, 1):
        if seq_len - apart >= max(apart, 1) and seq_len != long:
            yield seq_len - apart, seq_len
    yield seq_len, 2 * seq_len


def _period(trace: Trace, *, most: int) -> int:
    """Steps after which every stride in a trace comes out even: their product, as of one after the other.

    Where that is more than `most`, their least common multiple, as of strides side by side.
    """
    strides = [
        stride
        for op, _ in leaves(trace.items)
        for stride in _strides(op.attributes.get("stride"))
        if stride > 1
    ]
    period = prod(strides)
    return period if period <= most else lcm(*strides)


def _strides(value: Attribute) -> list[int]:
    entries = value if isinstance(value, tuple) else (value,)
    return [entry for entry in entries if isinstance(entry, int) and not isinstance(entry, bool)]
