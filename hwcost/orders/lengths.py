"""The two lengths at which a model is traced, to see what grows from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import gcd
from typing import Final

from hwcost.errors import HwcostError, OrderError
from hwcost.graph import Trace, leaves
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
        period = _period(longer)
        if (long - short) % period and long > period:
            apart = period * max((long - 1) // 2 // period, 1)
            short, shorter = long - apart, make(long - apart)
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


def _period(trace: Trace) -> int:
    """Steps after which every stride in a trace comes out even."""
    period = 1
    for op, _ in leaves(trace.items):
        value = op.attributes.get("stride")
        for stride in value if isinstance(value, tuple) else (value,):
            if isinstance(stride, int) and stride > 1 and APART % stride:
                period = period * stride // gcd(period, stride)
    return period if period == 1 else period * APART // gcd(period, APART)
