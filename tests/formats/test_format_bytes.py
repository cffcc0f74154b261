"""Bytes and operations of stored formats, by hand."""

from __future__ import annotations

import pytest
import torch
from programs import Attention, Decoding, PackedAttention, analyzed, meta, reads, touched, works
from torch import nn

import hwcost

HALF = {"dtype": "fp16"}


def test_int4_weights_and_their_scales() -> None:
    report = analyzed(nn.Linear(256, 64), meta(2, 256), **HALF, weights="int4")
    (work,) = works(report, "addmm")
    assert reads(work) == [
        ("float16", 128),  # 64 biases of 2 bytes
        ("float16", 1024),  # x: 2 * 256 * 2
        ("int4", 8192),  # 256 * 64 / 2
        ("float16", 256),  # 64 rows of 256 / 128 = 2 groups, 2 bytes each
    ]
    assert report.trace.weight_bytes == 8192 + 256 + 128
    # 4 + 16 / 128 bits per weight
    assert (8192 + 256) * 8 / (256 * 64) == 4.125
    # each weight is scaled once: 256 * 64, beside the 2 * 64 sums with the bias
    assert (work.macs, work.vector_ops) == (2 * 256 * 64, 256 * 64 + 2 * 64)


@pytest.mark.parametrize(("length", "groups"), [(1, 1), (127, 1), (128, 1), (129, 2), (256, 2), (300, 3)])
def test_a_started_group_has_a_scale(length: int, groups: int) -> None:
    report = analyzed(nn.Linear(length, 8, bias=False), meta(1, length), **HALF, weights="int4")
    assert report.trace.weight_bytes == -(-length * 8 // 2) + 8 * groups * 2


def test_int8_has_one_scale_per_channel() -> None:
    report = analyzed(nn.Linear(300, 64), meta(2, 300), **HALF, weights="int8")
    (work,) = works(report, "addmm")
    assert reads(work)[2:] == [("int8", 300 * 64), ("float16", 64 * 2)]
    assert report.trace.weight_bytes == 300 * 64 + 64 * 2 + 64 * 2


@pytest.mark.parametrize(
    ("weights", "activations", "undone"),
    [
        ("int4", "fp16", True),  # weight only
        ("int8", "fp32", True),
        ("fp8", "bf16", True),
        ("int4", "int8", True),  # W4A8: unpacked to 8 bits
        ("int8", "int8", False),  # W8A8: multiplied as they are
        ("fp8", "fp8", False),
        ("fp16", "fp32", False),  # a load converts it
        ("fp32", "tf32", False),
    ],
)
def test_what_is_undone_is_counted(weights: str, activations: str, undone: bool) -> None:
    plain = analyzed(nn.Linear(64, 32), meta(4, 64))
    report = analyzed(nn.Linear(64, 32), meta(4, 64), weights=weights, activations=activations)
    assert report.totals.macs == plain.totals.macs == 4 * 64 * 32
    assert report.totals.flops - plain.totals.flops == (64 * 32 if undone else 0)


def test_float8_has_no_scales_that_count() -> None:
    report = analyzed(nn.Linear(64, 32), meta(4, 64), dtype="fp8")
    assert report.trace.weight_bytes == 64 * 32 + 32


def test_kernels_are_matrices_norms_and_tables_are_not() -> None:
    model = nn.Sequential(
        nn.Embedding(100, 16), nn.Conv1d(7, 12, 5, padding=2), nn.LayerNorm(16), nn.Linear(16, 100)
    )
    report = analyzed(model, meta(1, 7, dtype=torch.int64), **HALF, weights="int8")
    stored = {t.storage.name: t.dtype for t in touched(report) if t.role == "weight"}
    assert stored == {
        "0.weight": "float16",
        "1.weight": "int8",
        "1.weight.scales": "float16",
        "1.bias": "float16",
        "2.weight": "float16",
        "2.bias": "float16",
        "3.weight": "int8",
        "3.weight.scales": "float16",
        "3.bias": "float16",
    }
    # 12 channels of 7 * 5, 100 of 16; the rest is 1600 + 12 + 32 + 100 numbers of 2 bytes
    assert report.trace.weight_bytes == 12 * 35 + 12 * 2 + 100 * 16 + 100 * 2 + 2 * (1600 + 12 + 32 + 100)
    assert "(2.02 k of 3.76 k parameters)" in " ".join(report.trace.assumptions)


def test_depthwise_kernels() -> None:
    report = analyzed(nn.Conv1d(8, 8, 3, groups=8), meta(1, 8, 10), **HALF, weights="int8")
    (work,) = works(report, "convolution")
    assert work.op_class == "depthwise"
    # 8 channels of 1 * 3: 24 weights of 1 byte, 8 scales of 2
    assert [pair for pair in reads(work) if pair != ("float16", 160)] == [
        ("int8", 24),
        ("float16", 16),
        ("float16", 16),
    ]
    assert work.vector_ops == 24 + 64  # each weight scaled, each of the 8 * 8 results plus its bias


def test_a_tied_table_is_a_matrix() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(50, 128)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.table(ids) @ self.table.weight.T

    report = analyzed(Tied(), meta(3, dtype=torch.int64), **HALF, weights="int4")
    assert report.trace.weight_bytes == 50 * 128 // 2 + 50 * 2
    (lookup,) = works(report, "embedding")
    # 3 rows of 128 in 4 bits, 3 ids of 8 bytes, a scale for each row; each number is undone
    assert reads(lookup) == [("int4", 192), ("int64", 24), ("float16", 6)]
    assert (lookup.vector_ops, lookup.macs) == (3 * 128, 0)


def test_steps_of_a_recurrent_layer_read_their_scales_each_time() -> None:
    report = analyzed(nn.LSTM(128, 64), meta(10, 1, 128), **HALF, weights="int4")
    (step,) = works(report, "lstm.step")
    # w_hh[256, 64]: 256 * 64 / 2 bytes, and one started group in each of 256 rows
    assert {("int4", 8192), ("float16", 512)} <= set(reads(step))
    plain = works(analyzed(nn.LSTM(128, 64), meta(10, 1, 128)), "lstm.step")[0]
    assert step.vector_ops - plain.vector_ops == 256 * 64
    calls = sum(cost.traffic.calls for cost in report.costs if cost.traffic.work is step)
    assert calls == 10


def test_states_follow_the_activations() -> None:
    report = analyzed(nn.GRU(16, 32), meta(10, 1, 16), dtype="fp32", weights="int8", activations="bf16")
    assert {t.dtype for t in touched(report) if t.role == "state"} == {"bfloat16"}


def test_keys_and_values() -> None:
    report = analyzed(Attention(32), meta(1, 1, 20, 32), **HALF, kv="int8")
    (attention,) = works(report, "scaled_dot_product")
    assert reads(attention) == [("float16", 1280), ("int8", 640), ("int8", 640)]
    # The products that make them write them as they are stored.
    assert sorted(work.writes[0].dtype for work in works(report, "mm")) == ["float16", "int8", "int8"]
    plain = works(analyzed(Attention(32), meta(1, 1, 20, 32)), "scaled_dot_product")[0]
    assert attention.vector_ops - plain.vector_ops == 2 * 20 * 32
    assert report.totals.macs == 3 * 20 * 32 * 32 + 2 * 20 * 20 * 32


def test_keys_beside_queries_are_read_in_their_format() -> None:
    report = analyzed(PackedAttention(32), meta(1, 1, 20, 32), **HALF, kv="int8")
    (attention,) = works(report, "scaled_dot_product")
    assert reads(attention) == [("float16", 1280), ("int8", 640), ("int8", 640)]
    assert works(report, "mm")[0].writes[0].dtype == "float16"
    assert "is written in float16 as a whole" in report.trace.assumptions[-1]


def test_a_cache_is_of_keys_and_values() -> None:
    new, past = meta(1, 4, 1, 16), meta(1, 4, 99, 16)
    report = analyzed(Decoding(), meta(1, 4, 1, 16), new, new.clone(), past, past.clone(), **HALF, kv="int8")
    joined = works(report, "cat")
    assert [reads(work) for work in joined] == [[("int8", 4 * 99 * 16), ("int8", 4 * 16)]] * 2
    assert [work.writes[0].bytes for work in joined] == [4 * 100 * 16] * 2
    # What comes out of the attention is no cache.
    assert works(report, "scaled_dot_product")[0].writes[0].dtype == "float16"


def test_without_attention_the_report_says_so() -> None:
    report = analyzed(nn.Linear(8, 8), meta(1, 8), kv="int8")
    assert report.trace.assumptions[-1].startswith("no attention op reads K and V")
    assert report.formats.kv == "int8"


def test_without_matrices_the_report_says_so() -> None:
    report = analyzed(nn.LayerNorm(8), meta(1, 8), weights="int4")
    assert report.trace.assumptions[-1].startswith("no matrix of weights is found")
    assert report.trace.weight_bytes == 16 * 4


def test_views_of_a_storage_stay_of_one_dtype() -> None:
    model = nn.Sequential(nn.Linear(16, 48), nn.Unflatten(1, (3, 16)), nn.Flatten(0, 1), nn.Linear(16, 4))
    report = analyzed(model, meta(6, 16), **HALF, weights="int8", kv="int4")
    by_storage: dict[str, set[str]] = {}
    for tensor in touched(report):
        by_storage.setdefault(tensor.storage.id, set()).update((tensor.dtype, tensor.storage.dtype))
    assert by_storage
    assert all(len(dtypes) == 1 for dtypes in by_storage.values())


def test_indices_and_masks_stay() -> None:
    class Masked(nn.Module):
        def forward(self, x: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return x[ids].masked_fill(mask, 0.0)

    inputs = meta(9, 4), meta(5, dtype=torch.int64), meta(5, 4, dtype=torch.bool)
    report = analyzed(Masked(), *inputs, dtype="int8")
    assert {t.dtype for t in touched(report)} == {"int8", "int64", "bool"}


class Packed(nn.Module):
    """What torch quantised by itself: whole numbers with the scales that the op takes."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(meta(64, 128, dtype=torch.int8), requires_grad=False)
        self.scales = nn.Parameter(meta(64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.aten._weight_int8pack_mm(x, self.weight, self.scales)


def test_what_torch_quantised_keeps_its_dtype() -> None:
    report = analyzed(Packed(), meta(4, 128), **HALF, weights="int4")
    (work,) = works(report)
    assert reads(work) == [("float16", 1024), ("int8", 64 * 128), ("float16", 128)]
    assert work.vector_ops == 64 * 128  # its own scaling, once


class Float8(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(64, 128).to(torch.float8_e4m3fn))
        self.register_buffer("one", torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch._scaled_mm(
            x, self.weight.T, scale_a=self.one, scale_b=self.one, out_dtype=torch.bfloat16
        )


def test_numbers_of_8_bit_were_quantised_already() -> None:
    report = analyzed(Float8(), meta(16, 128).to(torch.float8_e4m3fn), dtype="fp32", weights="int4")
    (work,) = works(report, "scaled_mm")
    assert [tensor.dtype for tensor in work.reads] == ["float8_e4m3fn", "float8_e4m3fn", "float32"]
    assert work.writes[0].dtype == "float32"
    # The roof is that of what the products are in, not of what was asked for.
    assert report.machine.roof.dtype == "float8_e4m3fn"


def test_the_cache_of_a_stream() -> None:
    plain, narrow = (
        hwcost.analyze("gpt1", order="streaming", seq_len=64, settings={"num_layers": 2}, dtype="fp16", kv=kv)
        for kv in ("fp16", "int8")
    )
    # K and V of 2 layers, 64 steps of 768 numbers each
    assert plain.state_bytes == 2 * 2 * 64 * 768 * 2
    assert narrow.state_bytes == 2 * 2 * 64 * 768
