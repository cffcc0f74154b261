"""Seconds and joules on a processor: by hand, and the laws of time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processors import cold, device, gemm, level, looped, number, pointwise, unit

from hwcost.devices.device import Device
from hwcost.graph import Op, Product, Work
from hwcost.kinds.processor import move, price
from hwcost.memory.touches import OpReuse
from hwcost.report import Cost

CACHE = level("cache", 1e6)  # counted, not timed: no bandwidth is known
DRAM = level("dram", 1e9, 10e9, 5e9)


def cost_of(reuse: OpReuse, on: Device) -> Cost:
    (cost,) = price(move((reuse,), on), on)
    return cost


def test_gemm_by_hand() -> None:
    on = device(CACHE, DRAM, efficiency={"gemm": 0.8, "default": 0.5}, kernel_s=1e-6)
    work = replace(gemm(64, 64, 64), vector_ops=4096, special_ops=1000)
    cost = cost_of(cold(work), on)
    # 2*64^3 / (100e9 * 0.8) + 4096 / (50e9 * 0.8) + 1000 / 1e9 = 6.5536e-6 + 0.1024e-6 + 1e-6
    assert cost.compute_s == pytest.approx(7.656e-6)
    # 3 * 4096 numbers of 4 byte at 5 GB/s; the cache has no bandwidth and so no time
    assert cost.level_s == {"dram": pytest.approx(9.8304e-6)}
    assert cost.latency_s == pytest.approx(1e-6)
    assert cost.expected_s == pytest.approx(10.8304e-6)
    assert cost.bound == "dram"
    # max((2*64^3 + 4096 + 1000) / 100e9, 49152 / 10e9) = max(5.29e-6, 4.9152e-6)
    assert cost.roofline_s == pytest.approx(529384 / 100e9)
    assert cost.energy_j is None


def test_roofline_takes_the_low_end_of_the_bracket() -> None:
    on = device(level("cache", 1000), DRAM)
    reuse = looped(gemm(1, 16, 64, op_class="recurrent step"), 102, weight_distance=5000.0)
    steady = price(move((reuse,), on), on)[1]
    crossing = steady.traffic.crossings[1]
    # 4096 bytes of weight, of which 1000/5000 may stay, and 64 of state, in 100 steps at 10 GB/s
    assert steady.roofline_s == pytest.approx(100 * (4096 * 0.8 + 64) / 10e9)
    assert steady.expected_s == pytest.approx(crossing.bytes / 5e9) == pytest.approx(100 * 4160 / 5e9)


def test_calls_multiply() -> None:
    on = device(CACHE, DRAM, kernel_s=1e-6, energy={"float32": 1e-12})
    one, ten = cost_of(cold(gemm(8, 8, 8)), on), cost_of(cold(gemm(8, 8, 8), calls=10), on)
    for part in ("compute_s", "latency_s", "expected_s", "roofline_s", "energy_j"):
        assert getattr(ten, part) == pytest.approx(10 * getattr(one, part))
    assert ten.level_s["dram"] == pytest.approx(10 * one.level_s["dram"])


def test_bound_switches() -> None:
    on = device(CACHE, DRAM, kernel_s=1e-6)
    # 128^3: 42 us of arithmetic, 39 us of DRAM; 96^3: 17.7 and 22.1; 8^3: 1 us of latency is most.
    assert cost_of(cold(gemm(128, 128, 128)), on).bound == "compute"
    assert cost_of(cold(gemm(96, 96, 96)), on).bound == "dram"
    assert cost_of(cold(gemm(8, 8, 8)), on).bound == "latency"


def test_recurrent_step_by_hand() -> None:
    """Steps of an LSTM whose weight misses: DRAM; in the cache: latency; a large batch: compute."""
    on = device(level("cache", 1e6, 100e9, 50e9), DRAM, kernel_s=1e-6, step_s=20e-6)

    def steady(batch: int, hidden: int, distance: float) -> Cost:
        step = gemm(batch, hidden, 4 * hidden, op_class="recurrent step")
        return price(move((looped(step, 102, weight_distance=distance),), on), on)[1]

    missing = steady(1, 512, 5e6)
    # 100 steps * (4*512*512 + 512 of state) * 4 byte / 5 GB/s
    assert missing.level_s["dram"] == pytest.approx(100 * (4 * 512 * 512 + 512) * 4 / 5e9)
    assert missing.latency_s == pytest.approx(100 * 20e-6)
    assert missing.bound == "dram"
    assert steady(1, 128, 3e5).bound == "latency"  # 65,536 weights in the cache: 5 us at 50 GB/s
    assert steady(64, 512, 5e6).bound == "compute"  # 2*64*2^20 / 100e9 = 1.3 ms; DRAM 0.87 ms
    assert steady(64, 512, 5e6).compute_s == pytest.approx(64 * missing.compute_s)


def test_kernels_and_views() -> None:
    on = device(CACHE, DRAM, kernel_s=3e-6, energy={"float32": 1e-12})
    assert cost_of(cold(replace(gemm(8, 8, 8), kernels=0)), on).latency_s == 0
    assert cost_of(cold(replace(gemm(8, 8, 8), kernels=2), calls=5), on).latency_s == pytest.approx(30e-6)
    view = cost_of(cold(Work(op=Op(name="aten.view"), op_class="view", kernels=0)), on)
    assert view.bound == "free"
    assert (view.compute_s, view.latency_s, view.expected_s, view.roofline_s, view.energy_j) == (0,) * 5


def test_special_functions_by_default() -> None:
    work = pointwise(8, special_ops=32_000)
    # 50e9 vector operations/s: on a CPU 1/32 of that, on a GPU 1/8.
    for kind, share in (("cpu", 1 / 32), ("gpu", 1 / 8)):
        on = device(CACHE, DRAM, kind=kind, units=(unit("vector", {"float32": 100e9}),))
        assert cost_of(cold(work), on).compute_s == pytest.approx(32_000 / (50e9 * share))


def test_units_share_the_work() -> None:
    """Products on the matrix unit in their own dtype, the rest on the vector unit, one after the other."""
    units = (unit("matrix", {"float16": 1e12}), unit("vector", {"float32": 100e9}, special=1e9))
    on = device(CACHE, DRAM, units=units)
    work = replace(gemm(64, 64, 64, dtype="float16"), vector_ops=1000)
    # 2*64^3 / 1e12 + 1000 / 50e9: no vector unit for float16, so float32
    assert cost_of(cold(work), on).compute_s == pytest.approx(524288 / 1e12 + 1000 / 50e9)


def test_weights_narrower_than_activations_compute_in_the_activations_dtype() -> None:
    on = device(CACHE, DRAM, units=(unit("vector", {"float32": 100e9, "int8": 400e9}),))
    wide, narrow = gemm(64, 64, 64), gemm(64, 64, 64, dtype="int8")
    product: Product = replace(wide.products[0], b=narrow.products[0].b)
    mixed = replace(wide, products=(product,))
    assert cost_of(cold(mixed), on).compute_s == pytest.approx(524288 / 100e9)
    assert cost_of(cold(narrow), on).compute_s == pytest.approx(524288 / 400e9)


def test_masks_and_indices_do_not_set_the_dtype() -> None:
    on = device(CACHE, DRAM, units=(unit("vector", {"float32": 100e9, "int8": 400e9}),))
    work = pointwise(100, vector_ops=100)
    mask = pointwise(100, dtype="bool").reads[0]
    where = replace(work, reads=(mask, *work.reads))
    assert cost_of(cold(where), on).compute_s == pytest.approx(100 / 50e9)


def test_energy_adds_up() -> None:
    near = level("l1", 1e6, 100e9, 50e9, energy=2e-12)
    on = device(
        near, replace(DRAM, energy_j_per_byte=number(100e-12)), energy={"float32": 5e-12}, static_w=2.0
    )
    work = replace(gemm(16, 16, 16), vector_ops=256, special_ops=100)
    cost = cost_of(cold(work), on)
    l1, dram = (crossing.bytes for crossing in cost.traffic.crossings)
    assert dram == 3072
    # (2*4096 + 256 + 100) * 5 pJ + what crosses L1 * 2 pJ + 3072 * 100 pJ + 2 W * time
    hand = 8548 * 5e-12 + l1 * 2e-12 + 3072 * 100e-12 + 2.0 * cost.expected_s
    assert cost.energy_j == pytest.approx(hand)
    # A dtype without a figure of its own takes its stand-in's; float64 takes two lanes of float32.
    bare = replace(on, static_w=None, levels=(CACHE, level("dram", 1e9, 1e10, 1e10)))
    assert cost_of(cold(gemm(16, 16, 16, dtype="float16")), bare).energy_j == pytest.approx(8192 * 5e-12)
    assert cost_of(cold(gemm(16, 16, 16, dtype="float64")), bare).energy_j == pytest.approx(8192 * 1e-11)


def test_energy_needs_a_figure() -> None:
    assert cost_of(cold(gemm(8, 8, 8)), device(CACHE, DRAM, static_w=5.0)).energy_j is None
    only_bytes = device(CACHE, replace(DRAM, energy_j_per_byte=number(1e-10)))
    assert cost_of(cold(gemm(8, 8, 8)), only_bytes).energy_j == pytest.approx(3 * 64 * 4 * 1e-10)


side = st.integers(1, 200)
dtypes = st.sampled_from(["float64", "float32", "bfloat16", "float16", "float8_e5m2", "int8", "int4", "bool"])
rate = st.floats(1e6, 1e15)


@st.composite
def works(draw: st.DrawFn) -> Work:
    work = gemm(
        draw(side),
        draw(side),
        draw(side),
        dtype=draw(dtypes),
        op_class=draw(st.sampled_from(["gemm", "recurrent step", "unknown"])),
        kernels=draw(st.integers(0, 3)),
    )
    vector_ops, special_ops = draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6))
    return replace(work, vector_ops=vector_ops, special_ops=special_ops)


@st.composite
def devices(draw: st.DrawFn) -> Device:
    levels = []
    for i in range(draw(st.integers(1, 4))):
        peak = draw(st.none() | rate)
        achieved = peak and peak * draw(st.floats(0.01, 1))
        joules = draw(st.none() | st.floats(0, 1e-9))
        size = draw(st.none() | st.floats(1, 1e9))
        levels.append(level(f"l{i}", size, peak, achieved, energy=joules))
    names = draw(
        st.lists(st.sampled_from(["matrix", "vector", "scalar"]), min_size=1, max_size=3, unique=True)
    )
    units = [
        unit(name, draw(st.dictionaries(dtypes, rate, min_size=1)), draw(st.none() | rate)) for name in names
    ]
    return device(
        *levels,
        kind=draw(st.sampled_from(["cpu", "gpu", "accelerator"])),
        units=units,
        efficiency={"gemm": draw(st.floats(0.01, 1)), "default": draw(st.floats(0.01, 1))},
        kernel_s=draw(st.floats(0, 1e-3)),
        step_s=draw(st.floats(0, 1e-3)),
        energy=draw(st.dictionaries(dtypes, st.floats(0, 1e-9))),
        static_w=draw(st.none() | st.floats(0, 1000)),
    )


@settings(deadline=None)
@given(work=works(), on=devices(), calls=st.integers(1, 1000))
def test_parts_add_up_and_no_time_is_below_the_roofline(work: Work, on: Device, calls: int) -> None:
    cost = cost_of(cold(work, calls=calls), on)
    slowest = max(cost.compute_s, *cost.level_s.values(), 0.0)
    assert cost.expected_s == pytest.approx(slowest + cost.latency_s)
    assert 0 <= cost.roofline_s <= cost.expected_s * (1 + 1e-12)
    parts = {"compute": cost.compute_s, "latency": cost.latency_s, **cost.level_s}
    assert cost.bound == "free" or parts[cost.bound] == max(parts.values())
    assert (cost.bound == "free") == (max(parts.values()) == 0)
    for level_ in on.levels:
        if level_.peak_bytes_per_s is not None:
            (crossing,) = (c for c in cost.traffic.crossings if c.level == level_.name)
            assert cost.roofline_s >= crossing.low_bytes / level_.peak_bytes_per_s


@settings(deadline=None)
@given(work=works(), on=devices(), which=st.integers(0, 3), factor=st.floats(1, 100))
def test_a_faster_level_is_never_slower(work: Work, on: Device, which: int, factor: float) -> None:
    i = min(which, len(on.levels) - 1)
    old = on.levels[i]
    if old.peak_bytes_per_s is None or old.achieved_bytes_per_s is None:
        return
    faster = replace(
        old,
        peak_bytes_per_s=number(old.peak_bytes_per_s * factor),
        achieved_bytes_per_s=number(old.achieved_bytes_per_s * factor),
    )
    levels = (*on.levels[:i], faster, *on.levels[i + 1 :])
    before, after = cost_of(cold(work), on), cost_of(cold(work), replace(on, levels=levels))
    assert after.expected_s <= before.expected_s
    assert after.roofline_s <= before.roofline_s


@settings(deadline=None)
@given(work=works(), on=devices(), factor=st.floats(1, 100))
def test_a_faster_unit_is_never_slower(work: Work, on: Device, factor: float) -> None:
    units = tuple(
        unit(
            old.name,
            {dtype: peak * factor for dtype, peak in old.peak_flop_per_s.items()},
            old.special_per_s and old.special_per_s * factor,
        )
        for old in on.units
    )
    before, after = cost_of(cold(work), on), cost_of(cold(work), replace(on, units=units))
    assert after.compute_s <= before.compute_s * (1 + 1e-12)
    assert after.compute_s == pytest.approx(before.compute_s / factor)


def test_real_operations_on_complex_numbers() -> None:
    on = device(DRAM, efficiency={"default": 1.0}, kernel_s=0.0)
    work = pointwise(1000, dtype="complex64", vector_ops=50_000)
    counted_real = replace(work, counts_real=True)
    # 50,000 operations at 50 GOP/s; counted in complex numbers, each is four real ones
    assert cost_of(cold(counted_real), on).compute_s == pytest.approx(1e-6)
    assert cost_of(cold(work), on).compute_s == pytest.approx(4e-6)
