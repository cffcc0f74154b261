"""Pools."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.registry import OPS
from hwcost.sources.onnx_model.told import told
from hwcost.sources.onnx_model.windows import Windows, windows_of

MAXIMUM = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
AVERAGE = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}


def windows(call: Call, x: torch.Tensor) -> tuple[Windows, tuple[int, ...]]:
    """The windows of a pool, and the shape of its result."""
    found = windows_of(call, tuple(call.attribute("kernel_shape", ())), tuple(x.shape[2:]))
    return found, (*x.shape[:2], *found.counts(tuple(x.shape[2:])))


def _attributes(found: Windows) -> dict[str, Any]:
    return {
        "kernel_size": found.kernel,
        "stride": found.strides,
        "padding": found.before,
        "dilation": found.dilations,
        "ceil_mode": found.ceil,
    }


def _is_torch(found: Windows) -> bool:
    """Whether torch has such a pool: padded alike, by half a kernel at most, in 1 to 3 dimensions."""
    halves = all(2 * pad <= k for pad, k in zip(found.before, found.kernel, strict=True))
    return found.is_even and halves and len(found.kernel) in MAXIMUM


@OPS.add("MaxPool", folds=False)
def max_pool(call: Call) -> Any:
    """The largest of each window, and where it lies."""
    x = call.tensor(0)
    found, shape = windows(call, x)
    if _is_torch(found) and x.is_floating_point():
        pool: Any = MAXIMUM[len(found.kernel)]
        places = call.wants(1)
        result = pool(x, found.kernel, found.strides, found.before, found.dilations, found.ceil, places)
        values = result[0] if places else result
        if tuple(values.shape) == shape:
            return result
    dims = min(len(found.kernel), 3)
    made = [(shape, x.dtype), (shape, torch.int64)][: 1 + call.wants(1)]
    name = f"aten.max_pool{dims}d_with_indices"
    return told(call.run, name, [x], made, _attributes(found))


@OPS.add("AveragePool", "LpPool", folds=False)
def average_pool(call: Call) -> torch.Tensor:
    """The mean of each window; of an Lp pool its norm, counted as a mean of powers."""
    x = call.tensor(0)
    if call.node.op == "LpPool":
        x = x * x if call.attribute("p", 2) == 2 else torch.abs(x)
    found, shape = windows(call, x)
    result = None
    if _is_torch(found) and set(found.dilations) <= {1}:
        pool: Any = AVERAGE[len(found.kernel)]
        counts_padding = bool(call.attribute("count_include_pad", 0))
        result = pool(x, found.kernel, found.strides, found.before, found.ceil, counts_padding)
    if result is None or tuple(result.shape) != shape:
        name = f"aten.avg_pool{min(len(found.kernel), 3)}d"
        (result,) = told(call.run, name, [x], [(shape, x.dtype)], _attributes(found))
    if call.node.op == "LpPool" and call.attribute("p", 2) == 2:
        return torch.sqrt(result)
    return result


@OPS.add("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", folds=False)
def global_pool(call: Call) -> torch.Tensor:
    """The mean, the largest or the norm of each channel."""
    x = call.tensor(0)
    axes = list(range(2, x.dim()))
    if call.node.op == "GlobalAveragePool":
        return torch.mean(x, axes, keepdim=True)
    if call.node.op == "GlobalMaxPool":
        return torch.amax(x, axes, keepdim=True)
    norm: torch.Tensor = torch.linalg.vector_norm(x, call.attribute("p", 2), axes, keepdim=True)
    return norm


@OPS.add("MaxUnpool", folds=False)
def max_unpool(call: Call) -> torch.Tensor:
    """Zero but for x at its places."""
    x, places = call.tensor(0), call.tensor(1)
    kernel = call.attribute("kernel_shape", ())
    rank = len(kernel)
    strides, pads = call.attribute("strides", (1,) * rank), call.attribute("pads", (0,) * 2 * rank)
    if call.has(2):
        shape = [int(n) for n in call.numbers(2)]
    else:
        rows = zip(x.shape[2:], strides, kernel, pads[:rank], pads[rank:], strict=True)
        shape = [*x.shape[:2], *((n - 1) * s + k - b - a for n, s, k, b, a in rows)]
    if len(shape) != x.dim():
        raise ModelError("its output_shape does not fit its input", mend="check the model")
    name = f"aten.max_unpool{3 if rank == 3 else 2}d"
    return told(call.run, name, [x, places], [(shape, x.dtype)])[0]
