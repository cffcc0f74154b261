"""The searches over whole numbers: what they find is what looking at every number finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hwcost.matching.search import MOST, least, nearest

MOST_WIDTH = 300

growth = st.lists(st.integers(0, 1000), min_size=MOST_WIDTH, max_size=MOST_WIDTH)
"""How much a size grows from each width to the next; it may stand still."""


def sizes_of(steps: list[int]) -> list[int]:
    return [sum(steps[: place + 1]) for place in range(len(steps))]


def by_looking(sizes: dict[int, int], target: int) -> int:
    return min(sizes, key=lambda width: (abs(sizes[width] - target), width))


@given(steps=growth, target=st.integers(1, 200_000), start=st.integers(1, MOST_WIDTH))
def test_the_nearest_is_as_near_as_any(steps: list[int], target: int, start: int) -> None:
    sizes = dict(enumerate(sizes_of(steps), start=1))
    found = nearest(sizes.get, target, start=start)
    best = by_looking(sizes, target)
    assert abs(sizes[found] - target) == abs(sizes[best] - target)


@given(
    a=st.integers(0, 50),
    b=st.integers(0, 5000),
    c=st.integers(0, 10**6),
    target=st.integers(1, 10**7),
    start=st.integers(1, 2000),
)
def test_the_nearest_of_what_grows_with_every_width(a: int, b: int, c: int, target: int, start: int) -> None:
    """Strictly growing sizes have one nearest width, or two of which the smaller is taken."""
    sizes = {width: a * width * width + (b + 1) * width + c for width in range(1, 4000)}
    asked: list[int] = []

    def size(width: int) -> int:
        asked.append(width)
        return a * width * width + (b + 1) * width + c

    found = nearest(size, target, start=start)
    if found in sizes and found < 3999:
        assert found == by_looking(sizes, target)
    # growing or shrinking doubles at most 24 times, then three times a bisection
    assert len(asked) <= 24 + 3 * 24


@given(
    steps=growth,
    target=st.integers(1, 200_000),
    first=st.integers(1, MOST_WIDTH),
    count=st.integers(1, MOST_WIDTH),
    at=st.floats(0, 1),
)
def test_widths_that_cannot_be_built_are_left_out(
    steps: list[int], target: int, first: int, count: int, at: float
) -> None:
    last = min(first + count, MOST_WIDTH)
    sizes = {width: size for width, size in enumerate(sizes_of(steps), start=1) if first <= width <= last}
    found = nearest(sizes.get, target, start=first + int(at * (last - first)))
    assert abs(sizes[found] - target) == abs(sizes[by_looking(sizes, target)] - target)


@given(
    steps=growth,
    target=st.integers(1, 200_000),
    start=st.integers(1, MOST_WIDTH),
    aside=st.dictionaries(st.integers(1, MOST_WIDTH - 1), st.integers(0, 200_000), max_size=4),
)
def test_a_width_aside_may_have_any_size(
    steps: list[int], target: int, start: int, aside: dict[int, int]
) -> None:
    sizes = dict(enumerate(sizes_of(steps), start=1)) | aside
    sizes[MOST_WIDTH] = max(sizes.values())
    found = nearest(sizes.get, target, start=start, aside=frozenset(aside))
    assert abs(sizes[found] - target) == abs(sizes[by_looking(sizes, target)] - target)


def test_a_dip_would_mislead_a_plain_bisection() -> None:
    # 100 has as much as 40: who starts there and asks for 80 would look above it
    sizes = {width: 40 if width == 100 else width for width in range(1, 1000)}
    assert nearest(sizes.get, 80, start=100, aside=frozenset({100})) == 80
    assert nearest(sizes.get, 40, start=100, aside=frozenset({100})) == 40


def test_of_two_as_near_the_smaller() -> None:
    assert nearest(lambda width: 10 * width, 25, start=7) == 2
    assert nearest(lambda width: 10 * width, 35, start=1) == 3


@given(steps=growth, enough=st.integers(0, 200_000))
def test_the_least_that_is_enough(steps: list[int], enough: int) -> None:
    sizes = sizes_of(steps)
    found = least(lambda number: sizes[min(number, MOST_WIDTH) - 1], enough)
    known = [number for number, size in enumerate(sizes, start=1) if size >= enough]
    assert found == (known[0] if known else None)


def test_nothing_is_enough() -> None:
    assert least(lambda _: 5, 6) is None
    assert least(lambda number: number, MOST) == MOST
