"""What arrays do side by side: stages by hand, laws over random chains, tiles that take turns, nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from chips import arrays, chip, linear, number, tensor, with_count, writing
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import hwcost
from hwcost.devices import load_device
from hwcost.devices.arrays import Tiles
from hwcost.devices.device import Device
from hwcost.errors import UsageError
from hwcost.graph import Loop, Op, Tree, Work
from hwcost.kinds.crossbar import move, place, price
from hwcost.kinds.crossbar.nodes import nodes, nodes_for
from hwcost.memory.reuse import reuse


def overlapping(count: int = 16, *, overlap: str = "layers", **parts: Any) -> Device:
    return chip(replace(arrays(count=count, writes=writing()), overlap=overlap, **parts), link=1e15)


def seconds(tree: Tree[Work], device: Device) -> float:
    return sum(cost.expected_s for cost in price(move(reuse(place(tree, device)), device), device))


def chain(*names: str, m: int = 4, k: int = 64) -> tuple[Work, ...]:
    """Products of m vectors with k x k weights, each of which takes what the one before gave."""
    found: list[Work] = []
    for name in names:
        work = linear(name, m, k, k)
        if found:
            a = found[-1].writes[0]
            (product,) = work.products
            op = replace(work.op, inputs=(a, product.b))
            work = replace(work, op=op, reads=(a, product.b), products=(replace(product, a=a),))
        found.append(work)
    return tuple(found)


def test_a_layer_starts_with_the_first_row_of_the_one_before() -> None:
    # 64 x 64 of 8 bit in cells of 4: 2 arrays each, none for copies. T = 4 * 0.8 us + 0.2 us = 3.4 us.
    # The second starts with a quarter of the first, and ends a quarter of its own time after it at least.
    device = overlapping(4)
    assert seconds(chain("a", "b"), with_count(chip(link=1e15), 4)) == pytest.approx(6.8e-6)
    assert seconds(chain("a", "b"), device) == pytest.approx(3.4e-6 + 3.4e-6 / 4)
    assert seconds(chain("a", "b", "c"), overlapping(6)) == pytest.approx(3.4e-6 * (1 + 2 / 4))


def test_one_vector_passes_one_layer_after_the_other() -> None:
    assert seconds(chain("a", "b", m=1), overlapping()) == pytest.approx(2e-6)


def test_layers_that_do_not_wait_for_each_other_run_at_once() -> None:
    tree = (linear("a", 1, 64, 64), linear("b", 1, 64, 64))
    assert seconds(tree, overlapping()) == pytest.approx(1e-6)


def test_the_same_weights_are_used_by_one_at_a_time() -> None:
    (work,) = chain("a", m=1)
    again = replace(work, op=replace(work.op, module="again"))
    assert seconds((work, again), overlapping()) == pytest.approx(2e-6)


def test_what_does_not_fit_is_done_one_after_the_other() -> None:
    one_short = seconds(chain("a", "b"), overlapping(3))
    assert one_short == pytest.approx(seconds(chain("a", "b"), with_count(chip(link=1e15), 3)))


def looped(name: str, step: int, times: int = 10) -> Loop[Work]:
    """Steps of a layer over rows of x, which move on by `step` elements each."""
    work = linear(name, 1, 64, 64)
    (product,) = work.products
    start = 0 if step > 0 else (times - 1) * 64
    rows = tensor("x", times, 64)
    x = replace(rows, shape=(1, 64), offset=start, advance=(step,))
    y = replace(tensor(f"{name}.y", times, 64), shape=(1, 64), offset=start, advance=(step,))
    op = Op(name="torch.rnn_tanh.step", inputs=(x, product.b), outputs=(y,))
    work = replace(work, op=op, op_class="recurrent step", reads=(x, product.b), writes=(y,))
    return Loop(times=times, body=(replace(work, products=(replace(product, a=x, c=y),)),))


@pytest.mark.parametrize(("step", "waits"), [(64, 0.1), (-64, 1.0)])
def test_steps_start_with_the_rows_that_they_read(step: int, waits: float) -> None:
    # Ten products of the rows, then ten steps that take them in their order, or from the last one on.
    first = linear("a", 10, 64, 64)
    (product,) = first.products
    y = tensor("x", 10, 64)
    op = replace(first.op, outputs=(y,))
    tree = (replace(first, op=op, writes=(y,), products=(replace(product, c=y),)), looped("b", step))
    apart = [seconds((one,), overlapping(2, network=None)) for one in tree]  # no room for copies
    both = seconds(tree, overlapping(4, network=None))
    assert both == pytest.approx(max(waits * apart[0] + apart[1], apart[0] + waits * apart[1]), rel=1e-6)


@given(
    widths=st.lists(st.sampled_from([32, 64, 96, 128]), min_size=1, max_size=5),
    vectors=st.integers(1, 9),
    count=st.integers(1, 80),
    more=st.integers(0, 80),
)
@settings(max_examples=60, deadline=None)
def test_laws_of_overlap(widths: list[int], vectors: int, count: int, more: int) -> None:
    tree = tuple(work for width in widths for work in chain(f"{width}.{len(widths)}", m=vectors, k=width))
    apart, joined = seconds(tree, with_count(chip(link=1e15), count)), seconds(tree, overlapping(count))
    longest = max(seconds((work,), overlapping(1000)) for work in tree)
    assert joined <= apart * (1 + 1e-9)
    assert joined >= longest * (1 - 1e-9)
    assert seconds(tree, overlapping(count + more)) <= joined * (1 + 1e-9)


def test_static_energy_goes_with_the_time_that_is_left() -> None:
    device = overlapping(4)
    device = replace(device, static_w=number(2.0))
    still = replace(device, static_w=None)
    tree = chain("a", "b")

    def joules(one: Device) -> float:
        costs = price(move(reuse(place(tree, one)), one), one)
        return sum(cost.energy_j or 0.0 for cost in costs)

    assert joules(device) - joules(still) == pytest.approx(2.0 * seconds(tree, device))


@pytest.mark.parametrize(
    ("k", "turns"),
    [
        (64, 1),  # one block of rows
        (128, 1),  # two, which a tile adds up by itself
        (192, 3),  # three blocks, 2 arrays wide: 6 arrays, 2 per tile, in turn
        (640, 4),  # 20 arrays in 10 tiles, of which 4 take turns
    ],
)
def test_tiles_take_turns_where_sums_pass_them(k: int, turns: int) -> None:
    tiles = Tiles(arrays=number(2), blocks=number(2), in_turn=number(4), turn_s=number(5e-6))
    device = overlapping(100, tiles=tiles)
    assert seconds((linear("a", 1, k, 64),), device) == pytest.approx(turns * 5e-6, rel=1e-2)


def test_an_image_passes_convolutions_by_rows() -> None:
    module = nn.Sequential(*(nn.Conv2d(16, 16, 3, padding=1) for _ in range(4)))
    isaac = load_device("isaac")
    assert isaac.arrays is not None
    few = replace(isaac.arrays, count=number(8))  # no room for copies
    apart, joined = (
        hwcost.analyze((module, torch.empty(1, 16, 32, 32)), device=chip, dtype="int16").totals.expected_s
        for chip in (replace(isaac, arrays=replace(few, overlap="none")), replace(isaac, arrays=few))
    )
    # Each of the four takes the same time; three wait for 3 of 32 rows of the one before.
    assert joined == pytest.approx(apart / 4 * (1 + 3 * 3 / 32), rel=0.02)


def test_layers_of_a_stream_wait_for_its_steps() -> None:
    # The next step is not there before the last has passed all layers.
    shape = {"num_layers": 4, "hidden_size": 128, "input_size": 128}
    isaac = load_device("isaac")
    offline, streamed = (
        hwcost.analyze("lstm", device=isaac, dtype="int16", seq_len=50, order=order, settings=shape)
        for order in ("offline", "streaming")
    )
    assert streamed.totals.expected_s > 3 * offline.totals.expected_s


def test_nodes_bring_all_that_a_node_has() -> None:
    puma = load_device("puma")
    two = nodes(puma, 2)
    assert puma.arrays is not None
    assert two.arrays is not None
    assert two.arrays.count == 2 * puma.arrays.count
    assert two.levels[-1].peak_bytes_per_s == 2 * puma.levels[-1].peak_bytes_per_s  # type: ignore[operator]
    assert two.units[0].peak_flop_per_s["int16"] == 2 * puma.units[0].peak_flop_per_s["int16"]
    # 17,664 arrays of 128 x 16 weights hold 36.2 M.
    assert [nodes_for(puma, weights) for weights in (1, 35_000_000, 36_000_000)] == [1, 1, 2]
    with pytest.raises(UsageError):
        nodes(puma, 0)
