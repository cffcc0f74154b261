"""Bytes across the levels of a processor: by hand, and the laws of traffic."""

from __future__ import annotations

from dataclasses import replace
from math import inf, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processors import cold, device, gemm, level, looped, matrix, once, pointwise

from hwcost.devices.device import Device, Policy
from hwcost.graph import Attention, Op, Work
from hwcost.kinds.processor import move
from hwcost.kinds.processor.excess import Excess, excesses_of
from hwcost.kinds.processor.places import Place, places_of
from hwcost.memory.products import expected_elements
from hwcost.memory.touches import OpReuse, Sample, Touch
from hwcost.report import Crossing

REGISTERS = level("registers", 96)  # 24 numbers of 32 bit: tiles of 4 x 4, since 4*4 + 4 + 4 = 24
L1 = level("l1", 4352, 100e9, 80e9)  # 1088 numbers of 32 bit: tiles of 32 x 32, since 32*32 + 32 + 32 = 1088
DRAM = level("dram", 1e9, 10e9, 5e9)
TWO_LEVELS = device(REGISTERS, L1, DRAM)


def excess_of(work: Work, on: Device, place: Place) -> Excess:
    (excess,) = excesses_of(work, on, (place,))
    return excess


def crossings(reuse: OpReuse, on: Device) -> list[Crossing]:
    (traffic,) = move((reuse,), on)
    return list(traffic.crossings)


def test_product_that_fits_the_cache() -> None:
    near, far = crossings(cold(gemm(16, 16, 16)), TWO_LEVELS)
    # Past the registers with tiles of 4 x 4 of C: A and B 16/4 = 4 times each, C written once.
    assert near.read_bytes == 4 * (256 * 4 + 256 * 4)
    assert near.write_bytes == 4 * 256
    # 768 numbers fit the cache's 1088: each crosses DRAM once.
    assert (far.read_bytes, far.write_bytes) == (4 * 512, 4 * 256)
    assert far.low_bytes == 4 * 768
    # Without the cache, DRAM would see what the cache sees.
    assert far.high_bytes == near.bytes == near.high_bytes


def test_each_core_blocks_for_its_own_cache() -> None:
    four = replace(level("l1", 4 * 4352, 100e9, 80e9), instances=4)
    _, far = crossings(cold(gemm(64, 64, 64)), device(REGISTERS, four, DRAM))
    # The tiles are those of one instance, 32 x 32; a cache of four times the size would take larger ones.
    assert far.read_bytes == pytest.approx(4 * (4096 * 2 + 4096 * 2))
    _, shared = crossings(cold(gemm(64, 64, 64)), device(REGISTERS, replace(four, instances=1), DRAM))
    assert shared.read_bytes < far.read_bytes


def test_product_that_does_not_fit_the_cache() -> None:
    near, far = crossings(cold(gemm(64, 64, 64)), TWO_LEVELS)
    # Tiles of 32 x 32 of C: A and B 64/32 = 2 times each.
    assert far.read_bytes == pytest.approx(4 * (4096 * 2 + 4096 * 2))
    assert far.write_bytes == 4 * 4096
    # Registers and cache together hold 24 + 1088 = 1112 numbers.
    assert far.low_bytes == pytest.approx(4 * (2 * 64**3 / sqrt(1112) - 2 * 1112))
    # With tiles of 4 x 4: 64/4 = 16 times each.
    assert far.high_bytes == pytest.approx(4 * (4096 * 16 * 2 + 4096))
    assert near.bytes == pytest.approx(far.high_bytes)


