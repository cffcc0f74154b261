"""Ops that pick elements by indices: those that the trace has kept, else any along the dimension."""

from __future__ import annotations

import numpy as np

from hwcost.dependence.call import Call, Writes, means, to_all
from hwcost.dependence.movement import taken
from hwcost.dependence.windows import Array, Charge, gathered, joined
from hwcost.graph import Attribute


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
    positions = call.op.attributes.get("positions")
    if isinstance(positions, tuple):
        return to_all(call, _picked(x, axis, call.op.inputs[0].shape[axis - 1], positions))
    seen = gathered(x, (axis,), call.charge(Charge.MIXING))
    if call.op.name.endswith("index_select"):
        index = index.reshape(len(index), *(1,) * (axis - 1), -1, *(1,) * (x.ndim - 1 - axis))
    return to_all(call, joined([seen, index], call.charge(Charge.WIDENING)))


def _picked(x: Array, axis: int, size: int, positions: tuple[Attribute, ...]) -> Array:
    return taken(x, axis, np.array([int(p) % max(size, 1) for p in positions if isinstance(p, int)]))


@means("index")
def indexed(call: Call) -> Writes:
    """Picks out = x[.., indices, ..]: positions that are not known may be any of the indexed dimensions."""
    x, *indices = call.inputs
    dims, positions = (call.op.attributes.get(name) for name in ("indexed", "positions"))
    places = [dim for dim in dims if isinstance(dim, int)] if isinstance(dims, tuple) else []
    if not places:
        return everything(call)
    if isinstance(positions, tuple):
        return to_all(call, _picked(x, places[0] + 1, call.op.inputs[0].shape[places[0]], positions))
    axes = tuple(place + 1 for place in places)
    seen = gathered(x, axes, call.charge(Charge.MIXING)).squeeze(axes)
    rank = max(index.ndim - 1 for index in indices)
    is_block = places == list(range(places[0], places[0] + len(places)))
    at = places[0] + 1 if is_block else 1  # indices that are not side by side put their dimensions first
    seen = seen.reshape((*seen.shape[:at], *(1,) * rank, *seen.shape[at:]))
    flat = [_all(call, index, seen.ndim) for index in indices]
    return to_all(call, joined([seen, *flat], call.charge(Charge.WIDENING)))


@means("take masked_select nonzero")
def everything(call: Call) -> Writes:
    """Picks any element of the inputs."""
    flat = [_all(call, numbers, 1) for numbers in call.inputs]
    return to_all(call, joined(flat, call.charge(Charge.WIDENING)))


@means("scatter scatter_add scatter_reduce index_put index_add index_copy index_fill masked_scatter put")
def scattered(call: Call) -> Writes:
    """Replaces elements of self, or adds to them, at places that indices name."""
    first, *rest = call.inputs
    flat = [_all(call, part, first.ndim) for part in rest]
    return to_all(call, joined([first, *flat], call.charge(Charge.WIDENING)))


def _all(call: Call, numbers: Array, rank: int) -> Array:
    seen = gathered(numbers, range(1, numbers.ndim), call.charge(Charge.MIXING))
    return seen.reshape(len(seen), *(1,) * (rank - 1))
