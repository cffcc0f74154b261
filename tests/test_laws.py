"""Laws that every ready-made model keeps on every device."""

import math
from functools import cache

import pytest

import hwcost
from hwcost.devices import device_names
from hwcost.graph import Storage, Trace
from hwcost.load import load_trace
from hwcost.models.registry import card, model_names
from hwcost.report import Report

SMALL = {
    "awd_lstm": {"vocab_size": 1000, "hidden_size": 192, "embedding_size": 96},
    "bilstm": {"hidden_size": 96},
    "captioning": {"vocab_size": 1000, "hidden_size": 192, "embedding_size": 96},
    "convs2s": {"vocabulary": 1000, "num_layers": 2, "middle_layers": 1, "last_layers": 1},
    "deepspeech2": {"hidden_size": 192},
    "gnmt": {"vocab_size": 1000, "hidden_size": 192, "num_layers": 3},
    "gpt1": {"vocabulary": 1000, "context": 60, "num_layers": 2},
    "gru": {"hidden_size": 192},
    "hierarchical_attention": {"window": 8, "d_model": 128, "d_ff": 256},
    "lstm": {"hidden_size": 192, "input_size": 96},
    "mamba": {"vocabulary": 1000, "num_layers": 2, "d_model": 192},
    "memory_gate": {"num_layers": 2},
    "pervasive_attention": {"num_layers": 4},
    "resnet152": {"image_size": 96},
    "rnn": {"hidden_size": 256},
    "seq2seq_attention": {"vocab_size": 1000, "hidden_size": 192, "embedding_size": 96},
    "transformer_encoder": {"num_layers": 2},
    "transformer": {"vocabulary": 1000, "num_layers": 2},
    "wavenet": {"stacks": 1},
}
"""Settings that keep a model quick; one that is not here runs as it is."""


@cache
def traced(name: str, batch: int = 1, seq_len: int = 60) -> Trace:
    steps = seq_len if "seq_len" in card(name).settings else None
    return load_trace(name, seq_len=steps, batch=batch, settings=SMALL.get(name, {}), use_cache=False)


@cache
def report(
    name: str, device: str, batch: int = 1, dtype: str | None = None, fusion: str | None = None
) -> Report:
    return hwcost.analyze(traced(name, batch), device=device, dtype=dtype, fusion=fusion)


every_model = pytest.mark.parametrize("name", model_names())
every_device = pytest.mark.parametrize("device", device_names())


@every_model
@every_device
def test_bounds_hold(name: str, device: str) -> None:
    result = report(name, device)
    slack = 1 + 1e-9
    assert result.costs
    for cost in result.costs:
        for crossing in cost.traffic.crossings:
            assert 0 <= crossing.low_bytes <= crossing.bytes * slack + 1
            assert crossing.bytes <= crossing.high_bytes * slack + 1
        parts = [cost.compute_s, cost.latency_s, *cost.level_s.values()]
        assert all(math.isfinite(part) and part >= 0 for part in parts)
        assert cost.expected_s * slack >= max(parts)
        assert cost.expected_s <= sum(parts) * slack
        assert cost.roofline_s <= cost.expected_s * slack
    totals = result.to_dict()["totals"]
    assert totals["roofline_s"] <= totals["expected_s"] * slack
    assert totals["bytes_low"] <= totals["bytes"] <= totals["bytes_high"]


@every_model
@pytest.mark.parametrize("device", ["echo_arm", "h100_sxm", "tpu_v1"])
def test_every_split_adds_up(name: str, device: str) -> None:
    result = report(name, device)
    data = result.to_dict()
    totals, layers, levels = data["totals"], data["layers"], data["levels"]
    assert sum(layer["macs"] for layer in layers) == totals["macs"]
    assert sum(layer["flops"] for layer in layers) == totals["flops"]
    assert sum(layer["bytes"] for layer in layers) == pytest.approx(totals["bytes"], abs=len(layers))
    assert sum(layer["expected_s"] for layer in layers) == pytest.approx(totals["expected_s"])
    assert sum(layer["share"] for layer in layers) == pytest.approx(1)
    assert levels[-1]["read_bytes"] + levels[-1]["write_bytes"] == pytest.approx(totals["bytes"], abs=2)
    if data["steps"] is not None:
        steps = data["steps"]
        within = steps["first"]["expected_s"] + steps["last"]["expected_s"]
        within += (steps["count"] - 2) * steps["steady"]["expected_s"]
        traffics = (cost.traffic for cost in result.costs if cost.traffic.axis == "time")
        longest = max(traffic.times for traffic in traffics)
        assert steps["count"] == longest
        looped = [
            cost for cost in result.costs if cost.traffic.axis == "time" and cost.traffic.times == longest
        ]
        assert within == pytest.approx(sum(cost.expected_s for cost in looped))


