"""Attention: numbers by hand, torch's own counter, and the fused fast paths against their parts."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwcost.graph import Op, leaves
from hwcost.rules.count import count

from .recording import flops_of, meta, recorded, tensor, work_of

aten = torch.ops.aten
small = st.integers(1, 6)


def attention(q, k, v, *mask, **attributes):
    """The work of attention caught whole."""
    inputs = tuple(tensor(name, *shape) for name, shape in zip("qkvm", (q, k, v, *mask), strict=False))
    given = {"is_causal": False, "dropout_p": 0.0, "scale": None, "enable_gqa": False} | attributes
    op = Op(
        name="torch.scaled_dot_product_attention",
        inputs=inputs,
        outputs=(tensor("y", *q[:-1], v[-1]),),
        attributes=given if mask else given | {"attn_mask": None},
    )
    (work,) = count((op,))
    return work


def test_by_hand() -> None:
    work = attention((2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 5, 16))
    assert work.op_class == "attention"
    assert work.macs == 2880  # 2*3 heads * 4 * 5 * (8 + 16)
    assert work.vector_ops == 480  # 120 scores * (scale, maximum, subtraction, sum)
    assert work.special_ops == 240  # 120 scores * (exponential, division)
    assert work.read_bytes == 3648  # 4 * (6*4*8 + 6*5*8 + 6*5*16)
    assert work.write_bytes == 1536  # 4 * 6*4*16: no score is written
    shape = work.attention
    assert (shape.heads, shape.key_heads, shape.n, shape.m, shape.d, shape.dv) == (6, 6, 4, 5, 8, 16)


def test_causal_is_counted_dense_and_masks_cost_one_more() -> None:
    q = (1, 2, 6, 8)
    plain, causal = attention(q, q, q), attention(q, q, q, is_causal=True)
    assert causal.macs == plain.macs == 1152  # 2 * 6 * 6 * 16
    assert causal.vector_ops - plain.vector_ops == 72  # one more per score
    masked = attention(q, q, q, (6, 6))
    assert masked.vector_ops == causal.vector_ops
    assert masked.read_bytes - plain.read_bytes == 144  # 4 * 6 * 6
    dropped = attention(q, q, q, dropout_p=0.1)
    assert dropped.special_ops - plain.special_ops == 72  # a random number per score


def test_grouped_queries_read_the_key_heads_alone() -> None:
    work = attention((1, 8, 1, 16), (1, 2, 100, 16), (1, 2, 100, 16), enable_gqa=True)
    assert work.macs == 25600  # 8 * 1 * 100 * 32
    assert work.read_bytes == 26112  # 4 * (8*16 + 2 * 2*100*16)
    assert (work.attention.heads, work.attention.key_heads) == (8, 2)


def test_without_head_or_batch_dimension() -> None:
    assert attention((4, 8), (5, 8), (5, 8)).macs == 320  # 4 * 5 * 16
    assert attention((3, 4, 8), (3, 5, 8), (3, 5, 8)).macs == 960


@given(b=small, h=small, n=small, m=small, d=small)
def test_agrees_with_torchs_counter(b: int, h: int, n: int, m: int, d: int) -> None:
    q, k, v = meta(b, h, n, 8 * d), meta(b, h, m, 8 * d), meta(b, h, m, 8 * d)
    flash = work_of(aten._scaled_dot_product_flash_attention.default, q, k, v)
    assert 2 * flash.macs == flops_of(aten._scaled_dot_product_flash_attention.default, q, k, v)
    efficient = aten._scaled_dot_product_efficient_attention.default
    ours = work_of(efficient, q, k, v, None, False)
    assert 2 * ours.macs == flops_of(efficient, q, k, v, None, False)
    assert ours.vector_ops == flash.vector_ops


def test_what_torchs_counter_leaves_out_on_cpu_is_counted() -> None:
    q = meta(2, 4, 16, 32)
    function = aten._scaled_dot_product_flash_attention_for_cpu.default
    work = work_of(function, q, q, q)
    assert work.macs == 131072  # 2*4 * 16*16 * 64
    assert work.read_bytes == 16384  # q, k and v are one tensor: 4 * 2*4*16*32
    assert flops_of(function, q, q, q) == 0


def test_the_logsumexp_is_written_where_it_is_used() -> None:
    q = meta(1, 2, 16, 32)
    y = work_of(aten._scaled_dot_product_flash_attention_for_cpu.default, q, q, q)
    assert y.write_bytes == 4096  # 4 * 2*16*32

    def both(q):
        out, logsumexp = aten._scaled_dot_product_flash_attention_for_cpu.default(q, q, q)
        return out, logsumexp + 1

    attention_work, _ = count(tuple(recorded(both, q)))
    assert attention_work.write_bytes == 4224  # and 4 * 2*16


def test_backward_agrees_with_torchs_counter() -> None:
    q, k = meta(2, 4, 16, 32), meta(2, 4, 24, 32)
    function = aten._scaled_dot_product_flash_attention_backward.default
    seed = meta(2, dtype=torch.int64)
    call = (function, q, q, k, k, q, meta(2, 4, 16), None, None, 16, 24, 0.0, False, seed, seed)
    assert 2 * work_of(*call).macs == flops_of(*call) == 2 * 2 * 4 * 16 * 24 * 5 * 32


def test_sequence_first_layout() -> None:
    q, k = meta(2, 16, 4, 32), meta(2, 24, 4, 32)
    function = aten._flash_attention_forward.default
    call = (function, q, k, k, None, None, 16, 24, 0.0, False, False)
    work = work_of(*call)
    assert work.macs == 196608  # 2 * 4 heads * 16 * 24 * 64
    assert (work.attention.heads, work.attention.n, work.attention.m) == (8, 16, 24)


def test_sequences_of_various_lengths_count_as_the_longest() -> None:
    bounds = meta(4, dtype=torch.int32)
    q = meta(40, 4, 32)
    call = (aten._flash_attention_forward.default, q, q, q, bounds, bounds, 20, 20, 0.0, False, False)
    work = work_of(*call)
    assert work.macs == 307200  # 3 sequences * 4 heads * 20 * 20 * 64
    assert 2 * work.macs == flops_of(*call)


def parts(op: Op):
    return [work for work, _ in leaves(count((op,)))]


def fast_path(need_weights: bool = False, mask: bool = False) -> Op:
    x = tensor("x", 2, 5, 12)
    weights = (tensor("w", 36, 12), tensor("b", 36), tensor("wo", 12, 12), tensor("bo", 12))
    absent = {} if mask else {"mask": None}
    return Op(
        name="aten._native_multi_head_attention",
        inputs=(x, x, x, *weights, *((tensor("mask", 5, 5),) if mask else ())),
        outputs=(tensor("y", 2, 5, 12), tensor("weights", 2, 5, 5)),
        attributes={"embed_dim": 12, "num_head": 3, "need_weights": need_weights} | absent,
    )


def test_fast_path_of_multi_head_attention_by_hand() -> None:
    works = parts(fast_path())
    assert [work.op.name for work in works] == [
        "aten.linear",
        "torch.scaled_dot_product_attention",
        "aten.linear",
    ]
    assert [work.macs for work in works] == [4320, 1200, 1440]  # 10*12*36; 2*3*5*5*8; 10*12*12
    assert works[1].read_bytes == 1440  # q, k and v: 4 * 3 * 2*5*12
    assert works[-1].writes[0].storage.id == "y"
    assert parts(fast_path(mask=True))[1].read_bytes == 1540  # and the mask, 4 * 25


def test_fast_path_that_returns_its_weights() -> None:
    works = parts(fast_path(need_weights=True))
    assert [work.op.name for work in works][2] == "aten.mean"
    assert works[1].write_bytes == 1080  # 4 * (2*5*12 + 2*3*5*5)
    assert (works[2].vector_ops, works[2].special_ops) == (150, 50)
    assert works[2].writes[0].storage.id == "weights"


def test_fast_path_counts_as_torchs_parts() -> None:
    module = torch.nn.MultiheadAttention(12, 3, batch_first=True, device="meta").train()
    x = meta(2, 5, 12)
    theirs = flops_of(module, x, x, x, need_weights=True)
    assert 2 * sum(work.macs for work in parts(fast_path())) == theirs > 0


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("use_gelu", [False, True])
def test_fast_path_of_encoder_layer_counts_as_its_parts(norm_first: bool, use_gelu: bool) -> None:
    module = torch.nn.TransformerEncoderLayer(
        12,
        3,
        dim_feedforward=24,
        dropout=0.0,
        norm_first=norm_first,
        activation="gelu" if use_gelu else "relu",
        batch_first=True,
        device="meta",
    )
    x = meta(2, 5, 12)
    weights = [tensor(str(index), *weight.shape) for index, weight in enumerate(module.parameters())]
    qkv_w, qkv_b, out_w, out_b, w1, b1, w2, b2, *norms = weights
    op = Op(
        name="aten._transformer_encoder_layer_fwd",
        inputs=(tensor("x", 2, 5, 12), qkv_w, qkv_b, out_w, out_b, *norms, w1, b1, w2, b2),
        outputs=(tensor("y", 2, 5, 12),),
        attributes={
            "embed_dim": 12,
            "num_heads": 3,
            "use_gelu": use_gelu,
            "norm_first": norm_first,
            "eps": 1e-5,
            "mask": None,
        },
    )
    works = parts(op)
    assert 2 * sum(work.macs for work in works) == flops_of(module.train(), x)
    assert works[-1].writes[0].storage.id == "y"
    assert not any(work.is_assumed for work in works)
    slow = [work for work, _ in leaves(count(tuple(recorded(module, x))))]
    sums = ("aten.linear", "aten.addmm", "aten.add", "aten.add_")
    for kinds in (("aten.native_layer_norm",), ("aten.gelu",), ("aten.relu",), sums):
        fast_ops = sum(work.vector_ops for work in works if work.op.name in kinds)
        assert fast_ops == sum(work.vector_ops for work in slow if work.op.name in kinds)
