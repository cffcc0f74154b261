"""Ops that pick elements by indices whose values a trace does not keep: any along the dimension is taken."""

from __future__ import annotations

from hwcost.dependence.call import Call, Writes, fitted, means, to_all
from hwcost.dependence.windows import Array, Charge, gathered, joined


@means("embedding")
def embedding(call: Call) -> Writes:
    """out[..., :] = weight[ids[...], :]."""
    weight, ids = call.inputs[:2]
    rows = gathered(weight, (1,), call.charge(Charge.MIXING)).squeeze(1)
    rows = rows.reshape(len(rows), *(1,) * (ids.ndim - 1), rows.shape[-1])
    return to_all(call, joined([rows, ids[..., None]], call.charge(Charge.WIDENING)))


@means("index_select gather take_along_dim")
def selected(call: Call) -> Writes:
    """out[.., i, ..] = x[.., index[i], ..] along a dimension."""
    x, index = call.inputs[:2]
    axis = call.axis(call.op.attributes.get("dim", 0), x.ndim - 1)
    seen = gathered(x, (axis,), call.charge(Charge.MIXING))
    if call.op.name.endswith("index_select"):
        index = index.reshape(len(index), *(1,) * (axis - 1), -1, *(1,) * (x.ndim - 1 - axis))
    return to_all(call, joined([seen, index], call.charge(Charge.WIDENING)))


@means("index take masked_select nonzero")
def indexed(call: Call) -> Writes:
    """Picks out = x[indices], here taken as any element of x."""
    return _everything(call, call.inputs)


@means("scatter scatter_add scatter_reduce index_put index_add index_copy index_fill masked_scatter put")
def scattered(call: Call) -> Writes:
    """Replaces elements of self, or adds to them, at places that indices name."""
    first, *rest = call.inputs
    flat = [_all(call, part, first.ndim) for part in rest]
    return to_all(call, joined([first, *flat], call.charge(Charge.WIDENING)))


def _all(call: Call, numbers: Array, rank: int) -> Array:
    seen = gathered(numbers, range(1, numbers.ndim), call.charge(Charge.MIXING))
    return seen.reshape(len(seen), *(1,) * (rank - 1))


def _everything(call: Call, inputs: tuple[Array, ...]) -> Writes:
    flat = [_all(call, numbers, 1) for numbers in inputs]
    return [(it, fitted(joined(flat, call.charge(Charge.WIDENING)), it)) for it in call.op.outputs]
