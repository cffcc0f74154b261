"""Scaled dot-product attention as one op."""

from __future__ import annotations

from math import prod

from hwcost.graph import Attention, Op, Tensor, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import integer, number, operands, require, work_of

MASK_NAMES = ("attn_mask", "attn_bias")
"""What the variants call the tensor that is added to the scores, or hides some."""

WITHOUT_MASK = (
    "aten._scaled_dot_product_flash_attention",
    "aten._triton_scaled_dot_attention",
    "higher_order.flex_attention",
)
"""Variants whose fourth tensor, where there is one, is no mask."""

SEQUENCE_FIRST = {
    "aten._flash_attention_forward": ("query", "key", "value", "cum_seq_q"),
    "aten._flash_attention_forward_no_dropout_inplace": ("out", "query", "key", "value", "cum_seq_q"),
    "aten._efficient_attention_forward": ("query", "key", "value", "bias", "cu_seqlens_q"),
    "aten._cudnn_attention_forward": ("query", "key", "value", "attn_bias", "cum_seq_q"),
}
"""Operands of the variants over q[b,n,h,d], up to the bounds of the queries' sequences."""

VECTOR_OPS_PER_SCORE = 4
"""Scale, maximum of the row, subtraction of it, sum of the row."""

SPECIAL_OPS_PER_SCORE = 2
"""Exponential, division by the sum of the row."""

VECTOR_OPS_PER_SCORE_BACKWARD = 6
"""As the docstring of the backward pass lists them."""


@RULES.add(
    "torch.scaled_dot_product_attention",
    "higher_order.flex_attention",
    *aten("scaled_dot_product_attention _scaled_dot_product_attention_math"),
    *aten("_scaled_dot_product_attention_math_for_mps _scaled_dot_product_flash_attention"),
    *aten("_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention"),
    *aten("_scaled_dot_product_cudnn_attention _scaled_dot_product_fused_attention_overrideable"),
    *aten("_triton_scaled_dot_attention"),
)
def attention(op: Op) -> Work:
    """y[h,n,dv] = softmax(scale * q[h,n,d] k[g,m,d]' + mask) v[g,m,dv]; h heads in all, h/g share a k, v.

    h            batch and heads of the result, to which those of q, k and v broadcast
    macs         h * n * m * (d + dv). Causal attention counts all n * m scores, as every counter does:
                 how many of the hidden ones a kernel skips depends on its tile, so it is an efficiency
    vector_ops   4 * h * n * m for scale, maximum, subtraction and sum; h * n * m more for a mask or
                 causality; 2 * h * n * m more for dropout (compare and scale)
    special_ops  2 * h * n * m for exponential and division; h * n * m more for dropout's random numbers
    bytes        q, k, v and mask are read once, y is written once: fused, no score leaves the chip
    source       Vaswani et al. 2017, arXiv:1706.03762, equation 1; bytes: Dao et al. 2022, arXiv:2205.14135
    """
    q, k, v = op.inputs[:3]
    n, d = q.shape[-2:]
    m, dv = v.shape[-2:]
    require(k.shape[-2:] == (m, d), op, f"k is not {m} x {d}, as q and v ask for")
    heads = prod(op.outputs[0].shape[:-2])
    shape = Attention(heads=heads, key_heads=prod(k.shape[:-2]), n=n, m=m, d=d, dv=dv)
    reads = op.inputs[: 3 + _has_mask(op)]
    return attention_work(op, shape, reads=reads, is_masked=len(reads) > 3)


