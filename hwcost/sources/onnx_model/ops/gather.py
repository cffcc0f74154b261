"""Ops that pick elements by their indices, or put them there."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.registry import OPS
from hwcost.sources.onnx_model.told import told
from hwcost.sources.onnx_model.values import Value

REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}
"""ONNX's names for what happens where two elements meet, and torch's."""


def _positive(call: Call, place: int, size: int) -> torch.Tensor:
    """Indices, counted from the front where some are known to count from the back."""
    index, known = call.tensor(place), call.real(place)
    if known is None or call.run.is_guess(call.value(place)):
        return index
    with call.run.paused():
        if not bool((known < 0).any()):
            return index
    value = call.value(place)
    if call.is_real or not (isinstance(value, Value) and value.is_fixed):
        return index % size
    with call.run.paused():
        return call.run.known(known % size).tensor


@OPS.add("Gather")
def gather(call: Call) -> torch.Tensor:
    """Slices by their indices: one known index is a view, rows of a table are an embedding."""
    x, index = call.tensor(0), call.tensor(1)
    axis = call.attribute("axis", 0) % x.dim()
    if index.dim() == 0 and call.real(1) is not None and not call.run.is_guess(call.value(1)):
        return x.select(axis, int(call.number(1)))
    index = _positive(call, 1, x.shape[axis])
    index = index if index.dtype in (torch.int32, torch.int64) else index.to(torch.int64)
    if axis == 0 and x.dim() == 2 and x.is_floating_point():
        return functional.embedding(index, x)
    picked = torch.index_select(x, axis, index.reshape(-1))
    return picked.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


@OPS.add("GatherElements")
def gather_elements(call: Call) -> torch.Tensor:
    """Elements by their indices along an axis."""
    x, axis = call.tensor(0), call.attribute("axis", 0)
    index = _positive(call, 1, x.shape[axis])
    if any(index.shape[d] != x.shape[d] for d in range(x.dim()) if d != axis % x.dim()):
        x = x[tuple(slice(0, size if d != axis % x.dim() else None) for d, size in enumerate(index.shape))]
    return torch.gather(x, axis, index.to(torch.int64))


@OPS.add("GatherND")
def gather_by_places(call: Call) -> torch.Tensor:
    """Slices by the indices of several dimensions."""
    x, index = call.tensor(0), call.tensor(1).to(torch.int64)
    batch = call.attribute("batch_dims", 0)
    if not batch:
        return x[tuple(index.unbind(-1))]
    lead = x.shape[:batch]
    flat_x = x.reshape(-1, *x.shape[batch:])
    flat = index.reshape(flat_x.shape[0], *index.shape[batch:])
    rows = torch.arange(flat_x.shape[0], device=call.device).reshape(-1, *[1] * (flat.dim() - 2))
    picked = flat_x[(rows.expand(flat.shape[:-1]), *flat.unbind(-1))]
    return picked.reshape(*lead, *picked.shape[1:])


@OPS.add("ScatterElements", "Scatter")
def scatter(call: Call) -> torch.Tensor:
    """A copy with elements put at their indices along an axis."""
    x, updates = call.tensor(0), call.tensor(2)
    axis, reduction = call.attribute("axis", 0), call.attribute("reduction", "none")
    index = _positive(call, 1, x.shape[axis]).to(torch.int64)
    if reduction == "none":
        return torch.scatter(x, axis, index, updates)
    return torch.scatter_reduce(x, axis, index, updates, REDUCTIONS[reduction])


@OPS.add("ScatterND")
def scatter_by_places(call: Call) -> torch.Tensor:
    """A copy with slices put at the indices of several dimensions."""
    x, index, updates = call.tensor(0), call.tensor(1).to(torch.int64), call.tensor(2)
    places = tuple(index.unbind(-1))
    reduction = call.attribute("reduction", "none")
    if reduction in ("none", "add"):
        return torch.index_put(x, places, updates, accumulate=reduction == "add")
    return _reduced(x, index, updates, REDUCTIONS[reduction])


def _reduced(x: torch.Tensor, index: torch.Tensor, updates: torch.Tensor, how: str) -> torch.Tensor:
    """Slices that meet what is there already: a scatter over the flattened leading dimensions."""
    depth = index.shape[-1]
    flat = torch.zeros_like(index[..., 0])
    for axis in range(depth):
        flat = flat * x.shape[axis] + index[..., axis] % x.shape[axis]
    rows = x.reshape(-1, *x.shape[depth:])
    new = updates.reshape(-1, *x.shape[depth:])
    places = flat.reshape(-1, *[1] * (new.dim() - 1)).expand(new.shape)
    return torch.scatter_reduce(rows, 0, places, new, how).reshape(x.shape)


@OPS.add("TensorScatter", folds=False)
def cache_update(call: Call) -> torch.Tensor:
    """A cache with new entries put in from an index on: a window, wherever it lies."""
    cache, update, axis = call.tensor(0), call.tensor(1), call.attribute("axis", -2)
    return torch.slice_scatter(cache, update, axis, 0, update.shape[axis])


def _known(call: Call, place: int) -> torch.Tensor:
    """An input whose values say how much the op gives.

    Raises:
        ModelError: they depend on data.
    """
    found = call.real(place)
    if found is None:
        raise ModelError(
            f"how much it gives depends on the values of input {place}, which depend on data",
            mend="export the part of the model before this node",
        )
    value = call.value(place)
    return found if isinstance(value, Value) and value.is_fixed else call.tensor(place)


def _made(call: Call, result: torch.Tensor) -> torch.Tensor:
    """A result that was worked out from constants, on the device of the pass."""
    if call.is_real or call.run.capture is None or result.is_meta:
        return result
    with call.run.capture.paused():  # its values are real, not the model's
        return call.run.capture.to_meta(result, learn=True)


@OPS.add("NonZero")
def places(call: Call) -> torch.Tensor:
    """Where the elements are that are not zero."""
    return _made(call, torch.nonzero(_known(call, 0))).T


@OPS.add("Compress")
def compress(call: Call) -> torch.Tensor:
    """The slices where a condition holds."""
    x, axis = call.tensor(0), call.attribute("axis")
    chosen = _made(call, torch.nonzero(_known(call, 1)).reshape(-1))
    return torch.index_select(x.reshape(-1) if axis is None else x, 0 if axis is None else axis, chosen)


@OPS.add("Unique")
def unique(call: Call) -> Any:
    """The values without repeats, where they lie first, which is which, and how many there are."""
    x = _known(call, 0)
    results = torch.unique(x, return_inverse=True, return_counts=True, dim=call.attribute("axis"))
    values, inverse, counts = (_made(call, part) for part in results)
    return values, torch.zeros_like(counts), inverse.reshape(-1), counts


@OPS.add("NonMaxSuppression", folds=False)
def suppression(call: Call) -> torch.Tensor:
    """Boxes without those that overlap better ones: as many are taken to be left as may be."""
    boxes, scores = call.tensor(0), call.tensor(1)
    most = int(call.number(2)) if call.has(2) and call.real(2) is not None else 0
    batch, classes, count = scores.shape
    left = batch * classes * min(most, count)
    call.run.note("of non-maximum suppression as many boxes were taken to be left as may be")
    (result,) = told(call.run, "onnx.NonMaxSuppression", [boxes, scores], [((left, 3), torch.int64)])
    return result
