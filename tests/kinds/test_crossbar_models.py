"""Laws that ready-made models keep on chips of arrays, however many of these there are."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

import hwcost
from hwcost.devices import Device, load_device
from hwcost.devices.device import Number
from hwcost.graph import Trace
from hwcost.kinds.crossbar.placed import PlacedWork
from hwcost.load import load_trace
from hwcost.orders.order import parse_order
from hwcost.report import Report

MODELS = ("lstm", "gru", "bilstm", "tcn", "transformer_encoder", "resnet18", "seq2seq_attention")
COUNTS = (1, 3, 17, 64, 130, 256, 511, 512, 577, 1024, 5000, 100_000)

every_model = pytest.mark.parametrize("name", MODELS)


@cache
def traced(name: str, order: str = "offline") -> Trace:
    steps = None if name == "resnet18" else 40
    return load_trace(name, seq_len=steps, use_cache=False, order=parse_order(order))


def with_arrays(device: Device, count: int) -> Device:
    own = device.arrays
    assert own is not None
    assert own.writing is not None
    number = Number(count, path="", unit="", text=str(count), evidence="derived", source="a test")
    at_once = min(own.writing.at_once, number, key=float)
    return replace(device, arrays=replace(own, count=number, writing=replace(own.writing, at_once=at_once)))


def report(name: str, count: int, order: str = "offline", chip: str = "cim_edge") -> Report:
    device = with_arrays(load_device(chip), count)
    return hwcost.analyze(traced(name, order), device=device, dtype="int8", order=order)


@pytest.mark.parametrize(
    ("name", "order"),
    [*((name, "offline") for name in MODELS), *((name, "streaming") for name in ("lstm", "gru", "tcn"))],
)
def test_more_arrays_are_never_slower(name: str, order: str) -> None:
    seconds = [report(name, count, order).totals.expected_s for count in COUNTS]
    assert all(more <= fewer * (1 + 1e-9) for fewer, more in pairwise(seconds))
    assert seconds[-1] < seconds[0]


@every_model
def test_what_fits_moves_no_weight(name: str) -> None:
    result = report(name, 100_000)
    assert result.resident == 1.0
    for cost in result.costs:
        work = cost.traffic.work
        assert isinstance(work, PlacedWork)
        assert cost.traffic.crossings[0].level == "writes"
        assert not any(held.loads for held in work.held)
        assert all(tensor.role != "weight" for tensor in work.reads if work.op_class != "gather")


@every_model
def test_every_weight_of_a_product_is_somewhere(name: str) -> None:
    """What is not in arrays is read, and a chip that is too small says how much it lacks."""
    small, large = report(name, 3), report(name, 100_000)
    held = {
        one.matrix.tensor.storage.id: one.matrix.weights
        for cost in large.costs
        if isinstance(work := cost.traffic.work, PlacedWork)
        for one in work.held
    }
    others = large.trace.parameters - sum(held.values())
    assert 0 <= others < 0.05 * large.trace.parameters or name == "seq2seq_attention"
    assert small.resident is not None
    assert small.resident < 0.1
    assert any("do not fit" in sentence for sentence in small.lints)
    assert small.totals.bytes > large.totals.bytes


@every_model
def test_sums_by_layer_and_level_add_up(name: str) -> None:
    data = report(name, 100).to_dict()
    totals, layers, levels = data["totals"], data["layers"], data["levels"]
    assert [level["name"] for level in levels] == ["writes", "network", "sram", "dram"]
    assert sum(layer["expected_s"] for layer in layers) == pytest.approx(totals["expected_s"])
    assert levels[-1]["read_bytes"] + levels[-1]["write_bytes"] == pytest.approx(totals["bytes"], abs=2)


def test_arithmetic_does_not_change_on_the_way() -> None:
    for name in MODELS:
        on_chip = report(name, 512).totals
        elsewhere = hwcost.analyze(traced(name), device="echo_arm", dtype="int8", fusion="fused").totals
        assert (on_chip.macs, on_chip.flops) == (elsewhere.macs, elsewhere.flops)


def test_attention_takes_more_of_the_time_over_longer_sequences() -> None:
    def share(steps: int) -> float:
        found = hwcost.analyze("transformer_encoder", device="cim_edge", seq_len=steps, dtype="int8")
        attention = [cost for cost in found.costs if cost.traffic.work.op_class == "attention"]
        return sum(cost.expected_s for cost in attention) / found.totals.expected_s

    shares = [share(steps) for steps in (64, 256, 1024)]
    assert shares == sorted(shares)
    assert shares[-1] > 0.5


def test_cells_that_are_set_once_leave_attention_to_the_digital_unit() -> None:
    found = hwcost.analyze("transformer_encoder", device="mythic_m1076", seq_len=64)
    assert any("multiplied on the digital unit" in sentence for sentence in found.lints)
    assert not any("Cells bear" in sentence for sentence in found.lints)
