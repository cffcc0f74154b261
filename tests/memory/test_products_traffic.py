"""Traffic inside a product: by hand, against an exhaustive search over tiles, and its laws."""

from __future__ import annotations

import random
import statistics
from math import inf, isclose, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.graph import Product, Storage, contiguous
from hwcost.memory.products import (
    compulsory_elements,
    expected_elements,
    low_elements,
    moved,
    product_compulsory,
    product_low,
    product_moved,
)

size = st.integers(1, 5000)
room = st.one_of(st.integers(0, 50), st.integers(50, 10**8), st.floats(0, 1e9))


def test_by_hand_large_square() -> None:
    # s = 120: t = sqrt(121) - 1 = 10, a tile of 10 x 10 of C stays.
    # A is read 1000/10 = 100 times, B likewise: 2 * 100 * 10^6, and C is written once: + 10^6.
    assert expected_elements(1000, 1000, 1000, 120) == pytest.approx(201e6)
    # 2 * 10^9 / sqrt(120) - 2 * 120
    assert low_elements(1000, 1000, 1000, 120) == pytest.approx(2e9 / sqrt(120) - 240)


def test_by_hand_matrix_times_vector() -> None:
    # m = 1: a row of A, all of B, a row of C. The room of 101 holds 1 x n' of C with 2*n' + 1 <= 101,
    # n' = 50: A is read 200/50 = 4 times; a tile of A (1 x 50) would re-read C: 50/50 = 1 time, A fits.
    # AS: A once, B once, C once: 50 + 50*200 + 200.
    assert expected_elements(1, 50, 200, 101) == pytest.approx(50 + 10000 + 200)


def test_by_hand_partial_sums() -> None:
    # A 4 x 300, B 300 x 4, C 4 x 4 (fits): OS with all of C, 1200 + 1200 + 16, C written once.
    way = moved(4, 300, 4, 24)
    assert (way.reads, way.writes) == (2400, 16)
    # C 300 x 300 from k = 4, room 1504: A (1200) + a column of B (4) + a column of C (300) fit.
    way = moved(300, 4, 300, 1504)
    assert (way.reads, way.writes) == (pytest.approx(2400), pytest.approx(90000))


def test_convolution_by_hand() -> None:
    # 3 x 3, stride 1: R = 9. m = 10^4 outputs, k = 90 (10 channels), n = 100; |I| = 10^5.
    assert compulsory_elements(10_000, 90, 100, 9.0) == 10_000 * 10 + 9_000 + 1_000_000
    # Everything fits.
    assert expected_elements(10_000, 90, 100, 2e6, 9.0, 3000) == 1_109_000
    # The halo of 3000 takes more than half of 5000: as a plain product.
    assert expected_elements(10_000, 90, 100, 5000, 9.0, 3000) == expected_elements(10_000, 90, 100, 5000)
    # It takes half of 6000 and leaves 3000, where a tile of B stays: all of k, n' = (3000 - 90)/91 columns.
    # |I| comes 100/n' = 3.127 times, B and C once.
    hand = 100_000 * 100 * 91 / 2910 + 9000 + 1_000_000
    assert expected_elements(10_000, 90, 100, 6000, 9.0, 3000) == pytest.approx(hand)


def test_convolution_tile_follows_its_cheaper_operand() -> None:
    # R = 4, s = 2250, no halo: the tile is 4 times as long in m as in n, 4n^2 + 5n = 2250 - 9 or so.
    # n = (sqrt(25 + 16*2250) - 5) / 8 = (sqrt(36025) - 5) / 8 = 23.1; m = 92.4
    n = (sqrt(36025) - 5) / 8
    hand = 1e6 * 1000 / 4 / n * 1.0 + 1e6 * 1000 / (4 * n) + 1e6
    assert expected_elements(1000, 1000, 1000, 2250, 4.0) == pytest.approx(hand)


def product_of(m: int, k: int, n: int, *, input_reuse: float = 1.0, halo: int = 0) -> Product:
    operands = {
        name: contiguous(Storage(id=name, elements=rows * columns, dtype="float32"), (rows, columns))
        for name, rows, columns in (("a", m, k), ("b", k, n), ("c", m, n))
    }
    return Product(batch=1, m=m, k=k, n=n, input_reuse=input_reuse, halo_elements=halo, **operands)


def test_product_hands_its_sizes_on() -> None:
    plain = product_of(7, 8, 9)
    assert product_compulsory(plain) == 56 + 72 + 63
    assert product_low(plain, 20) == low_elements(7, 8, 9, 20)
    assert product_moved(plain, 20) == moved(7, 8, 9, 20)
    convolution = product_of(70, 18, 9, input_reuse=9.0, halo=10)
    assert product_moved(convolution, 99) == moved(70, 18, 9, 99, 9.0, 10)
    # A stride that skips input (1 x 1, stride 2: R = 1/4) does not make the operand larger than A.
    assert product_compulsory(product_of(70, 18, 9, input_reuse=0.25)) == 70 * 18 + 18 * 9 + 70 * 9


