"""The fused fast paths of nn.MultiheadAttention and nn.TransformerEncoderLayer, taken apart again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

from hwcost.graph import Attribute, Op, Storage, Tensor, Tree, contiguous
from hwcost.rules.registry import RULES
from hwcost.rules.work import integer, operands, present

MULTI_HEAD_OPERANDS = (
    *("query", "key", "value", "qkv_weight", "qkv_bias"),
    *("proj_weight", "proj_bias", "mask"),
)

ENCODER_OPERANDS = (
    *("src", "qkv_weight", "qkv_bias", "proj_weight", "proj_bias"),
    *("norm_weight_1", "norm_bias_1", "norm_weight_2", "norm_bias_2"),
    *("ffn_weight_1", "ffn_bias_1", "ffn_weight_2", "ffn_bias_2", "mask"),
)


@RULES.add("aten._native_multi_head_attention")
def multi_head_attention(op: Op) -> Tree[Op]:
    """Multi head attention: y = attention(x Wq', x Wk', x Wv') Wo' over x[b,n,D] in heads of width D / heads.

    amounts to   linear ops for q, k and v (one where they share their input), scaled dot-product attention,
                 a linear op for the output; where weights are asked for, the attention writes them by head
             and their mean is taken
    source       aten/src/ATen/native/transformers/attention.cpp, native_multi_head_attention
    """
    query, key, value, qkv_weight, qkv_bias, out_weight, out_bias = op.inputs[:7]
    mask = operands(op, *MULTI_HEAD_OPERANDS)[7]
    heads = integer(op, "num_head")
    ops: list[Op] = []
    if query == key == value:
        joined = _result(op, "qkv", (*query.shape[:-1], qkv_weight.shape[0]))
        ops.append(_linear(op, query, qkv_weight, qkv_bias, joined))
        q, k, v = (_third(joined, index) for index in range(3))
    else:
        q, k, v = (
            _projected(op, ops, x, _rows(qkv_weight, index), _rows(qkv_bias, index), "qkv"[index])
            for index, x in enumerate((query, key, value))
        )
    mixed = _result(op, "attention", query.shape)
    q, k, v = (_heads(tensor, heads) for tensor in (q, k, v))
    asks_weights = bool(op.attributes.get("need_weights")) and len(op.outputs) > 1
    scores = _result(op, "weights", (*q.shape[:-1], k.shape[-2]))
    results = (_heads(mixed, heads), scores) if asks_weights else (_heads(mixed, heads),)
    attributes: dict[str, Attribute] = {"is_causal": False, "dropout_p": 0.0}
    if mask is None:
        attributes["attn_mask"] = None
    name = "torch.scaled_dot_product_attention"
    ops.append(_made(op, name, (q, k, v, *present(mask)), results, attributes))
    if asks_weights:
        averaged = "aten.mean" if op.attributes.get("average_attn_weights", True) else "aten.clone"
        ops.append(_made(op, averaged, (scores,), op.outputs[1:2], {"dim": (1,)}))
    ops.append(_linear(op, mixed, out_weight, out_bias, op.outputs[0]))
    return tuple(ops)


@RULES.add("aten._transformer_encoder_layer_fwd")
def transformer_encoder_layer(op: Op) -> Tree[Op]:
    """Transformer encoder layer: x = x + attention(x); y = x + W2 f(W1 x); a layer norm before or after each.

    amounts to   multi-head attention, two sums, two layer norms, two linear ops, relu or gelu
    source       aten/src/ATen/native/transformers/transformer.cpp, transformer_encoder_layer_forward
    """
    x, *weights = op.inputs[:13]
    qkv_weight, qkv_bias, out_weight, out_bias, *norms = weights[:8]
    mask = operands(op, *ENCODER_OPERANDS)[13]
    ops: list[Op] = []
    is_first = bool(op.attributes.get("norm_first"))
    source = _normed(op, ops, x, norms[0], norms[1], "norm_1") if is_first else x
    attended = _result(op, "attended", x.shape)
    attributes: dict[str, Attribute] = {"num_head": integer(op, "num_heads"), "need_weights": False}
    if mask is None:
        attributes["mask"] = None
    inputs = (source, source, source, qkv_weight, qkv_bias, out_weight, out_bias, *present(mask))
    ops.append(_made(op, "aten._native_multi_head_attention", inputs, (attended,), attributes))
    x = _sum(op, ops, attended, x, "sum_1")
    if not is_first:
        x = _normed(op, ops, x, norms[0], norms[1], "norm_1")
    source = _normed(op, ops, x, norms[2], norms[3], "norm_2") if is_first else x
    inner = _feed_forward(op, ops, source, tuple(weights[8:]))
    x = _sum(op, ops, inner, x, "sum_2")
    if not is_first:
        _normed(op, ops, x, norms[2], norms[3], "norm_2")
    last = ops[-1]
    return (*ops[:-1], replace(last, outputs=(op.outputs[0], *last.outputs[1:])))


def _feed_forward(op: Op, ops: list[Op], x: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    weight_1, bias_1, weight_2, bias_2 = weights
    shape = (*x.shape[:-1], weight_1.shape[0])
    wide, active = _result(op, "wide", shape), _result(op, "active", shape)
    ops.append(_linear(op, x, weight_1, bias_1, wide))
    name = "aten.gelu" if op.attributes.get("use_gelu") else "aten.relu"
    ops.append(_made(op, name, (wide,), (active,), {"approximate": "none"}))
    narrow = _result(op, "narrow", x.shape)
    ops.append(_linear(op, active, weight_2, bias_2, narrow))
    return narrow


def _normed(op: Op, ops: list[Op], x: Tensor, weight: Tensor, bias: Tensor, name: str) -> Tensor:
    normed = _result(op, name, x.shape)
    attributes: dict[str, Attribute] = {"normalized_shape": (x.shape[-1],), "eps": op.attributes.get("eps")}
    ops.append(_made(op, "aten.native_layer_norm", (x, weight, bias), (normed,), attributes))
    return normed


def _sum(op: Op, ops: list[Op], x: Tensor, y: Tensor, name: str) -> Tensor:
    total = _result(op, name, x.shape)
    ops.append(_made(op, "aten.add", (x, y), (total,), {"alpha": 1}))
    return total


def _projected(op: Op, ops: list[Op], x: Tensor, weight: Tensor, bias: Tensor, name: str) -> Tensor:
    projected = _result(op, name, (*x.shape[:-1], weight.shape[0]))
    ops.append(_linear(op, x, weight, bias, projected))
    return projected


def _linear(op: Op, x: Tensor, weight: Tensor, bias: Tensor, y: Tensor) -> Op:
    return _made(op, "aten.linear", (x, weight, bias), (y,), {})


def _made(
    op: Op,
    name: str,
    inputs: tuple[Tensor, ...],
    outputs: tuple[Tensor, ...],
    attributes: Mapping[str, Attribute],
) -> Op:
    return Op(name=name, module=op.module, inputs=inputs, outputs=outputs, attributes=attributes)


def _result(op: Op, name: str, shape: tuple[int, ...]) -> Tensor:
    y = op.outputs[0]
    return contiguous(Storage(id=f"{y.storage.id}.{name}", elements=prod(shape), dtype=y.dtype), shape)


def _rows(weight: Tensor, index: int) -> Tensor:
    """One of the three blocks of rows of the weight, or bias, that q, k and v share."""
    size = weight.shape[0] // 3
    offset = weight.offset + index * size * weight.strides[0]
    return replace(weight, shape=(size, *weight.shape[1:]), offset=offset)


def _third(joined: Tensor, index: int) -> Tensor:
    """One of q, k and v in the result of their joint product."""
    width = joined.shape[-1] // 3
    return replace(joined, shape=(*joined.shape[:-1], width), offset=joined.offset + index * width)


def _heads(tensor: Tensor, heads: int) -> Tensor:
    """x[b,n,D] seen as x[b,heads,n,D/heads]."""
    batch, n, width = tensor.shape
    by_batch, by_row, by_column = tensor.strides
    strides = (by_batch, width // heads * by_column, by_row, by_column)
    return replace(tensor, shape=(batch, heads, n, width // heads), strides=strides)
