"""Attention: what a query sees of the keys and values that it is allowed to attend to."""

from __future__ import annotations

import numpy as np

from hwcost.dependence.call import Call, Writes, means, to_all
from hwcost.dependence.pointwise import band_of
from hwcost.dependence.sliding import slid
from hwcost.dependence.windows import (
    LOWEST,
    ZERO,
    Array,
    Charge,
    gathered,
    nothing,
    spread,
    united,
    unspecial,
)

FUSED = (
    "torch.scaled_dot_product_attention scaled_dot_product_attention _scaled_dot_product_attention_math"
    " _scaled_dot_product_efficient_attention _scaled_dot_product_flash_attention_for_cpu"
    " _scaled_dot_product_flash_attention _scaled_dot_product_cudnn_attention"
)


@means(FUSED)
def attention(call: Call) -> Writes:
    """out[i, :] = sum over j of softmax_j(q[i, :] k[j, :]) v[j, :], as far as the mask allows j.

    A query sees itself, and keys and values from i + lowest to i + highest.
    """
    heads = call.op.inputs[0].shape[:-2]
    q, k, v = call.inputs[0], *(_repeated(part, heads) for part in call.inputs[1:3])
    n, m = call.op.inputs[0].shape[-2], call.op.inputs[1].shape[-2]
    low, high = _reach(call, n, m)
    q = gathered(q, (q.ndim - 1,), call.charge(Charge.WIDENING))
    k = gathered(k, (k.ndim - 1,), call.charge(Charge.WIDENING))
    seen = np.minimum(spread(k), spread(v))
    axis = seen.ndim - 2
    low, high = max(low, -(n - 1)), min(high, m - 1)
    if seen.shape[axis] > 1:
        seen = slid(seen, axis, kernel=max(high - low + 1, 1), first=low, count=n)
    parts = np.minimum(seen, spread(q))
    mask = _mask(call, parts.ndim - 2)
    if mask is not None:
        parts = np.minimum(parts, spread(mask))
    result = united(parts, call.charge(Charge.STEP if m > 1 else Charge.WIDENING))
    return [
        (call.op.outputs[0], result),
        *((it, _statistics(result, it.shape)) for it in call.op.outputs[1:]),
    ]


def _reach(call: Call, n: int, m: int) -> tuple[int, int]:
    """The lowest and the highest key - query that is allowed."""
    return band_of(call) or (-(n - 1), 0 if call.flag("is_causal") else m - 1)


def _repeated(part: Array, heads: tuple[int, ...]) -> Array:
    """Key and value heads repeated for the query heads that share them."""
    axis = part.ndim - 3
    if axis > 0 and part.shape[axis] > 1 and heads and part.shape[axis] != heads[-1]:
        return np.repeat(part, heads[-1] // part.shape[axis], axis)
    return part


def _mask(call: Call, rank: int) -> Array | None:
    """What a query sees of a mask that depends on the input."""
    if len(call.inputs) < 4:
        return None
    mask = unspecial(call.inputs[3])
    mask = gathered(mask, (mask.ndim - 1,), call.charge(Charge.MIXING))
    return mask.reshape(len(mask), *(1,) * (rank + 1 - mask.ndim), *mask.shape[1:])


def _statistics(numbers: Array, shape: tuple[int, ...]) -> Array:
    """Of what else a fused kernel returns, that which has a number per query."""
    if len(shape) == numbers.ndim - 2:
        return gathered(numbers, (numbers.ndim - 1,), Charge.FREE).squeeze(-1)
    return nothing(len(shape))


@means("_softmax softmax special_softmax _safe_softmax _log_softmax log_softmax special_log_softmax")
def softmax(call: Call) -> Writes:
    """y[i] = exp(x[i]) / sum over j of exp(x[j]) along a dimension; 0 where a mask has set x very low."""
    x = call.inputs[0]
    axis = call.axis(call.op.attributes.get("dim", -1), x.ndim - 1)
    y = gathered(x, (axis,), call.charge(Charge.MIXING))
    masked = x == LOWEST
    if "log" in call.op.name or not masked.any():
        return to_all(call, y)
    return to_all(call, np.where(masked & ~masked.all(axis, keepdims=True), ZERO, y))