@RULES.add(*SEQUENCE_FIRST)
def attention_sequence_first(op: Op) -> Work:
    """The same over q[b,n,h,d], or over q[sum of n,h,d] with the sequences' bounds in another tensor.

    macs         b * h * n * m * (d + dv); of sequences of various lengths each counts with the longest,
                 since their bounds are data
    vector_ops   as scaled dot-product attention
    special_ops  likewise
    bytes        q, k, v and mask are read once, y is written once
    source       torch.utils.flop_counter treats bounds that it cannot see alike
    """
    names = SEQUENCE_FIRST[op.name]
    found = dict(zip(names, operands(op, *names), strict=True))
    first = names.index("query")
    q, k, v = op.inputs[first : first + 3]
    batch, n, m = prod(q.shape[:-3]), q.shape[-3], k.shape[-3]
    bounds = found[names[-1]]
    if bounds is not None:
        batch = bounds.elements - 1
        n = integer(op, "max_q", integer(op, "max_seqlen_q", n))
        m = integer(op, "max_k", integer(op, "max_seqlen_k", m))
    heads, d = q.shape[-2:]
    shape = Attention(heads=batch * heads, key_heads=batch * k.shape[-2], n=n, m=m, d=d, dv=v.shape[-1])
    is_masked = found.get("bias") is not None or found.get("attn_bias") is not None
    return attention_work(op, shape, reads=op.inputs[first:], is_masked=is_masked)


@RULES.add(
    "torch.scaled_dot_product_attention_backward",
    *aten("_scaled_dot_product_flash_attention_backward"),
    *aten("_scaled_dot_product_flash_attention_for_cpu_backward"),
    *aten("_scaled_dot_product_efficient_attention_backward"),
    *aten("_scaled_dot_product_cudnn_attention_backward"),
    *aten("_scaled_dot_product_fused_attention_overrideable_backward"),
)
def attention_backward(op: Op) -> Work:
    """Gradients of scaled dot-product attention for q, k and v; the scores are computed anew.

    macs         h * n * m * (3 * d + 2 * dv): scores, gradients of v, of the scores, of q and of k. No score
                 leaves the chip in the forward pass, so that they are made anew: 5 products against 2. A
                 kernel makes all three gradients, whichever are asked for
    vector_ops   6 * h * n * m: scale, subtraction of the logsumexp, subtraction of the row's mean gradient,
                 product with the scores, sum of the row, scale of the gradient; 2 * h * n * m more for
                 dropout
    special_ops  h * n * m for the exponential; h * n * m more for dropout's random numbers, made anew
    bytes        the incoming gradient, q, k, v, y, logsumexp and mask are read once, the gradients are
                 written once
    source       Dao et al. 2022, arXiv:2205.14135, algorithm 4; torch.utils.flop_counter counts alike
    """
    q, k, v = op.inputs[1:4]
    n, d = q.shape[-2:]
    m, dv = v.shape[-2:]
    heads = prod(op.inputs[0].shape[:-2])
    shape = Attention(heads=heads, key_heads=prod(k.shape[:-2]), n=n, m=m, d=d, dv=dv)
    scores = heads * n * m
    has_dropout = number(op, "dropout_p", 0) > 0
    return work_of(
        op,
        "attention",
        macs=scores * (3 * d + 2 * dv),
        vector_ops=scores * (VECTOR_OPS_PER_SCORE_BACKWARD + 2 * has_dropout),
        special_ops=scores * (1 + has_dropout),
        attention=shape,
    )


def attention_work(op: Op, shape: Attention, *, reads: tuple[Tensor, ...], is_masked: bool) -> Work:
    """Work of attention of this shape."""
    scores = shape.heads * shape.n * shape.m
    is_masked = is_masked or bool(op.attributes.get("is_causal")) or bool(integer(op, "custom_mask_type"))
    has_dropout = number(op, "dropout_p", 0) > 0
    return work_of(
        op,
        "attention",
        macs=scores * (shape.d + shape.dv),
        vector_ops=scores * (VECTOR_OPS_PER_SCORE + is_masked + 2 * has_dropout),
        special_ops=scores * (SPECIAL_OPS_PER_SCORE + has_dropout),
        reads=reads,
        attention=shape,
    )


def _has_mask(op: Op) -> bool:
    if op.name in WITHOUT_MASK or len(op.inputs) < 4:
        return False
    return not any(op.attributes.get(name, "given") is None for name in MASK_NAMES)