def test_partial_sums_are_written_and_read_again() -> None:
    # C 200 x 200 does not fit the 1088; all of k = 4 does: A (800), a column of B (4) and of C (200).
    (_, far) = crossings(cold(gemm(200, 4, 200)), TWO_LEVELS)
    assert far.bytes == pytest.approx(4 * (800 + 800 + 40000))
    # A matrix-vector product, k = 3000: neither A (1 x 3000) nor C (1 x 3000) fits. A tile of A, 1 x 543.5
    # (543.5 + 1 + 543.5 = 1088): C is written 3000/543.5 = 5.52 times and read one time less.
    # With a tile of C instead A would come 5.52 times: that is less. So nothing is put away here,
    (_, far) = crossings(cold(gemm(1, 3000, 3000)), TWO_LEVELS)
    assert far.write_bytes == 4 * 3000
    # but where C is short, and its A is long, it is: see the state and gates of the recurrent step below.


def step_of_lstm(batch: int, hidden: int = 16) -> Work:
    return gemm(batch, hidden, 4 * hidden, op_class="recurrent step")


WEIGHT = 4 * 16 * 64  # bytes of Wh: 16 x 4*16 numbers of 32 bit


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_recurrent_weights_that_miss_cross_in_each_step(batch: int) -> None:
    traffics = move((looped(step_of_lstm(batch), 10, weight_distance=5000.0),), TWO_LEVELS)
    assert [(t.phase, t.calls, t.times, t.axis) for t in traffics] == [
        ("first", 1, 10, "time"),
        ("steady", 8, 10, "time"),
        ("last", 1, 10, "time"),
    ]
    far = [traffic.crossings[1] for traffic in traffics]
    state = 4 * 16 * batch  # new in each step; the gates (4 * 64 * batch) stay in the cache
    # W * T: the weight does not depend on the batch, the state does.
    assert sum(crossing.bytes for crossing in far) == pytest.approx(10 * (WEIGHT + state))
    assert far[1].bytes == pytest.approx(8 * (WEIGHT + state))
    # 5000 bytes are touched per step, 4352 + 96 stay at best: 552/5000 of the weight must come again.
    assert far[1].low_bytes == pytest.approx(8 * (WEIGHT * 552 / 5000 + state))


def test_recurrent_weights_that_hit_cross_once() -> None:
    traffics = move((looped(step_of_lstm(1), 10, weight_distance=4352.0),), TWO_LEVELS)
    near, far = ([traffic.crossings[i].bytes for traffic in traffics] for i in (0, 1))
    assert far == pytest.approx([WEIGHT + 64, 8 * 64, 64])
    # The cache serves the weight, the state and the gates in each step. Past the registers' 24 numbers
    # with a tile of A, 1 x 11.5 (11.5 + 1 + 11.5 = 24): A and B once, C 2*16/11.5 - 1 = 1.78 times,
    # 16 + 1024 + 64*1.78 = 1154 numbers. With a tile of C, 1 x 11.5, A would come 64/11.5 = 5.57 times:
    # 16*5.57 + 1024 + 64 = 1177.
    per_step = 4 * (16 + 1024 + 64 * (2 * 16 / 11.5 - 1))
    assert near == pytest.approx([per_step, 8 * per_step, per_step])


@pytest.mark.parametrize(("policy", "share"), [("lru", 1.0), ("random", 0.797), ("pinned", 0.5)])
def test_policies(policy: Policy, share: float) -> None:
    """Twice the room: all of it misses, 0.797 of it, or the half that is not pinned."""
    reuse = looped(step_of_lstm(1), 10, weight_distance=2 * 4352.0)
    on = device(REGISTERS, replace(L1, policy=policy), DRAM)
    steady = move((reuse,), on)[1].crossings[1]
    assert steady.bytes == pytest.approx(8 * (WEIGHT * share + 64), rel=1e-3)


