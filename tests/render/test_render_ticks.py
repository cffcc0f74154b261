"""Ticks of logarithmic axes: which, how many, and what is written beside them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.render.ticks import MOST_TICKS, decades, doublings, hull, labelled

positive = st.floats(1e-12, 1e15)


def test_hull_by_hand() -> None:
    assert hull([0.0031, 0.7]) == (0.002, 1.0)
    assert hull([2.0, 2.0]) == (2.0, 5.0)
    assert hull([1e-3, 10.0]) == (1e-3, 10.0)


@given(values=st.lists(positive, min_size=1))
def test_a_hull_holds_all_values_and_is_no_wider_than_it_must_be(values: list[float]) -> None:
    low, high = hull(values)
    assert low <= min(values) * (1 + 1e-9)
    assert high >= max(values) * (1 - 1e-9)
    assert low * 2.6 > min(values)
    assert high < max(values) * 2.6
    assert low < high


def test_ticks_by_hand() -> None:
    assert decades(0.002, 10.0) == pytest.approx([0.01, 0.1, 1.0, 10.0])
    assert decades(2.0, 50.0) == [2.0, 5.0, 10.0, 20.0, 50.0]  # only one power of ten
    assert doublings(16, 128) == [16, 32, 64, 128]
    assert doublings(3, 100) == [5, 10, 20, 50, 100]
    assert doublings(96, 384) == [96, 192, 384]


@given(low=positive, factor=st.floats(2.5, 1e14))
def test_there_are_some_ticks_but_not_too_many(low: float, factor: float) -> None:
    ticks = decades(low, low * factor)
    assert 1 <= len(ticks) <= MOST_TICKS
    assert all(low * (1 - 1e-9) <= tick <= low * factor * (1 + 1e-9) for tick in ticks)
    assert all(after > before for before, after in pairwise(ticks))


@given(low=st.integers(1, 10**6), number=st.integers(1, 40))
def test_doublings_start_at_the_low_end(low: int, number: int) -> None:
    ticks = doublings(low, low * 2**number)
    assert ticks[0] == low
    assert 2 <= len(ticks) <= 2 * MOST_TICKS + 1
    assert ticks[-1] <= low * 2**number


def test_labels() -> None:
    assert labelled([0.0, 1.0], "{:g} s".format) == (
        "abs(datum.value - 0.0) <= 0.0 ? '0 s' : abs(datum.value - 1.0) <= 1e-06 ? '1 s' : ''"
    )
