"""Sums, means, extremes and what is found by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch

from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.registry import OPS

Reduction = Callable[[torch.Tensor, list[int], bool], torch.Tensor]


def _product(x: torch.Tensor, axes: list[int], keep: bool) -> torch.Tensor:
    for axis in sorted(axes, reverse=True):
        x = torch.prod(x, axis, keepdim=keep, dtype=x.dtype)
    return x


def _sum(x: torch.Tensor, axes: list[int], keep: bool) -> torch.Tensor:
    return torch.sum(x, axes, keepdim=keep, dtype=x.dtype)


def _mean(x: torch.Tensor, axes: list[int], keep: bool) -> torch.Tensor:
    if x.dtype.is_floating_point:
        return torch.mean(x, axes, keepdim=keep)
    return torch.mean(x.to(torch.float32), axes, keepdim=keep).to(x.dtype)


REDUCTIONS: Final[dict[str, Reduction]] = {
    "ReduceSum": _sum,
    "ReduceMean": _mean,
    "ReduceMax": lambda x, axes, keep: torch.amax(x, axes, keepdim=keep),
    "ReduceMin": lambda x, axes, keep: torch.amin(x, axes, keepdim=keep),
    "ReduceProd": _product,
    "ReduceL1": lambda x, axes, keep: _sum(torch.abs(x), axes, keep),
    "ReduceL2": lambda x, axes, keep: torch.sqrt(_sum(x * x, axes, keep)).to(x.dtype),
    "ReduceLogSum": lambda x, axes, keep: torch.log(_sum(x, axes, keep)).to(x.dtype),
    "ReduceLogSumExp": lambda x, axes, keep: torch.logsumexp(x, axes, keepdim=keep).to(x.dtype),
    "ReduceSumSquare": lambda x, axes, keep: _sum(x * x, axes, keep),
}


def _reduction(reduce: Reduction) -> Callable[[Call], Any]:
    def replay(call: Call) -> torch.Tensor:
        x, axes = call.tensor(0), call.list_of("axes", 1)
        if not axes:
            axes = [] if call.attribute("noop_with_empty_axes", 0) else list(range(x.dim()))
        if not axes:
            return _elementwise(call.node.op, x)
        return reduce(x, [axis % x.dim() for axis in axes], bool(call.attribute("keepdims", 1)))

    return replay


def _elementwise(name: str, x: torch.Tensor) -> torch.Tensor:
    """What is left of a reduction along no axis."""
    if name in ("ReduceL1", "ReduceL2"):
        return torch.abs(x)
    if name == "ReduceLogSum":
        return torch.log(x)
    return x * x if name == "ReduceSumSquare" else x


for _name, _function in REDUCTIONS.items():
    OPS.add(_name)(_reduction(_function))


@OPS.add("ArgMax", "ArgMin")
def place_of_extreme(call: Call) -> torch.Tensor:
    """Where the largest or smallest lies."""
    find = torch.argmax if call.node.op == "ArgMax" else torch.argmin
    return find(call.tensor(0), call.attribute("axis", 0), keepdim=bool(call.attribute("keepdims", 1)))


@OPS.add("CumSum", "CumProd")
def running(call: Call) -> torch.Tensor:
    """Running sums or products, along an axis that is given as a number."""
    x, axis = call.tensor(0), int(call.number(1))
    along = torch.cumsum if call.node.op == "CumSum" else torch.cumprod
    if call.attribute("reverse", 0):
        x = x.flip(axis)
    result = along(x, axis, dtype=x.dtype)
    if call.attribute("exclusive", 0):
        result = result - x if call.node.op == "CumSum" else (result / x).to(x.dtype)
    return result.flip(axis) if call.attribute("reverse", 0) else result


@OPS.add("TopK")
def largest(call: Call) -> Any:
    """The k largest or smallest, and where they lie."""
    x, axis = call.tensor(0), call.attribute("axis", -1)
    k = int(call.number(1)) if call.has(1) else call.attribute("k")
    is_sorted = bool(call.attribute("sorted", 1))
    return tuple(torch.topk(x, k, axis, bool(call.attribute("largest", 1)), is_sorted))


@OPS.add("Softmax", "LogSoftmax")
def softmax(call: Call) -> torch.Tensor:
    """Softmax along an axis; before operator set 13 over all dimensions from the axis on."""
    x = call.tensor(0)
    function = torch.softmax if call.node.op == "Softmax" else torch.log_softmax
    if call.version >= 13:
        return function(x, call.attribute("axis", -1))
    axis = call.attribute("axis", 1) % max(x.dim(), 1)
    if axis == x.dim() - 1:
        return function(x, axis)
    return function(x.flatten(axis), axis).reshape(x.shape)


@OPS.add("Hardmax")
def hardmax(call: Call) -> torch.Tensor:
    """One where the largest lies, else zero."""
    x = call.tensor(0)
    if call.version >= 13:
        axis = call.attribute("axis", -1) % x.dim()
        places = torch.argmax(x, axis, keepdim=True)
        return torch.zeros_like(x).scatter(axis, places, 1)
    flat = x.flatten(call.attribute("axis", 1))
    places = torch.argmax(flat, -1, keepdim=True)
    return torch.zeros_like(flat).scatter(-1, places, 1).reshape(x.shape)