def test_farther_levels_see_no_more_than_nearer_ones() -> None:
    """A second level smaller than the first one, or worse at keeping, adds no bytes behind itself."""
    small = level("l2", 1000, 50e9, 50e9)
    (_, second, third) = crossings(
        replace(cold(pointwise(100)), touches=(touch(pointwise(100), 3000.0),)), device(L1, small, DRAM)
    )
    assert (second.bytes, third.bytes) == (0, 0)
    # What of 8704 bytes the first keeps in its 4352 by chance, 1 - 0.797, the second need not keep again.
    work = pointwise(100)
    (_, second, third) = crossings(
        replace(cold(work), touches=(touch(work, 8704.0),)),
        device(replace(L1, policy="random"), level("l2", 8000, 50e9, 50e9), DRAM),
    )
    assert second.bytes == third.bytes == pytest.approx(400 * 0.797, rel=1e-3)
    # A product that the first level holds whole does not move again behind the second either.
    (_, second, third) = crossings(cold(gemm(16, 16, 16)), device(REGISTERS, L1, small, DRAM))
    assert second.bytes == third.bytes == 4 * 768


def touch(work: Work, distance: float, *, is_write: bool = False) -> Touch:
    tensor = work.reads[0]
    return Touch(tensor=tensor, is_write=is_write, bytes=float(tensor.bytes), samples=(once(distance),))


def test_level_of_unknown_size_holds_nothing_but_might() -> None:
    unknown = device(replace(L1, size_bytes=None), DRAM)
    reuse = replace(cold(pointwise(100)), touches=(touch(pointwise(100), 50.0),))
    (_, far) = crossings(reuse, unknown)
    assert (far.low_bytes, far.bytes, far.high_bytes) == (0, 400, 400)
    # A product's tile then lies in the registers (128 numbers by default).
    near, far = crossings(cold(gemm(64, 64, 64)), unknown)
    assert far.bytes == near.bytes > 4 * 3 * 4096
    assert far.low_bytes == 4 * 3 * 4096


def test_nearest_level_serves_temporaries_and_farther_ones_do_not() -> None:
    work = pointwise(100)
    reuse = replace(cold(work), touches=(touch(work, 0.0, is_write=True),))
    near, far = crossings(reuse, TWO_LEVELS)
    assert (near.write_bytes, far.write_bytes) == (400, 0)


def test_gpu_keeps_nothing_in_l1_between_kernels() -> None:
    work = pointwise(100)
    reuse = replace(cold(work), touches=(touch(work, 400.0),))
    levels = (L1, level("l2", 1e6, 50e9, 50e9), DRAM)
    assert [crossing.bytes for crossing in crossings(reuse, device(*levels, kind="gpu"))] == [400, 400, 0]
    assert [crossing.bytes for crossing in crossings(reuse, device(*levels, kind="cpu"))] == [400, 0, 0]


def test_gpu_tile_is_that_of_a_thread_block() -> None:
    (near,) = crossings(cold(gemm(1024, 1024, 1024)), device(DRAM, kind="gpu"))
    # 128 x 128 of C stays: A and B 1024/128 = 8 times.
    assert near.bytes == pytest.approx(4 * 2**20 * 17)
    # A profile that lists the registers of all multiprocessors does not make the tile larger.
    (near,) = crossings(cold(gemm(1024, 1024, 1024)), device(level("registers", 27e6), DRAM, kind="gpu"))
    assert near.bytes == pytest.approx(4 * 2**20 * 17)


def test_attention() -> None:
    q, k, out = (matrix(name, rows, 8) for name, rows in (("q", 100), ("k", 300), ("o", 100)))
    v = matrix("v", 300, 8)
    shape = Attention(heads=1, key_heads=1, n=100, m=300, d=8, dv=8)
    work = Work(
        op=Op(name="attention"), op_class="attention", macs=1, reads=(q, k, v), writes=(out,), attention=shape
    )
    (_, far) = crossings(cold(work), TWO_LEVELS)
    # 1088 numbers: Br = 1088/(4*8) = 34 queries at a time, ceil(100/34) = 3 passes of K and V.
    assert far.bytes == 4 * (2 * 100 * 8 + 2 * 300 * 8 * 3)
    assert far.write_bytes == 4 * 800
    assert far.low_bytes == 4 * (2 * 100 * 8 + 2 * 300 * 8)
    # Unfused, past 24 numbers: two products and the scores once more each way.
    scores = expected_elements(100, 8, 300, 24) + expected_elements(100, 300, 8, 24) + 2 * 100 * 300
    assert far.high_bytes == pytest.approx(4 * scores)


