"""Where a logarithmic axis has its ticks, and what is written beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor, isclose, log2, log10

from hwcost.render.frame import powers_of_ten

MOST_TICKS = 10
"""Ticks whose labels have room on one axis."""

FEW_TICKS = 3
"""With fewer powers of ten than this, 2 and 5 times a power of ten get a tick as well."""


def hull(values: Sequence[float]) -> tuple[float, float]:
    """The nearest of 1, 2 and 5 times a power of ten that hold all values between them."""
    low, high = min(values), max(values)
    lower = [step for step in _one_two_five(low / 10, low) if step <= low or isclose(step, low)]
    upper = [step for step in _one_two_five(high, high * 10) if step >= high or isclose(step, high)]
    return lower[-1], next(step for step in upper if step > lower[-1])


def decades(low: float, high: float) -> list[float]:
    """Powers of ten from low to high, thinned out if they are many, and what stands between if few."""
    tens = list(powers_of_ten(low, high))
    if len(tens) < FEW_TICKS:
        return [step for step in _one_two_five(low, high) if low <= step <= high]
    return tens[:: ceil(len(tens) / MOST_TICKS)]


def doublings(low: int, high: int) -> list[float]:
    """The low end and its doublings, where they lead to the high end; else `decades`. Of many every other."""
    number = log2(high / low)
    if not number.is_integer():
        return decades(low, high)
    step = ceil(number / (2 * MOST_TICKS))
    return [float(low * 2**place) for place in range(0, int(number) + 1, step)]


def labelled(values: Sequence[float], label: Callable[[float], str]) -> str:
    """The expression of Vega that writes the label of each value."""
    cases = [f"abs(datum.value - {value!r}) <= {abs(value) * 1e-6!r} ? '{label(value)}'" for value in values]
    return f"{' : '.join(cases)} : ''"


def _one_two_five(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten from low's to high's."""
    exponents = range(floor(log10(low)), ceil(log10(high)) + 1)
    return [float(f"{digit}e{exponent}") for exponent in exponents for digit in (1, 2, 5)]
