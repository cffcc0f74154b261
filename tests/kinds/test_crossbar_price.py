"""Seconds and joules on a chip of arrays: by hand, part by part, and as laws over random chips and layers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chips import arrays, bit_serial, chip, converter, linear, tensor, with_count, writing
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.devices.device import Device
from hwcost.graph import Loop, Op, Product, Tree, Work
from hwcost.kinds.crossbar import changing_share, findings, machine, move, place, price, resident
from hwcost.kinds.crossbar.placed import PlacedWork
from hwcost.kinds.crossbar.price import array_part
from hwcost.kinds.crossbar.wear import cells_written, lifetime_s
from hwcost.memory.reuse import reuse
from hwcost.report import Cost


def costs(tree: Tree[Work], device: Device) -> tuple[Cost, ...]:
    return price(move(reuse(place(tree, device)), device), device)


def seconds(tree: Tree[Work], device: Device) -> float:
    return sum(cost.expected_s for cost in costs(tree, device))


def step(name: str, hidden: int, batch: int = 1) -> Work:
    """A step of a recurrent layer whose state is not larger than its product asks for."""
    work = linear(name, batch, hidden, 4 * hidden)
    return replace(work, op_class="recurrent step")


def test_a_layer_by_hand() -> None:
    # 4 x 64 times 64 x 32: one array of 16; of 15 spare, 3 more copies: one vector each.
    (cost,) = costs((linear("a", 4, 64, 32),), chip())
    assert cost.compute_s == pytest.approx(8 * 100e-9 + 200e-9)
    network = cost.traffic.crossings[1]
    assert (network.level, network.bytes) == ("network", 4 * (64 + 2 * 32))
    assert cost.level_s["network"] == pytest.approx(512 / 1e10)
    dram = cost.traffic.crossings[-1]
    assert (dram.level, dram.bytes) == ("dram", 4 * 64)  # its input; its result is never used
    assert cost.expected_s == pytest.approx(1e-6)


def test_without_copies_vectors_pass_one_after_the_other() -> None:
    (cost,) = costs((linear("a", 4, 64, 32),), with_count(chip(), 1))
    assert cost.compute_s == pytest.approx(4 * 8 * 100e-9 + 200e-9)


def test_parts_of_energy_add_up() -> None:
    device = chip(static_w=0.5)
    (cost,) = costs((linear("a", 4, 65, 33),), device)
    part = array_part(cost.traffic, device)
    # 4 vectors * 4 arrays * (8 * 196.096 + 192) pJ, as in the test of one product.
    assert part.arrays_j == pytest.approx(16 * (8 * 196.096 + 192) * 1e-12)
    assert part.network_j == pytest.approx(4 * (65 + 2 * 33 * 2) * 1e-12)
    assert part.writes_j == 0
    sums_j = 4 * 33 * 1e-12  # one addition for each result of the second tile of rows
    levels = {crossing.level: crossing.bytes for crossing in cost.traffic.crossings}
    levels_j = levels["sram"] * 1e-12 + levels["dram"] * 1e-10
    static_j = 0.5 * cost.expected_s
    whole = part.arrays_j + part.network_j + sums_j + levels_j + static_j
    assert cost.energy_j == pytest.approx(whole)


def test_what_fits_moves_no_weight() -> None:
    tree = (linear("a", 1, 640, 32), linear("b", 1, 64, 64))
    for cost in costs(tree, chip()):
        writes = cost.traffic.crossings[0]
        assert (writes.level, writes.bytes) == ("writes", 0)
        (x,) = cost.traffic.work.reads
        assert cost.traffic.crossings[-1].read_bytes <= x.bytes
    assert resident(costs(tree, chip()), chip()) == 1.0


def test_what_does_not_fit_is_written_again_by_hand() -> None:
    # 24 arrays in three weights, 16 on the chip: a third of 16 kB each comes over the link and is written:
    # 64 rows * 1 us, 4 arrays at once, two turns for the 8 of a weight.
    tree = tuple(linear(name, 200, 64, 256) for name in "abc")
    device = chip(arrays(writes=writing()), link=1e9)
    for cost in costs(tree, device):
        writes = cost.traffic.crossings[0]
        assert writes.bytes == pytest.approx(64 * 256 / 3)
        assert cost.level_s["writes"] == pytest.approx(2 * 64e-6 / 3)
        assert cost.traffic.crossings[-1].read_bytes >= 64 * 256 / 3
        assert cost.traffic.crossings[-1].low_bytes < 64 * 256 / 3 + 200 * 64 + 1
    assert resident(costs(tree, device), device) == pytest.approx(16 / 24)


def test_a_step_waits_for_one_part_after_the_other() -> None:
    (first, *_) = costs((Loop(times=10, body=(step("a", 64),)),), chip())
    network_s = (64 + 256 * 2) / 1e10
    assert first.expected_s == pytest.approx(first.compute_s + network_s)
    assert first.compute_s == pytest.approx(1e-6)


def test_copies_do_not_help_a_step() -> None:
    tree = (Loop(times=10, body=(step("a", 64),)),)
    few, many = (seconds(tree, with_count(chip(), count)) for count in (8, 800))
    assert few == pytest.approx(many)


def test_a_matrix_wider_than_the_chip_is_passed_in_turns() -> None:
    device = chip(arrays(count=2, writes=writing(1e-9, at_once=2)), link=1e12)
    (cost,) = costs((linear("a", 100, 64, 32 * 8),), device)
    part = array_part(cost.traffic, device)
    assert part.arrays_s == pytest.approx(4 * (100 * 800e-9 + 200e-9))  # 8 arrays on 2
    assert part.writes_s == pytest.approx(0.75 * 4 * 64e-9)  # three quarters, in 4 turns of 64 rows


def test_wear_by_hand() -> None:
    # Each pass writes a third of three weights: 16,384 weights of 2 cells.
    tree = tuple(linear(name, 200, 64, 256) for name in "abc")
    device = chip()
    found, own = costs(tree, device), device.arrays
    assert own is not None
    assert cells_written(found, own) == pytest.approx(64 * 256 * 2)
    last = lifetime_s(found, own)
    # 1e6 writes of 16 * 4096 cells, 32,768 of them per pass: 2e6 passes.
    assert last == pytest.approx(2e6 * sum(cost.expected_s for cost in found))
    assert any("Cells bear 1 M writes" in sentence for sentence in findings(found, device))
    assert lifetime_s(found, replace(own, writing=writing(endurance=None))) is None


def test_findings_of_what_fits() -> None:
    tree = (linear("a", 1, 64, 32),)
    (sentence,) = findings(costs(tree, chip()), chip())
    assert sentence.startswith("Weights take 1 of 16 arrays, 100% of whose cells they fill: none moves")


def test_the_share_of_operands_that_change() -> None:
    device = chip(static_w=0.5)
    found = costs((linear("a", 4, 64, 32), linear("b", 4, 64, 32, weight=False)), device)
    kept, changing = found
    share = changing_share(found, device)
    assert share.time_share == pytest.approx(changing.expected_s / (kept.expected_s + changing.expected_s))
    assert kept.energy_j is not None
    assert changing.energy_j is not None
    assert share.energy_share == pytest.approx(changing.energy_j / (kept.energy_j + changing.energy_j))
    assert share.is_any
    (sentence,) = [one for one in findings(found, device) if one.startswith("Operands that change")]
    assert f"take {share.time_share:.0%} of the time and {share.energy_share:.0%} of the energy" in sentence


def test_without_operands_that_change_their_share_is_nothing() -> None:
    share = changing_share(costs((linear("a", 4, 64, 32),), chip()), chip())
    assert (share.time_share, share.energy_share, share.is_any) == (0.0, 0.0, False)
    assert changing_share((), chip()).energy_share is None


def test_the_roofs_of_a_chip() -> None:
    device = chip(arrays(reads=converter(columns=32), writes=writing()))
    facts = machine(device, "int8")
    roofs = {roof.unit: roof.peak_flop_per_s for roof in facts.roofs}
    # 2 * 16 * 64 * 32 weights / 8 pulses of 320 ns, or of 100 ns
    assert roofs["arrays"] == pytest.approx(2 * 32768 / 2.56e-6)
    assert roofs["arrays without ADC"] == pytest.approx(2 * 32768 / 0.8e-6)
    assert facts.roof.unit == "arrays"
    slopes = {slope.level: slope.peak_bytes_per_s for slope in facts.slopes}
    assert slopes["writes"] == pytest.approx(4 * 32 / 1e-6)  # 4 arrays at once, rows of 32 B, 1 us
    assert slopes["network"] == 1e10
    assert list(slopes)[-1] == "dram"
    assert any("quantised" in text for text in machine(device, "float32").stand_ins)
    assert any("not modelled" in text for text in facts.stand_ins)


def test_idle_bits_are_told() -> None:
    device = chip(arrays(cell_bits=2, weight_bits=3))
    assert any(
        "1 bit of each weight's cells is idle" in text for text in machine(device, "float32").stand_ins
    )


def test_the_digital_unit_alone_works_as_a_processor() -> None:
    add = Work(
        op=Op(name="aten.add"),
        op_class="pointwise",
        vector_ops=1000,
        reads=(tensor("x", 1000),),
        writes=(tensor("y", 1000),),
    )
    (cost,) = costs((add,), chip())
    assert cost.compute_s == pytest.approx(2 * 1000 / 10e9)


size = st.integers(1, 400)
layer = st.tuples(st.integers(1, 40), size, size)


def program(layers: list[tuple[int, int, int]], times: int) -> Tree[Work]:
    works = tuple(linear(f"l{i}", *sizes) for i, sizes in enumerate(layers))
    return (
        *works,
        Loop(times=times, body=tuple(step(f"s{i}", sizes[1]) for i, sizes in enumerate(layers[:2]))),
    )


@given(
    layers=st.lists(layer, min_size=1, max_size=4),
    times=st.integers(1, 20),
    count=st.integers(1, 200),
    more=st.integers(1, 200),
    columns=st.sampled_from([1, 8, 64]),
    row_s=st.floats(1e-9, 1e-4),
    link=st.floats(1e7, 1e11),
)
@settings(deadline=None, max_examples=60)
def test_more_arrays_are_never_slower(
    layers: list[tuple[int, int, int]],
    times: int,
    count: int,
    more: int,
    columns: int,
    row_s: float,
    link: float,
) -> None:
    own = arrays(reads=converter(columns=columns), writes=writing(row_s, at_once=1))
    device = chip(own, link=link)
    tree = program(layers, times)
    small, large = (seconds(tree, with_count(device, n)) for n in (count, count + more))
    assert large <= small * (1 + 1e-9)


@given(layers=st.lists(layer, min_size=1, max_size=4), count=st.integers(1, 200), bits=st.integers(1, 8))
@settings(deadline=None, max_examples=60)
def test_bounds_hold_on_any_chip(layers: list[tuple[int, int, int]], count: int, bits: int) -> None:
    own = arrays(count=count, takes=bit_serial(bits), writes=writing(at_once=1))
    for cost in costs(program(layers, 5), chip(own)):
        parts = [cost.compute_s, cost.latency_s, *cost.level_s.values()]
        assert max(parts) <= cost.expected_s * (1 + 1e-9)
        assert cost.expected_s <= sum(parts) * (1 + 1e-9)
        assert cost.roofline_s <= cost.expected_s * (1 + 1e-9)
        assert cost.energy_j is not None
        assert cost.energy_j > 0
        for crossing in cost.traffic.crossings:
            assert (
                crossing.low_bytes <= crossing.bytes * (1 + 1e-9) <= crossing.high_bytes * (1 + 2e-9) + 1e-9
            )


@given(layers=st.lists(layer, min_size=1, max_size=3), batch=st.integers(2, 8))
@settings(deadline=None, max_examples=40)
def test_more_vectors_move_no_more_weights(layers: list[tuple[int, int, int]], batch: int) -> None:
    def writes(factor: int) -> float:
        tree = tuple(linear(f"l{i}", m * factor, k, n) for i, (m, k, n) in enumerate(layers))
        # Cells that are written at once, so that writing is always what is sooner.
        own = arrays(count=8, writes=writing(1e-12, at_once=8))
        return sum(cost.traffic.crossings[0].bytes for cost in costs(tree, chip(own, link=1e12)))

    assert writes(batch) == pytest.approx(writes(1))


def test_a_loop_costs_what_its_unrolled_form_costs() -> None:
    work = linear("a", 1, 64, 32)
    rolled = seconds((Loop(times=5, body=(work,)),), chip())
    unrolled = seconds((work,) * 5, chip())
    assert rolled == pytest.approx(unrolled)


def test_grouped_products_share_an_array() -> None:
    weight = tensor("w", 100 * 9, 1, weight=True)
    x, y = tensor("x", 100, 9), tensor("y", 100, 1)
    depthwise = Work(
        op=Op(name="aten.convolution", inputs=(x, weight)),
        op_class="depthwise",
        macs=900,
        reads=(x, weight),
        writes=(y,),
        products=(Product(batch=100, m=1, k=9, n=1, a=x, b=weight, c=y),),
    )
    (cost,) = costs((depthwise,), chip())
    work = cost.traffic.work
    assert isinstance(work, PlacedWork)
    assert work.arrays_taken == 15
