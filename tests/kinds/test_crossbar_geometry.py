"""What arrays hold and how long they take: by hand, as published, and as laws over random geometries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chips import arrays, bit_serial, converter
from hypothesis import given
from hypothesis import strategies as st
from processors import number

from hwcost.devices import load_device
from hwcost.devices.arrays import Arrays, Input
from hwcost.kinds.crossbar.geometry import (
    Format,
    arrays_for,
    capacity_weights,
    cells_per_weight,
    format_of,
    full_bits,
    idle_cell_bits,
    interval_s,
    latency_s,
    lost_bits,
    peak_op_per_s,
    product_j,
    pulses,
    weights_per_row,
    widened,
)


def shipped(name: str) -> Arrays:
    found = load_device(name).arrays
    assert found is not None
    return found


def peak(own: Arrays) -> float:
    return peak_op_per_s(own, Format(weight_bits=int(own.weight_bits), input_bits=int(own.input.bits)))


def test_cells_by_hand() -> None:
    assert cells_per_weight(arrays(), 8) == 2  # ceil(8 / 4)
    assert cells_per_weight(arrays(sign_cells=2), 8) == 4
    assert cells_per_weight(arrays(cell_bits=2), 3) == 2  # ceil(3 / 2)
    assert idle_cell_bits(arrays(cell_bits=2), 3) == 1  # 2 * 2 - 3
    assert weights_per_row(arrays(columns=65), 8) == 32  # floor(65 / 2): one column idle


def test_arrays_by_hand() -> None:
    own = arrays()  # 64 rows, 32 weights of 8 bit per row
    assert arrays_for(own, 64, 32, 8) == 1
    assert arrays_for(own, 65, 33, 8) == 4  # ceil(65 / 64) * ceil(33 / 32)
    assert arrays_for(own, 65, 33, 4) == 2  # 64 weights of 4 bit per row
    assert arrays_for(own, 9, 1, 8, groups=100) == 15  # min(64 // 9, 32 // 1) = 7 on a diagonal
    assert arrays_for(own, 65, 1, 8, groups=3) == 6  # each of them 2
    assert capacity_weights(own) == 16 * 64 * 32


def test_times_by_hand() -> None:
    own = arrays()
    assert pulses(own, 8) == 8
    assert pulses(replace(own, input=bit_serial(pulse_bits=3)), 8) == 3  # ceil(8 / 3)
    assert interval_s(own, 8) == pytest.approx(8 * 100e-9)  # 8 columns * 10 ns = 80 < 100 ns
    slow = replace(own, converter=converter(columns=32))
    assert interval_s(slow, 8) == pytest.approx(8 * 320e-9)  # 32 columns * 10 ns
    assert interval_s(slow, 8, converters=False) == pytest.approx(8 * 100e-9)
    assert latency_s(own, 4) == pytest.approx(4 * 100e-9 + 200e-9)
    width = Input(
        coding="pulse_width",
        bits=number(8),
        pulse_bits=number(8),
        pulse_s=number(1e-9),
        phases=number(4),
        settle_s=number(3e-9),
    )
    assert interval_s(replace(own, input=width), 8) == pytest.approx(4 * 130e-9)  # 4 * (127 + 3) ns
    assert interval_s(replace(own, input=width), 4) == pytest.approx(4 * 80e-9)  # converters: 8 * 10 ns


def test_energy_by_hand() -> None:
    # 8 pulses * (64 rows * 1 pJ + 4096 cells * 1 fJ + 64 columns * 2 pJ) + 64 * 3 pJ
    assert product_j(arrays(), 8) == pytest.approx(8 * (64 + 4.096 + 128) * 1e-12 + 192e-12)


def test_converters_that_are_too_narrow_lose_bits() -> None:
    own = arrays()  # 64 rows * 1 * 15 = 960: 10 bit
    assert full_bits(own) == 10
    assert lost_bits(own) == 2
    assert lost_bits(replace(own, converter=converter(bits=10))) == 0
    isaac = shipped("isaac")  # 128 * 1 * 3 = 384: 9 bit, one of them saved by its encoding
    assert full_bits(isaac) == 9
    assert lost_bits(isaac) == 0
    assert lost_bits(shipped("cim_edge")) == 4  # 256 * 1 * 15 = 3840: 12 bit, 8 are told


def test_formats_are_the_chips_at_most() -> None:
    own = arrays()
    assert format_of(own, "float32", "float16") == Format(weight_bits=8, input_bits=8)
    assert format_of(own, "int4", "int8") == Format(weight_bits=4, input_bits=8)
    assert format_of(own, "int16", "int32") == Format(weight_bits=8, input_bits=8)


@pytest.mark.parametrize(
    ("name", "op_per_s"),
    [
        # Prediction: geometry and circuit timings, not the peak, went into the profile.
        ("isaac", 40.9e12),  # 16,128 arrays * 128 * 16 weights * 2 / (16 * 100 ns) = 41.3e12
        ("ibm_hermes", 16.1e12),  # 64 * 65,536 * 2 / (4 * (127 + 3) ns) = 16.13e12
        # Consistency: their time per product was worked out from this same peak.
        ("puma", 52.31e12),
        ("mythic_m1076", 25e12),
        ("tsmc_22nm_dcim", 3.3e12),
    ],
)
def test_published_peaks(name: str, op_per_s: float) -> None:
    assert peak(shipped(name)) == pytest.approx(op_per_s, rel=0.05)


def test_isaac_takes_1_6_us_for_16_bit() -> None:
    assert interval_s(shipped("isaac"), 16) == pytest.approx(1.6e-6)
    assert latency_s(shipped("isaac"), 16) == pytest.approx(2.2e-6)  # 22 cycles of 100 ns


def test_isaac_draws_its_published_power_per_tile() -> None:
    # 330 mW per tile, of which eDRAM and bus 28; arrays, converters and adders are the rest.
    own = shipped("isaac")
    tile_w = 96 * product_j(own, 16) / interval_s(own, 16)
    assert tile_w == pytest.approx(0.330 - 0.028, rel=0.02)


def test_hermes_in_one_phase_is_predicted_from_four() -> None:
    four = shipped("ibm_hermes")
    one = replace(four, input=replace(four.input, phases=number(1)))
    assert interval_s(one, 8) == pytest.approx(133e-9, rel=0.05)  # 127 + 3 ns
    assert interval_s(four, 8) == pytest.approx(521e-9, rel=0.05)
    assert peak(one) == pytest.approx(63.1e12, rel=0.05)
    # 2 * 65,536 op per product of a core: TOPS per watt is op per joule.
    assert 131072 / product_j(one, 8) == pytest.approx(9.76e12, rel=0.05)
    assert 131072 / product_j(four, 8) == pytest.approx(2.48e12, rel=0.05)  # consistency
    assert 64 * product_j(one, 8) == pytest.approx(0.86e-6, rel=0.05)
    assert 64 * product_j(four, 8) == pytest.approx(3.38e-6, rel=0.05)


def test_jia_at_both_clocks() -> None:
    # 2304 * 256 * 2 / (54 * 25 ns) and / (54 * 10 ns), one bit by one bit.
    slow = shipped("jia2020")
    fast = replace(slow, input=replace(slow.input, pulse_s=number(54 * 10e-9)))
    one_bit = Format(weight_bits=1, input_bits=1)
    assert peak_op_per_s(slow, one_bit) == pytest.approx(0.874e12, rel=0.05)
    assert peak_op_per_s(fast, one_bit) == pytest.approx(2.185e12, rel=0.05)
    # Published: 400 TOPS/W at 0.85 V for array and converters, without the digital path.
    assert slow.energy is not None
    without = replace(slow, energy=replace(slow.energy, shift_j=number(0.0)))
    assert 2 * 2304 * 256 / product_j(without, 1) == pytest.approx(400e12, rel=0.05)


def test_capacities() -> None:
    assert capacity_weights(shipped("mythic_m1076")) == pytest.approx(80e6, rel=0.05)
    assert capacity_weights(shipped("ibm_hermes")) == 64 * 65536
    assert capacity_weights(shipped("isaac")) == 16128 * 128 * 16
    assert 2 * capacity_weights(shipped("puma")) == pytest.approx(69e6, rel=0.05)  # bytes
    assert capacity_weights(shipped("cim_edge")) == 512 * 256 * 128


sizes = st.integers(1, 3000)


@given(k=sizes, n=sizes, groups=st.integers(1, 40), bits=st.integers(1, 8))
def test_arrays_hold_what_they_take(k: int, n: int, groups: int, bits: int) -> None:
    own = arrays()
    taken = arrays_for(own, k, n, bits, groups=groups)
    assert taken * int(own.rows) * weights_per_row(own, bits) >= groups * k * n
    assert taken <= groups * arrays_for(own, k, n, bits)


@given(bits=st.integers(1, 8))
def test_fewer_bits_never_take_longer_or_more(bits: int) -> None:
    own = arrays()
    assert interval_s(own, bits) <= interval_s(own, 8)
    assert product_j(own, bits) <= product_j(own, 8)
    assert capacity_weights(own, bits) >= capacity_weights(own, 8)


def test_a_wider_converter_by_hand() -> None:
    wide = widened(arrays(), 10)  # 4 times 2 pJ, 10 / 8 of 10 ns
    assert product_j(wide, 8) == pytest.approx(8 * (64 + 4.096 + 64 * 8) * 1e-12 + 192e-12)
    assert interval_s(wide, 8) == pytest.approx(8 * 100e-9)  # 8 columns * 12.5 ns = 100 ns
    assert interval_s(widened(arrays(), 12), 8) == pytest.approx(8 * 120e-9)


@given(bits=st.integers(1, 14), more=st.integers(1, 4))
def test_a_wider_converter_is_never_cheaper_or_faster(bits: int, more: int) -> None:
    narrow, wide = widened(arrays(), bits), widened(arrays(), bits + more)
    assert product_j(wide, 8) > product_j(narrow, 8)
    assert interval_s(wide, 8) >= interval_s(narrow, 8)
    assert lost_bits(wide) <= lost_bits(narrow)