def blocks(total: int) -> list[int]:
    """The least block for each number of blocks that cover a side."""
    return sorted({-(-total // count) for count in range(1, total + 1)})


def search(m: int, k: int, n: int, s: int) -> float:
    """Least traffic over all tiles of whole rows and columns, and over which operand stays."""
    if m * k + k * n + m * n <= s:
        return m * k + k * n + m * n
    best = inf
    for rows in blocks(m):
        free = (s - rows) // (rows + 1)
        if free < 1:
            continue
        columns, depth = min(n, free), min(k, free)
        best = min(best, m * k * -(-n // columns) + k * n * -(-m // rows) + m * n)
        best = min(best, m * k + k * n * -(-m // rows) + m * n * (2 * -(-k // depth) - 1))
    for columns in blocks(n):
        free = (s - columns) // (columns + 1)
        if free >= 1:
            depth = min(k, free)
            best = min(best, k * n + m * k * -(-n // columns) + m * n * (2 * -(-k // depth) - 1))
    return best


def test_agrees_with_exhaustive_search() -> None:
    draw = random.Random(0)
    ratios = []
    for _ in range(600):
        m, k, n = (int(2 ** draw.uniform(0, 11)) for _ in range(3))
        s = int(2 ** draw.uniform(5, 20))
        ratios.append(expected_elements(m, k, n, s) / search(m, k, n, s))
    ratios.sort()
    assert statistics.median(ratios) > 0.99
    assert ratios[-1] <= 1 + 1e-9  # fractions of a tile can only help
    assert ratios[6] > 0.8  # 99 of 100 shapes within a fifth
    assert ratios[0] > 0.65


@settings(deadline=None)
@given(m=size, k=size, n=size, s=room, r=st.floats(1, 49), halo=st.integers(0, 10**5))
def test_bracket(m: int, k: int, n: int, s: float, r: float, halo: int) -> None:
    r = min(r, k)
    compulsory, low = compulsory_elements(m, k, n, r), low_elements(m, k, n, s, r)
    expected = expected_elements(m, k, n, s, r, halo)
    high = expected_elements(m, k, n, min(s, 128), r, halo)
    assert compulsory <= low <= expected * (1 + 1e-12)
    assert expected <= high
    assert high <= 2 * m * n * k + m * n + compulsory  # one element of each operand per step


@settings(deadline=None)
@given(m=size, k=size, n=size, s=room, more=room, r=st.floats(1, 49), halo=st.integers(0, 10**5))
def test_more_room_never_moves_more(
    m: int, k: int, n: int, s: float, more: float, r: float, halo: int
) -> None:
    r = min(r, k)
    assert expected_elements(m, k, n, s + more, r, halo) <= expected_elements(m, k, n, s, r, halo) * (
        1 + 1e-12
    )
    assert low_elements(m, k, n, s + more, r) <= low_elements(m, k, n, s, r)


@settings(deadline=None)
@given(m=size, k=size, n=size, s=room)
def test_symmetric(m: int, k: int, n: int, s: float) -> None:
    """C = A B and its transpose move the same."""
    assert isclose(expected_elements(m, k, n, s), expected_elements(n, k, m, s), rel_tol=1e-9)


@settings(deadline=None)
@given(m=size, k=size, n=size, r=st.floats(1, 49), halo=st.integers(0, 10**5))
def test_all_that_fits_is_compulsory(m: int, k: int, n: int, r: float, halo: int) -> None:
    r = min(r, k)
    compulsory = compulsory_elements(m, k, n, r)
    assert expected_elements(m, k, n, compulsory, r, halo) == compulsory
    assert low_elements(m, k, n, compulsory, r) == compulsory


@settings(deadline=None)
@given(m=size, k=size, n=size)
def test_one_operand_and_a_strip_suffice(m: int, k: int, n: int) -> None:
    """All of one operand, with a row or column of each of the others, moves no more than all of them."""
    compulsory = compulsory_elements(m, k, n)
    for s in (m * n + m + n, m * k + m + k, k * n + k + n):
        assert expected_elements(m, k, n, s) == pytest.approx(compulsory, rel=1e-9)


@pytest.mark.parametrize("s", [0, 0.5, 1, 2, 2.9])
def test_a_buffer_too_small_for_anything_is_one_of_three(s: float) -> None:
    # 1 x 1 tiles: two operands per multiply-accumulate, C written once: 2*6*7*8 + 6*8
    assert expected_elements(6, 7, 8, s) == 2 * 6 * 7 * 8 + 6 * 8
    assert low_elements(6, 7, 8, s) <= expected_elements(6, 7, 8, s)


def test_empty_product_moves_its_operands() -> None:
    assert expected_elements(0, 5, 7, 3) == 35
    assert expected_elements(5, 0, 7, 3) == 35
    assert low_elements(5, 0, 7, 3) == 35
