"""Laws of stored formats: over random layers, over ready-made models, over every device."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import Attention, analyzed, meta
from torch import nn

import hwcost
from hwcost.devices import device_names, load_device
from hwcost.formats import FORMATS
from hwcost.graph import Trace
from hwcost.kinds.processor.rates import operations, product_rate
from hwcost.load import load_trace
from hwcost.report import Report
from hwcost.units import dtype_bits, is_floating

MODELS = {
    "lstm": {"hidden_size": 192, "input_size": 96},
    "bilstm": {"hidden_size": 96},
    "tcn": {"levels": 2},
    "transformer_encoder": {"num_layers": 2},
    "gpt1": {"vocabulary": 1000, "context": 60, "num_layers": 2},
    "mamba": {"vocabulary": 1000, "num_layers": 2, "d_model": 192},
    "resnet18": {"image_size": 64},
}
"""One model of each way to compute, small."""

NARROWING = ("fp64", "fp32", "fp16", "int8", "int4")
"""Formats by bits. int8 needs 16 / k more bits per weight than fp8, for its scales."""

SIZE = st.integers(1, 400)
PARTS = st.fixed_dictionaries({part: st.sampled_from(NARROWING) for part in ("weights", "activations", "kv")})


@cache
def traced(name: str) -> Trace:
    steps = None if name == "resnet18" else 60
    return load_trace(name, seq_len=steps, settings=MODELS[name], use_cache=False)


def report(name: str, device: str = "rpi5", **formats: str) -> Report:
    return hwcost.analyze(traced(name), device=device, **formats)  # type: ignore[arg-type]


def moved(result: Report) -> list[float]:
    return [crossing.bytes for crossing in result.totals.crossings]


every_model = pytest.mark.parametrize("name", MODELS)


@given(
    rows=SIZE, columns=SIZE, weights=st.sampled_from(["fp64", "fp32", "bf16", "fp8", "int16", "int8", "int4"])
)
@settings(max_examples=40, deadline=None)
def test_weights_take_their_bits_and_their_scales(rows: int, columns: int, weights: str) -> None:
    result = analyzed(nn.Linear(columns, rows, bias=False), meta(1, columns), dtype="fp16", weights=weights)
    full = result.formats.weights
    groups = -(-columns // 128) if weights == "int4" else 1
    scales = 0 if is_floating(full) else 2 * rows * groups
    assert result.trace.weight_bytes == -(-rows * columns * dtype_bits(full) // 8) + scales
    assert result.trace.parameters == rows * columns


@every_model
@pytest.mark.parametrize("part", ["dtype", "weights", "activations", "kv"])
def test_fewer_bits_never_move_more(name: str, part: str) -> None:
    found = [report(name, **{part: word}) for word in NARROWING]
    for wide, narrow in pairwise(found):
        for before, after in zip(moved(wide), moved(narrow), strict=True):
            assert after <= before * (1 + 1e-9)
        assert narrow.trace.weight_bytes <= wide.trace.weight_bytes
    changes = part != "kv" or name in ("transformer_encoder", "gpt1")
    assert (moved(found[-1])[0] < moved(found[0])[0]) == changes


@every_model
@given(parts=PARTS)
@settings(max_examples=6, deadline=None)
def test_arithmetic_stays_but_for_what_is_undone(name: str, parts: dict[str, str]) -> None:
    plain, other = report(name), report(name, **parts)
    assert other.totals.macs == plain.totals.macs
    assert other.totals.flops >= plain.totals.flops
    assert other.sequential_depth == plain.sequential_depth
    if parts["weights"] == parts["activations"] == parts["kv"]:
        assert other.totals.flops == plain.totals.flops


@every_model
@given(parts=PARTS)
@settings(max_examples=6, deadline=None)
def test_bounds_hold(name: str, parts: dict[str, str]) -> None:
    result = report(name, "echo_arm", **parts)
    for cost in result.costs:
        for crossing in cost.traffic.crossings:
            assert 0 <= crossing.low_bytes <= crossing.bytes * (1 + 1e-9) + 1
            assert crossing.bytes <= crossing.high_bytes * (1 + 1e-9) + 1
        assert cost.roofline_s <= cost.expected_s * (1 + 1e-9)
    assert result.totals.farthest.bytes >= 0
    assert result.roofline_s <= result.totals.expected_s * (1 + 1e-9)


@every_model
def test_fewer_bits_take_no_longer_unless_said(name: str) -> None:
    """From format to format, each whole: time rises only where the report says why."""
    for device in device_names():
        for wide, narrow in pairwise(report(name, device, dtype=word) for word in ("fp32", "fp16", "int8")):
            rises = narrow.totals.expected_s > wide.totals.expected_s * (1 + 1e-9)
            assert not rises or narrow.machine.stand_ins, (device, narrow.trace.dtype)


@every_model
@pytest.mark.parametrize("weights", ["fp16", "int8", "int4"])
def test_weights_alone_never_cost_more_than_undoing_them(name: str, weights: str) -> None:
    plain, narrow = report(name), report(name, weights=weights)
    assert all(
        after.latency_s == before.latency_s and after.compute_s >= before.compute_s
        for before, after in zip(plain.costs, narrow.costs, strict=True)
    )
    undone = sum(
        after.compute_s - before.compute_s for before, after in zip(plain.costs, narrow.costs, strict=True)
    )
    assert narrow.totals.expected_s <= plain.totals.expected_s + undone * (1 + 1e-9)


@pytest.mark.parametrize("dtype", FORMATS)
def test_no_rate_is_better_than_a_unit_that_exists(dtype: str) -> None:
    for device in map(load_device, device_names()):
        rate = product_rate(device, dtype)
        peak = max(unit.peak_flop_per_s.get(rate.dtype, 0.0) for unit in device.units)
        assert rate.flop_per_s == peak / operations(dtype, rate.dtype) <= peak
        having = {kind for unit in device.units for kind in unit.peak_flop_per_s}
        assert rate.dtype == next(
            (kind for kind in (dtype, *falls_back_on(dtype)) if kind in having), rate.dtype
        )


def falls_back_on(dtype: str) -> tuple[str, ...]:
    if dtype.startswith("float8"):
        return ("float8_e4m3fn", "float8_e5m2", "float16", "bfloat16", "float32")
    return {"bfloat16": ("float32",), "tfloat32": ("float32",), "int4": ("int8",)}.get(dtype, ())


@pytest.mark.parametrize("dtype", FORMATS)
def test_no_stand_in_is_silent(dtype: str) -> None:
    for device in device_names():
        machine = hwcost.analyze(small(), device=device, dtype=dtype).machine
        words = (f"{dtype} unit", "only:", "holds weights in")
        said = any(word in text for word in words for text in machine.stand_ins)
        # Beside arrays there is a digital unit, which may need a stand-in where the arrays do not.
        if machine.kind == "compute_in_memory" and machine.roof.dtype == dtype:
            continue
        assert said == (machine.roof.dtype != dtype), device


@cache
def small() -> Trace:
    return analyzed(Attention(16), meta(1, 1, 4, 16)).trace


def test_a_saved_trace_is_stored_like_the_model(tmp_path: object) -> None:
    path = f"{tmp_path}/model.json"
    traced("gpt1").save(path)
    formats = {"dtype": "fp16", "weights": "int4", "kv": "int8"}
    saved, direct = hwcost.analyze(path, **formats), report("gpt1", "echo_arm", **formats)  # type: ignore[arg-type]
    assert saved.to_dict() == direct.to_dict()


def test_formats_asked_for_again_change_nothing() -> None:
    once = report("gpt1", dtype="fp16", kv="bf16")
    assert report("gpt1", dtype="bf16", weights="fp16", activations="fp16").to_dict() == once.to_dict()


def test_batch_does_not_touch_stored_weights() -> None:
    one, two = (
        analyzed(nn.Linear(256, 64), torch.empty(batch, 256, device="meta"), weights="int4")
        for batch in (1, 2)
    )
    assert two.totals.macs == 2 * one.totals.macs
    assert two.trace.weight_bytes == one.trace.weight_bytes
