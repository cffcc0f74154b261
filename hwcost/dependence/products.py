"""Products of matrices: what a row of the one and a column of the other see."""

from __future__ import annotations

import numpy as np

from hwcost.dependence.call import Call, Writes, means, to_all
from hwcost.dependence.pointwise import band_of, in_band
from hwcost.dependence.windows import (
    LOWEST,
    NONE,
    ZERO,
    Array,
    Charge,
    gathered,
    is_special,
    joined,
    require_room,
    sees_nothing,
    spread,
    united,
)


@means("mm bmm matmul linalg_matmul dot vdot mv _int_mm inner")
def matmul(call: Call) -> Writes:
    """C[m, n] = sum over k of A[m, k] B[k, n]."""
    a, b = call.inputs[:2]
    a = a[:, None] if (is_row := len(call.op.inputs[0].shape) == 1) else a
    b = b[..., None] if (is_column := len(call.op.inputs[1].shape) == 1) else b
    if call.op.name.endswith("inner") and not is_column:
        b = b.swapaxes(-1, -2)
    c = product(call, a, b)
    c = c.squeeze(-2) if is_row else c
    return to_all(call, c.squeeze(-1) if is_column else c)


@means("addmm baddbmm addmv addbmm _addmm_activation")
def addmm(call: Call) -> Writes:
    """C = beta M + alpha A B, M broadcast."""
    bias, a, b = call.inputs[:3]
    is_vector = call.op.name.removesuffix("_").endswith("addmv")
    c = product(call, a, b[..., None] if is_vector else b)
    c = c.squeeze(-1) if is_vector else c
    if call.op.name.removesuffix("_").endswith("addbmm"):
        c = gathered(c, (1,), call.charge(Charge.MIXING)).squeeze(1)
    return _plus(call, c, bias)


@means("linear mkldnn_linear")
def linear(call: Call) -> Writes:
    """y[..., o] = sum over i of w[o, i] x[..., i] (+ bias[o])."""
    x, weight, *bias = call.inputs
    weight = weight.swapaxes(-1, -2)
    y = product(call, x, weight.reshape(len(weight), *(1,) * (x.ndim - 3), *weight.shape[1:]))
    return _plus(call, y, *bias)


def _plus(call: Call, c: Array, *rest: Array) -> Writes:
    """C + M, where M may be a mask of 0 and very negative numbers."""
    shaped = [part.reshape(len(part), *(1,) * (c.ndim - part.ndim), *part.shape[1:]) for part in rest]
    result = joined([c, *shaped], call.charge(Charge.WIDENING))
    for part in shaped:
        result = np.where(part == LOWEST, LOWEST, result) if is_special(part) else result
    band = band_of(call)
    if band is not None:
        result = in_band(result, call.op.outputs[0].shape, band, LOWEST)
    return to_all(call, result)


@means("outer ger addr")
def outer(call: Call) -> Writes:
    """C[i, j] = a[i] b[j] (+ M[i, j])."""
    *rest, a, b = call.inputs
    return to_all(call, joined([*rest, a[..., None], b[:, None]], call.charge(Charge.WIDENING)))


def product(call: Call, a: Array, b: Array) -> Array:
    """What C[..., m, n] sees of A[..., m, k] and B[..., k, n].

    A product with a weight combines the features of one position; that of two tensors which both depend
    on the input mixes positions. Where one factor is 0, the other is not seen.
    """
    a, b = _same_rank(a, b)
    charge = call.charge(Charge.WIDENING if sees_nothing(a) or sees_nothing(b) else Charge.MIXING)
    if is_special(a) or is_special(b):
        return _without_zeros(a, b, charge)
    require_room((*a.shape[:-1], b.shape[-1]))
    row, column = spread(a).min(-1, keepdims=True), spread(b).min(-2, keepdims=True)
    return united(np.minimum(row, column), charge)


def _same_rank(a: Array, b: Array) -> tuple[Array, Array]:
    rank = max(a.ndim, b.ndim)
    first, second = (part.reshape(len(part), *(1,) * (rank - part.ndim), *part.shape[1:]) for part in (a, b))
    return first, second


def _without_zeros(a: Array, b: Array, charge: Charge) -> Array:
    """The product column by column: an element of A that is 0 hides the element of B that it meets."""
    columns = []
    for j in range(b.shape[-1]):
        column = b[..., j : j + 1].swapaxes(-1, -2)
        hidden = (a == ZERO) | (column == ZERO)
        parts = np.minimum(spread(np.where(hidden, NONE, a)), spread(np.where(hidden, NONE, column)))
        columns.append(united(parts.min(-1, keepdims=True), charge))
    return np.concatenate(columns, -1)