def test_batch_of_products() -> None:
    work = gemm(64, 64, 64)
    batch = replace(work, products=(replace(work.products[0], batch=7),))
    for place in places_of(TWO_LEVELS):
        one, seven = (excess_of(each, TWO_LEVELS, place) for each in (work, batch))
        for part in ("read_bytes", "write_bytes", "low_bytes", "high_bytes"):
            assert getattr(seven, part) == pytest.approx(7 * getattr(one, part))
    assert one.high_bytes > one.read_bytes > 0


def test_low_end_of_a_gpu_counts_its_shared_memory() -> None:
    """Registers of 2000 bytes and as much shared memory, L2 of 1000: 5000 of 10,000 must cross again."""
    l2 = level("l2", 1000, 50e9, 50e9)
    reuse = looped(step_of_lstm(1), 10, weight_distance=10_000.0)
    for registers, share in ((level("registers", 2000), 0.5), (None, 0.0)):
        on = device(*([registers] if registers else []), l2, DRAM, kind="gpu")
        far = move((reuse,), on)[1].crossings[1]
        assert far.low_bytes == pytest.approx(8 * (WEIGHT * share + 64))
        assert far.bytes == pytest.approx(8 * (WEIGHT + 64))


def test_mixed_widths_count_the_widest() -> None:
    wide, narrow = gemm(64, 64, 64), gemm(64, 64, 64, dtype="int8")
    product = replace(wide.products[0], b=narrow.products[0].b)
    place = places_of(TWO_LEVELS)[1]
    mixed = excess_of(replace(wide, products=(product,)), TWO_LEVELS, place)
    assert mixed.read_bytes == excess_of(wide, TWO_LEVELS, place).read_bytes
    # low: 4448 numbers of one byte, in which 3 * 4096 would not fit but one operand does: nothing again
    assert mixed.low_bytes == 0


def test_view_moves_nothing() -> None:
    work = Work(op=Op(name="aten.view", is_view=True), op_class="view", kernels=0)
    (traffic,) = move((cold(work),), TWO_LEVELS)
    assert [crossing.bytes for crossing in traffic.crossings] == [0, 0]
    assert [crossing.level for crossing in traffic.crossings] == ["l1", "dram"]


side = st.integers(1, 300)
policies = st.sampled_from(["lru", "random", "pinned"])
sizes = st.floats(16, 1e7)


@st.composite
def devices(draw: st.DrawFn) -> Device:
    levels = [
        level(f"l{i}", draw(st.none() | sizes), 1e9, 1e9, policy=draw(policies))
        for i in range(draw(st.integers(0, 3)))
    ]
    registers = [level("registers", draw(st.floats(16, 4096)))] if draw(st.booleans()) else []
    kind = draw(st.sampled_from(["cpu", "gpu", "accelerator"]))
    return device(*registers, *levels, DRAM, kind=kind)


@st.composite
def samples(draw: st.DrawFn, phase: str, calls: int) -> Sample:
    if draw(st.booleans()):
        return Sample(phase=phase, rounds=calls, start_bytes=inf, end_bytes=inf, retained_bytes=0.0)
    start, end = draw(st.floats(0, 1e6)), draw(st.floats(0, 1e6))
    retained = draw(st.floats(0, 1)) * min(start, end)
    return Sample(phase=phase, rounds=calls, start_bytes=start, end_bytes=end, retained_bytes=retained)


@st.composite
def reuses(draw: st.DrawFn) -> OpReuse:
    work = gemm(draw(side), draw(side), draw(side), dtype=draw(st.sampled_from(["float32", "float16"])))
    if draw(st.booleans()):
        work = replace(work, products=())
    phases = (("first", draw(st.integers(1, 3))), ("steady", draw(st.integers(1, 100))))
    touches = tuple(
        Touch(
            tensor=tensor,
            is_write=is_write,
            bytes=float(tensor.bytes),
            samples=tuple(draw(samples(phase, calls)) for phase, calls in phases),
        )
        for tensors, is_write in ((work.reads, False), (work.writes, True))
        for tensor in tensors
    )
    return OpReuse(work=work, times=102, axis="time", phases=phases, touches=touches)