def gathered_bytes(result: Report) -> int:
    """Bytes of the weights of which gathers alone read, which need no more than some of the rows."""
    weights: dict[str, Storage] = {}
    classes: dict[str, set[str]] = {}
    for work in (cost.traffic.work for cost in result.costs):
        for storage in (tensor.storage for tensor in (*work.op.inputs, *work.reads)):
            if storage.role == "weight":
                weights[storage.id] = storage
                classes.setdefault(storage.id, set()).add(work.op_class)
    return sum(storage.bytes for key, storage in weights.items() if classes[key] <= {"gather", "view"})


@every_model
def test_the_farthest_level_sees_each_weight_at_least_once(name: str) -> None:
    for device in ("echo_arm", "mi300x"):
        result = report(name, device)
        data = result.to_dict()
        read_whole = data["model"]["weight_bytes"] - gathered_bytes(result)
        assert data["totals"]["bytes_low"] >= read_whole > 0


def test_weights_that_gathers_alone_read() -> None:
    sizes = {name: gathered_bytes(report(name, "echo_arm")) for name in model_names()}
    assert {name: size for name, size in sizes.items() if size} == {
        # words * width * 4 bytes; where the same matrix makes the scores, a product reads it whole
        "captioning": 1000 * 96 * 4,
        "gnmt": 2 * 1000 * 192 * 4,
        "seq2seq_attention": 2 * 1000 * 96 * 4,
    }


@every_model
def test_double_the_batch(name: str) -> None:
    one, two = report(name, "echo_arm"), report(name, "echo_arm", batch=2)
    assert two.totals.macs == 2 * one.totals.macs
    assert two.trace.weight_bytes == one.trace.weight_bytes


@every_model
def test_fewer_bits_never_move_more(name: str) -> None:
    sizes = [report(name, "rpi4b", dtype=dtype).totals for dtype in ("float64", "float32", "float16", "int8")]
    moved = [total.farthest.bytes for total in sizes]
    assert moved == sorted(moved, reverse=True)
    assert len({total.macs for total in sizes}) == 1


@every_model
def test_fusion_never_moves_more(name: str) -> None:
    eager, fused = (report(name, "echo_arm", fusion=fusion) for fusion in ("eager", "fused"))
    assert fused.totals.flops == eager.totals.flops
    assert fused.totals.farthest.bytes <= eager.totals.farthest.bytes * (1 + 1e-9)
    assert fused.sequential_depth == eager.sequential_depth


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_steps_cost_alike(name: str) -> None:
    short, long = (hwcost.analyze(traced(name, seq_len=steps), device="echo_arm") for steps in (100, 1000))
    assert long.totals.macs == 10 * short.totals.macs
    assert long.sequential_depth > 9 * short.sequential_depth
    assert len(long.costs) == len(short.costs)


def test_more_room_never_moves_more_and_a_faster_level_never_takes_longer(tmp_path: object) -> None:
    times, moved = [], []
    for size, bandwidth in ((64, 1), (256, 2), (1024, 4), (65536, 8)):
        path = f"{tmp_path}/device.yaml"
        with open(path, "w") as file:  # noqa: PTH123
            file.write(PROFILE.format(size=size, bandwidth=bandwidth))
        totals = hwcost.analyze(traced("lstm"), device=path).totals
        times.append(totals.expected_s)
        moved.append(totals.farthest.bytes)
    assert times == sorted(times, reverse=True)
    assert moved == sorted(moved, reverse=True)
    assert moved[0] > 10 * moved[-1]


PROFILE = """
title: A device of one core and one cache
kind: cpu
compute:
  vector:
    float32: [10 GFLOP/s, "measured: made up for the test"]
memory:
  cache:
    size: [{size} KiB, "measured: made up for the test"]
    policy: random
    peak_bandwidth: [50 GB/s, "measured: made up for the test"]
  dram:
    policy: lru
    peak_bandwidth: [{bandwidth} GB/s, "measured: made up for the test"]
efficiency:
  default: [0.5, "measured: made up for the test"]
latency:
  kernel: [1 us, "measured: made up for the test"]
  recurrent_step: [1 us, "measured: made up for the test"]
runtime:
  fusion: eager
"""
