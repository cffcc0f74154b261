"""Attention, of the standard and of onnxruntime, as scaled dot-product attention."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.registry import MICROSOFT, OPS

FLAT, BY_HEAD, PACKED = 3, 4, 5
"""Dimensions of q[B,n,H*d], of q[B,H,n,d], and of what packs q, k and v (or k and v)."""


def heads_of(x: torch.Tensor, heads: int) -> torch.Tensor:
    """x[B,n,H*d] as [B,H,n,d], a view."""
    if x.dim() != FLAT:
        return x
    if heads < 1 or x.shape[-1] % heads:
        raise ModelError(f"{x.shape[-1]} features do not part into {heads} heads", mend="check the model")
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)


def joined(y: torch.Tensor) -> torch.Tensor:
    """y[B,H,n,d] as [B,n,H*d]."""
    return y.transpose(1, 2).reshape(y.shape[0], y.shape[2], -1)


def grown(past: torch.Tensor | None, new: torch.Tensor) -> torch.Tensor:
    """The keys or values of before with the new ones behind."""
    return new if past is None else torch.cat([past, new], dim=2)


def attend(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    *,
    mask: torch.Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> torch.Tensor:
    """Scaled dot-product attention over [B,H,n,d], several query heads to one of keys where they differ."""
    shares = q.shape[1] != k.shape[1]
    if shares and (not k.shape[1] or q.shape[1] % k.shape[1]):
        raise ModelError(
            f"{q.shape[1]} query heads do not share {k.shape[1]} of keys", mend="check the model"
        )
    return functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=is_causal and mask is None, scale=scale or None, enable_gqa=shares
    )


@OPS.add("Attention", folds=False)
def attention(call: Call) -> Any:
    """(Y, present key, present value) of q, k, v, a mask, and keys and values of before."""
    q_heads, k_heads = call.attribute("q_num_heads", 0), call.attribute("kv_num_heads", 0)
    is_flat = call.tensor(0).dim() == FLAT
    q = heads_of(call.tensor(0), q_heads)
    k, v = (heads_of(call.tensor(place), k_heads) for place in (1, 2))
    k, v = grown(call.optional(4), k), grown(call.optional(5), v)
    mask, is_causal = call.optional(3), bool(call.attribute("is_causal", 0))
    if call.attribute("softcap", 0.0):
        call.run.note("the soft cap of attention's scores was left out")
    y = attend(q, k, v, mask=mask, is_causal=is_causal, scale=call.attribute("scale"))
    results = [joined(y) if is_flat else y, k, v]
    if call.wants(3):
        shared = k.repeat_interleave(q.shape[1] // k.shape[1], 1) if q.shape[1] != k.shape[1] else k
        results.append(torch.matmul(q, shared.transpose(-1, -2)))
    return tuple(results)


@OPS.add("Attention", domain=MICROSOFT, folds=False)
def attention_with_projection(call: Call) -> Any:
    """Attention over x W + b, W[I,3H] for q, k and v side by side."""
    x, weight, bias = call.tensor(0), call.tensor(1), call.optional(2)
    heads = call.attribute("num_heads", 0)
    qkv = torch.matmul(x, weight)
    qkv = qkv if bias is None else qkv + bias
    sizes = call.attribute("qkv_hidden_sizes") or [qkv.shape[-1] // 3] * 3
    q, k, v = (heads_of(part, heads) for part in torch.split(qkv, list(sizes), -1))
    past = call.optional(4)
    if past is not None:
        k, v = grown(past[0], k), grown(past[1], v)
    bias_of_scores = call.optional(5)
    y = attend(
        q,
        k,
        v,
        mask=bias_of_scores,
        is_causal=bool(call.attribute("unidirectional", 0)),
        scale=call.attribute("scale"),
    )
    return joined(y), torch.stack([k, v]) if call.wants(1) else None


@OPS.add("MultiHeadAttention", domain=MICROSOFT, folds=False)
def multi_head_attention(call: Call) -> Any:
    """Attention over projected q, k and v, apart or packed, with biases and keys of before."""
    heads = call.attribute("num_heads", 0)
    q, k, v = _unpacked(call)
    if call.has(3):
        bias = call.tensor(3)
        sizes = [part.shape[-1] * (1 if part.dim() == FLAT else part.shape[1]) for part in (q, k, v)]
        q, k, v = (
            part + own if part.dim() == FLAT else part
            for part, own in zip((q, k, v), torch.split(bias, sizes), strict=True)
        )
    q, k, v = (heads_of(part, heads) for part in (q, k, v))
    k, v = grown(call.optional(6), k), grown(call.optional(7), v)
    is_causal = bool(call.attribute("unidirectional", 0))
    y = attend(q, k, v, mask=call.optional(5), is_causal=is_causal, scale=call.attribute("scale"))
    return joined(y), k, v


def _unpacked(call: Call) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    q = call.tensor(0)
    if q.dim() == PACKED:  # [B,n,H,3,d]
        first, second, third = (part.flatten(2) for part in q.unbind(3))
        return first, second, third
    k = call.tensor(1)
    if k.dim() == PACKED:  # [B,m,H,2,d]
        first, second = (part.flatten(2) for part in k.unbind(3))
        return q, first, second
    return q, k, call.tensor(2)


@OPS.add("GroupQueryAttention", domain=MICROSOFT, folds=False)
def grouped_query_attention(call: Call) -> Any:
    """Causal attention of query heads that share keys, which are rotated where do_rotary is set."""
    heads, k_heads = call.attribute("num_heads", 0), call.attribute("kv_num_heads", 0)
    q = call.tensor(0)
    if call.has(1):
        k, v = call.tensor(1), call.tensor(2)
    else:
        if heads + k_heads < 1:
            raise ModelError("says neither num_heads nor kv_num_heads", mend="check the model")
        each = q.shape[-1] // (heads + 2 * k_heads)
        q, k, v = torch.split(q, [heads * each, k_heads * each, k_heads * each], -1)
    q, k, v = heads_of(q, heads), heads_of(k, k_heads), heads_of(v, k_heads)
    if call.attribute("do_rotary", 0) and call.has(7):
        cos, sin = (call.tensor(place)[: q.shape[2]] for place in (7, 8))
        q, k = rotated(q, cos, sin), rotated(k, cos, sin)
    past = call.optional(3)
    k, v = grown(past, k), grown(call.optional(4), v)
    y = attend(q, k, v, is_causal=past is None or not past.shape[2], scale=call.attribute("scale"))
    return joined(y), k, v


def rotated(
    x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, *, interleaved: bool = False
) -> torch.Tensor:
    """x[...,n,d] with its first 2c features turned, pairs of them, by angles cos, sin[n,c]."""
    width = cos.shape[-1]
    turned, rest = x[..., : 2 * width], x[..., 2 * width :]
    if interleaved:
        a, b = turned[..., ::2], turned[..., 1::2]
        result = torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)
    else:
        a, b = turned[..., :width], turned[..., width:]
        result = torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
    return torch.cat([result, rest], dim=-1) if rest.shape[-1] else result


@OPS.add("RotaryEmbedding", folds=False)
def rotary_embedding(call: Call) -> torch.Tensor:
    """Rotated features: x, cos, sin, positions."""
    return _rotary(call, call.tensor(1), call.tensor(2), call.has(3), 3)


@OPS.add("RotaryEmbedding", domain=MICROSOFT, folds=False)
def rotary_embedding_of_onnxruntime(call: Call) -> torch.Tensor:
    """Rotated features: x, positions, cos, sin."""
    return _rotary(call, call.tensor(2), call.tensor(3), call.tensor(1).dim() > 1, 1)


def _rotary(
    call: Call, cos: torch.Tensor, sin: torch.Tensor, has_positions: bool, place: int
) -> torch.Tensor:
    x = call.tensor(0)
    is_flat, heads = x.dim() == FLAT, call.attribute("num_heads", 0)
    if is_flat and not heads:
        heads = x.shape[-1] // (2 * cos.shape[-1])
    x = heads_of(x, heads)
    if has_positions:
        cos, sin = (functional.embedding(call.tensor(place), part).unsqueeze(1) for part in (cos, sin))
    elif cos.dim() > 2:
        cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    else:
        cos, sin = cos[: x.shape[2]], sin[: x.shape[2]]
    y = rotated(x, cos, sin, interleaved=bool(call.attribute("interleaved", 0)))
    return joined(y) if is_flat else y