@settings(deadline=None)
@given(reuse=reuses(), on=devices())
def test_bracket_holds_without_clipping(reuse: OpReuse, on: Device) -> None:
    every = sum(touch.bytes * sample.rounds for touch in reuse.touches for sample in touch.samples)
    never = sum(
        touch.bytes * sample.rounds
        for touch in reuse.touches
        for sample in touch.samples
        if sample.start_bytes == inf
    )
    calls = sum(calls for _, calls in reuse.phases)
    traffics = move((reuse,), on)
    for i, place in enumerate(places_of(on)):
        excess = excess_of(reuse.work, on, place)
        again = excess.read_bytes + excess.write_bytes
        assert 0 <= excess.low_bytes <= again * (1 + 1e-9) + 1e-6
        assert again <= excess.high_bytes * (1 + 1e-9) + 1e-6
        moved = [traffic.crossings[i] for traffic in traffics]
        assert all(c.low_bytes <= c.bytes <= c.high_bytes for c in moved)
        # The clip only mends rounding here: the sums are those of the parts.
        assert sum(c.high_bytes for c in moved) == pytest.approx(every + calls * excess.high_bytes)
        assert sum(c.low_bytes for c in moved) >= (never + calls * excess.low_bytes) * (1 - 1e-9)
        assert sum(c.bytes for c in moved) >= (never + calls * again) * (1 - 1e-9)


@settings(deadline=None)
@given(reuse=reuses(), on=devices(), which=st.integers(0, 2), factor=st.floats(1, 100))
def test_more_room_never_moves_more(reuse: OpReuse, on: Device, which: int, factor: float) -> None:
    def grown(i: int) -> Device:
        old = on.levels[i]
        if old.size_bytes is None:
            return on
        larger = level(old.name, old.size_bytes * factor, 1e9, 1e9, policy=old.policy)
        return replace(on, levels=(*on.levels[:i], larger, *on.levels[i + 1 :]))

    bigger = grown(min(which, len(on.levels) - 1))
    for less, more in zip(move((reuse,), bigger), move((reuse,), on), strict=True):
        for small, large in zip(less.crossings, more.crossings, strict=True):
            assert small.bytes <= large.bytes * (1 + 1e-9)
            assert small.low_bytes <= large.low_bytes * (1 + 1e-9)


@settings(deadline=None)
@given(m=side, k=side, n=side, on=devices(), distance=st.floats(0, 1e6), retained=st.floats(0, 1))
def test_fewer_bits_never_move_more(
    m: int, k: int, n: int, on: Device, distance: float, retained: float
) -> None:
    """Half the bits halve the bytes of each touch and the bytes touched between."""

    def bracket(dtype: str, scale: float) -> list[tuple[float, ...]]:
        work = gemm(m, k, n, dtype=dtype)
        seen = once(distance * scale, retained=retained * distance * scale)
        touches = tuple(replace(touch, samples=(seen,)) for touch in cold(work).touches)
        reuse = replace(cold(work), touches=touches)
        return [(c.low_bytes, c.bytes, c.high_bytes) for c in crossings(reuse, on)]

    for halved, whole in zip(bracket("float16", 0.5), bracket("float32", 1.0), strict=True):
        assert all(less <= more * (1 + 1e-9) for less, more in zip(halved, whole, strict=True))


@settings(deadline=None)
@given(reuse=reuses(), on=devices())
def test_farther_never_sees_more_touches(reuse: OpReuse, on: Device) -> None:
    bare = replace(reuse, work=replace(reuse.work, products=()))
    for traffic in move((bare,), on):
        moved = [crossing.bytes for crossing in traffic.crossings]
        assert moved == sorted(moved, reverse=True)
