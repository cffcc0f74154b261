"""Reductions, normalisations and scans: what goes over whole dimensions."""

from __future__ import annotations

import numpy as np

from hwcost.dependence.call import Call, Writes, fitted, means, to_all
from hwcost.dependence.windows import Array, Charge, gathered, joined, spread, united
from hwcost.graph import Tensor


@means(
    "sum mean nansum nanmean amax amin max min argmax argmin prod var std var_mean std_mean norm logsumexp",
    "linalg_vector_norm native_norm any all count_nonzero median nanmedian aminmax _aminmax",
    "special_logsumexp frobenius_norm kthvalue mode",
)
def reduction(call: Call) -> Writes:
    """One value for all elements along the dimensions `dim` (all where there is none)."""
    if len(call.inputs) > 1 and call.op.name in {"aten.max", "aten.min"}:
        return to_all(call, joined([*call.inputs], call.charge(Charge.WIDENING)))
    x = call.inputs[0]
    rank = x.ndim - 1
    axes = _axes(call, rank)
    seen = gathered(x, axes, call.charge(Charge.MIXING))
    return [(it, seen if len(it.shape) == rank else seen.squeeze(axes)) for it in call.op.outputs]


def _axes(call: Call, rank: int) -> tuple[int, ...]:
    """The axes that a reduction goes over."""
    dims = call.op.attributes.get("dim")
    if dims is None or dims == ():
        return tuple(range(1, rank + 1))
    return tuple(call.axis(dim, rank) for dim in (dims if isinstance(dims, tuple) else (dims,)))


@means("native_layer_norm layer_norm _fused_rms_norm rms_norm")
def layer_norm(call: Call) -> Writes:
    """Normalises: y = (x - mean) / deviation * w + b over the dimensions of `normalized_shape`."""
    shape = call.op.attributes.get("normalized_shape")
    x, *rest = call.inputs
    count = len(shape) if isinstance(shape, tuple) else 1
    seen = gathered(x, range(x.ndim - count, x.ndim), call.charge(Charge.WIDENING))
    parts = [fitted(part, call.op.outputs[0]) for part in rest]
    return to_all(call, joined([seen, *parts], call.charge(Charge.WIDENING)))


@means("native_group_norm group_norm instance_norm")
def group_norm(call: Call) -> Writes:
    """Normalises: y = (x - mean) / deviation over the channels of a group and all positions."""
    x = call.inputs[0]
    groups = call.number("group", call.number("num_groups", 1))
    if x.shape[2] > 1:
        grouped = x.reshape((*x.shape[:2], groups, -1, *x.shape[3:]))
        seen = gathered(grouped, range(3, grouped.ndim), call.charge(Charge.MIXING))
        seen = np.broadcast_to(seen, (*seen.shape[:3], grouped.shape[3], *seen.shape[4:]))
        seen = seen.reshape((*x.shape[:3], *(1,) * (x.ndim - 3)))
    else:
        seen = gathered(x, range(3, x.ndim), call.charge(Charge.MIXING))
    return [
        (it, seen if len(it.shape) == x.ndim - 1 else _per_group(seen, it, groups)) for it in call.op.outputs
    ]


def _per_group(seen: Array, tensor: Tensor, groups: int) -> Array:
    """The mean or deviation, [n, groups]."""
    flat: Array = seen.reshape(seen.shape[0], seen.shape[1], seen.shape[2])
    if flat.shape[2] > 1:
        flat = flat.take(range(0, flat.shape[2], flat.shape[2] // max(groups, 1)), 2)
    return fitted(flat, tensor)


@means("native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training cudnn_batch_norm")
@means("batch_norm _batch_norm_with_update _batch_norm_no_update miopen_batch_norm")
def batch_norm(call: Call) -> Writes:
    """Normalises: y = (x - mean[c]) / deviation[c].

    In training these are of the batch and all positions, else they are constants.
    """
    x = call.inputs[0]
    if call.flag("training"):
        axes = tuple(axis for axis in range(1, x.ndim) if axis != 2)
        x = gathered(x, axes, call.charge(Charge.MIXING))
    statistics = gathered(x, range(1, x.ndim), Charge.FREE).reshape(len(x), 1)
    return [
        (it, x if len(it.shape) == len(call.op.inputs[0].shape) else statistics) for it in call.op.outputs
    ]


@means("cumsum cumprod cummax cummin logcumsumexp _logcumsumexp _cummax_helper _cummin_helper")
def scan(call: Call) -> Writes:
    """y[i] of x[0 .. i] along a dimension."""
    x = call.inputs[0]
    axis = call.axis(call.op.attributes.get("dim", 0), x.ndim - 1)
    if x.shape[axis] > 1:
        x = united(np.minimum.accumulate(spread(x), axis + 1), call.charge(Charge.MIXING))
    return to_all(call, x)


@means("sort argsort topk msort unique_consecutive renorm linalg_cross cross")
@means("fft_fft _fft_c2c _fft_r2c _fft_c2r flatten_all")
def along(call: Call) -> Writes:
    """Every element along a dimension depends on all of them."""
    x = joined([*call.inputs], call.charge(Charge.WIDENING))
    axes = _axes(call, x.ndim - 1) if "dim" in call.op.attributes else (x.ndim - 1,)
    return to_all(call, gathered(x, axes, call.charge(Charge.MIXING)))
