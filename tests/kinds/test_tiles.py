"""The time of products by their shape: by hand, and laws."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processors import number

from hwcost.devices.family import Products
from hwcost.kinds.processor.tiles import SPLITS, Shape, memory_share, product_timing, waves_s

RULES = Products(
    tiles=((128, 128), (64, 64)),
    peak_share=number(0.8),
    tile_loss=number(0.0),
    k_step_s=number(0.0),
    split_s=number(0.0),
    kernel_s=number(0.0),
    memory_share=number(0.5),
    strided_share=number(0.8),
    strided_wide_share=number(0.4),
    narrow_share=number(0.5),
    vector_share=number(0.75),
    result_s=number(0.0),
)
PEAK, CORES = 1e12, 10
size = st.integers(1, 5000)


def shape(m: int, n: int, k: int, batch: int = 1) -> Shape:
    return Shape(batch=batch, m=m, k=k, n=n)


def test_one_wave_by_hand() -> None:
    # 10 tiles of 128 x 128 on 10 cores: each core 2*128*128*100 operations at 0.8 of 1e11 per second.
    found = waves_s(shape(1280, 128, 100), (128, 128), 1, 0.8, 0.0, 0.0, PEAK, CORES)
    assert found == pytest.approx(2 * 128 * 128 * 100 / 0.8e11)


def test_one_tile_more_is_a_second_wave() -> None:
    # 11 tiles: the busiest core has 2, which are resident together and take twice as long.
    one, two = (
        waves_s(shape(128 * tiles, 128, 100), (128, 128), 1, 1.0, 0.0, 0.0, PEAK, CORES) for tiles in (10, 11)
    )
    assert two == pytest.approx(2 * one)


def test_larger_tiles_lose_less() -> None:
    # 1 + 16 * (1/128 + 1/128) = 1.25 and 1 + 16 * (1/64 + 1/64) = 1.5
    times = [
        waves_s(shape(1280, 1280, 64), tile, 1, 1.0, 16.0, 0.0, PEAK, CORES)
        for tile in ((128, 128), (64, 64))
    ]
    assert times[1] / times[0] == pytest.approx(1.5 / 1.25)


def test_a_step_along_k_takes_its_least_time() -> None:
    found = waves_s(shape(32, 32, 1000), (32, 32), 1, 1.0, 0.0, 1e-6, PEAK, CORES)
    assert found == pytest.approx(1000 * 1e-6)  # 2*32*32 / 1e11 is 20 ns


def test_splitting_the_sum_fills_the_cores() -> None:
    whole = product_timing(shape(64, 64, 6400), replace(RULES, tiles=((64, 64),)), PEAK, CORES, 0.0)
    # 10 cores and up to 8 blocks each: 64 parts of 100, 7 on the busiest core.
    by_hand = {split: -(-6400 // split) * -(-split // CORES) * 2 * 64 * 64 / 0.8e11 for split in SPLITS}
    assert whole.compute_s == pytest.approx(min(by_hand.values()))


def test_shares_of_the_bandwidth_by_the_narrower_side() -> None:
    sides = {4: 0.75, 5: 0.25, 16: 0.25, 17: 0.5}  # vector; 0.5 * 0.5; memory
    for side, share in sides.items():
        assert memory_share(shape(1000, side, 10), 0.5, 0.5, 0.75) == share


def test_a_strided_operand_takes_longer() -> None:
    plain = shape(128, 128, 64)
    strided = replace(plain, strided="a", strided_part=0.5)
    times = [product_timing(it, RULES, 1e15, CORES, 1.0).memory_s for it in (plain, strided)]
    assert times == pytest.approx([2.0, 2.0 * (0.5 + 0.5 / 0.4)])


@given(m=size, n=size, k=size, batch=st.integers(1, 4))
def test_never_faster_than_the_peak_or_the_bytes(m: int, n: int, k: int, batch: int) -> None:
    found = product_timing(shape(m, n, k, batch), RULES, PEAK, CORES, 1e-6)
    assert found.compute_s >= 2 * batch * m * n * k / PEAK * (1 - 1e-12)
    assert found.memory_s >= 1e-6


@given(m=size, n=size, k=size, faster=st.floats(1, 100))
def test_more_peak_and_more_bandwidth_never_take_longer(m: int, n: int, k: int, faster: float) -> None:
    slow = product_timing(shape(m, n, k), RULES, PEAK, CORES, 1e-4)
    assert product_timing(shape(m, n, k), RULES, PEAK * faster, CORES, 1e-4).seconds <= slow.seconds
    assert product_timing(shape(m, n, k), RULES, PEAK, CORES, 1e-4 / faster).seconds <= slow.seconds


@given(m=size, n=size, k=st.integers(1, 2000), more=st.integers(1, 3))
def test_a_longer_sum_never_takes_less(m: int, n: int, k: int, more: int) -> None:
    whole = replace(RULES, tiles=((64, 64),))
    one = waves_s(shape(m, n, k), (64, 64), 1, 0.8, 0.0, 0.0, PEAK, CORES)
    assert waves_s(shape(m, n, k * more), (64, 64), 1, 0.8, 0.0, 0.0, PEAK, CORES) >= one
    assert whole.tiles == ((64, 64),)
