"""Sizes and rates that others publish."""

from __future__ import annotations

from functools import cache

import pytest

import hwcost
from hwcost.devices import load_device
from hwcost.formats import kv
from hwcost.graph import Trace
from hwcost.kinds.processor.rates import product_rate
from hwcost.load import load_trace
from hwcost.report import Report

TOKENS = 16

LLAMA_2_7B = {"architectures": "LlamaForCausalLM"}
"""The defaults of transformers."""

LLAMA_3_8B = {
    **LLAMA_2_7B,
    "vocab_size": 128256,
    "intermediate_size": 14336,
    "num_key_value_heads": 8,
}
"""Grattafiori et al., "The Llama 3 herd of models", arXiv:2407.21783, table 3."""


@cache
def llama(size: str) -> Trace:
    pytest.importorskip("transformers")
    chosen = {"2 7B": LLAMA_2_7B, "3 8B": LLAMA_3_8B}[size]
    return load_trace("hf:llama", seq_len=TOKENS, settings=chosen)


def of(size: str, **formats: str) -> Report:
    return hwcost.analyze(llama(size), device="h100_sxm", **formats)  # type: ignore[arg-type]


def cache_bytes(report: Report) -> int:
    """Bytes of K and V, each head once, over all layers."""
    held = {
        (tensor.storage.id, tensor.offset): tensor.bytes
        for cost in report.costs
        if cost.traffic.work.attention
        for tensor in cost.traffic.work.reads[1:3]
    }
    return sum(held.values())


def test_llama_2_7b_in_half_precision() -> None:
    # 6.74 G parameters of 2 bytes, as its files on the hub take
    assert of("2 7B", dtype="fp16").trace.weight_bytes == 13_476_831_232


def test_llama_2_7b_in_4_bits() -> None:
    report = of("2 7B", dtype="fp16", weights="int4")
    # 32 layers of 4 * 4096^2 + 3 * 4096 * 11008, and the 32000 * 4096 that give the scores
    matrices = 32 * (4 * 4096**2 + 3 * 4096 * 11008) + 32000 * 4096
    # the table of 32000 * 4096 and 65 norms of 4096 stay in float16
    others = 32000 * 4096 + 65 * 4096
    assert matrices + others == report.trace.parameters == 6_738_415_616
    assert report.trace.weight_bytes == matrices * 4.125 / 8 + others * 2 == 3_669_450_752
    # Checkpoints of GPTQ leave the scores in 16 bits and store a zero point of 4 bits per group.
    layers = matrices - 32000 * 4096
    checkpoint = layers * (4 + 20 / 128) / 8 + (others + 32000 * 4096) * 2
    assert checkpoint == pytest.approx(3.89e9, rel=1e-3)
    assert report.trace.weight_bytes == pytest.approx(checkpoint, rel=0.06)
    assert 3.5e9 < report.trace.weight_bytes < 3.9e9


def test_llama_3_8b_in_half_precision() -> None:
    report = of("3 8B", dtype="bf16")
    assert report.trace.parameters == 8_030_261_248
    assert report.trace.weight_bytes == pytest.approx(16.06e9, rel=1e-4)


@pytest.mark.parametrize(
    ("size", "word", "per_token"),
    [
        # 2 (K and V) * 32 layers * 4096 * 2 bytes: the half of a megabyte per token of Llama 2 7B
        ("2 7B", "fp16", 524_288),
        ("2 7B", "int8", 262_144),
        ("2 7B", "int4", 131_072),
    ],
)
def test_cache_per_token(size: str, word: str, per_token: int) -> None:
    assert cache_bytes(of(size, dtype="fp16", kv=word)) == TOKENS * per_token


def test_shared_heads_are_stored_once() -> None:
    # 2 * 32 layers * 8 heads of 128 * 2 bytes, before the heads are repeated for the queries that share them
    found = kv_made(of("3 8B", dtype="bf16", kv="fp8"))
    assert found == TOKENS * 2 * 32 * 8 * 128 * 1


def kv_made(report: Report) -> int:
    """Bytes of K and V where they are first written."""
    works = [cost.traffic.work for cost in report.costs]
    held = kv_storages(works)
    made = {
        tensor.storage.id: tensor.bytes
        for work in works
        if work.op_class not in kv.HANDING_ON
        for tensor in work.writes
        if tensor.storage.id in held
    }
    return sum(made.values())


def kv_storages(works: list[hwcost.graph.Work]) -> set[str]:
    return {t.storage.id for work in works for t in (*work.reads, *work.writes) if "float8" in t.dtype}


@pytest.mark.parametrize(
    ("device", "dtype", "unit", "peak"),
    [
        ("h100_sxm", "bfloat16", "matrix", 989e12),  # NVIDIA H100 datasheet, dense
        ("h100_sxm", "float8_e4m3fn", "matrix", 1979e12),
        ("h100_sxm", "tfloat32", "matrix", 494.5e12),
        ("v100_sxm2", "float16", "matrix", 125e12),  # tensor cores multiply float16 alone
        ("v100_sxm2", "bfloat16", "vector", 15.67e12),  # as float32
        ("a100_sxm_80", "tfloat32", "matrix", 156e12),
        ("a100_sxm_80", "int8", "matrix", 624e12),
        ("t4", "int4", "matrix", 260e12),
        ("tpu_v1", "int8", "matrix", 92e12),  # Jouppi et al. 2017
        ("rpi3b", "int8", "vector", 76.8e9),  # SMLAL: twice float32
        ("rpi5", "int8", "vector", 614.4e9),  # SDOT: four times float32
    ],
)
def test_units(device: str, dtype: str, unit: str, peak: float) -> None:
    rate = product_rate(load_device(device), dtype)
    assert rate.unit.name == unit
    assert rate.flop_per_s == pytest.approx(peak)


def test_float8_doubles_the_roof_of_an_h100() -> None:
    narrow, wide = (of("2 7B", dtype=word).machine.roof for word in ("fp8", "bf16"))
    assert narrow.peak_flop_per_s == pytest.approx(2 * wide.peak_flop_per_s, rel=2e-3)
    assert (narrow.unit, wide.unit) == ("matrix", "matrix")
