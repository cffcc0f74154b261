"""Ops that make tensors of nothing but sizes."""

from __future__ import annotations

from typing import Any

import torch

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.dtypes import dtype_of
from hwcost.sources.onnx_model.graph import Weight
from hwcost.sources.onnx_model.registry import OPS
from hwcost.sources.onnx_model.values import Value

PLAIN = {
    "value_float": torch.float32,
    "value_floats": torch.float32,
    "value_int": torch.int64,
    "value_ints": torch.int64,
}


@OPS.add("Constant", folds=False)
def constant(call: Call) -> Value:
    """A tensor that the node holds."""
    value = call.attribute("value") or call.attribute("sparse_value")
    if isinstance(value, Weight):
        return call.run.weight(value)
    for name, dtype in PLAIN.items():
        if (plain := call.attribute(name)) is not None:
            return call.run.numbers(plain, dtype)
    raise ModelError("holds no tensor of numbers", mend="export the part that computes on numbers")


@OPS.add("ConstantOfShape")
def filled(call: Call) -> torch.Tensor:
    """One value everywhere."""
    sizes = [int(n) for n in call.numbers(0)]
    value = call.attribute("value")
    if not isinstance(value, Weight):
        return torch.zeros(sizes, device=call.device)
    number = value.values.flatten()[0].item() if value.values is not None and value.values.size else 0
    return torch.full(sizes, number, dtype=value.dtype, device=call.device)


@OPS.add("Range")
def counted(call: Call) -> torch.Tensor:
    """Numbers from start to limit."""
    start, limit, delta = (call.number(place) for place in range(3))
    return torch.arange(start, limit, delta, dtype=call.tensor(0).dtype, device=call.device)


@OPS.add("EyeLike")
def eye(call: Call) -> torch.Tensor:
    """Ones on a diagonal."""
    x = call.tensor(0)
    dtype = dtype_of(call.attribute("dtype"), "") if call.attribute("dtype") else x.dtype
    k = call.attribute("k", 0)
    ones = torch.ones(tuple(x.shape), dtype=dtype, device=call.device)
    return ones.triu(k).tril(k)


@OPS.add("OneHot")
def one_hot(call: Call) -> torch.Tensor:
    """One of two values: where an index points, and elsewhere."""
    index, depth, values = call.tensor(0), int(call.number(1)), call.tensor(2)
    axis = call.attribute("axis", -1)
    places = torch.arange(depth, device=call.device, dtype=index.dtype)
    axis = axis % (index.dim() + 1)
    places = places.reshape(-1, *[1] * (index.dim() - axis))
    return torch.where((index % depth).unsqueeze(axis) == places, values[1], values[0])


@OPS.add("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", folds=False)
def random(call: Call) -> torch.Tensor:
    """Random numbers."""
    is_like = call.node.op.endswith("Like")
    shape = tuple(call.tensor(0).shape) if is_like else tuple(call.attribute("shape", ()))
    like = call.tensor(0).dtype if is_like else torch.float32
    dtype = dtype_of(call.attribute("dtype"), "") if call.attribute("dtype") else like
    made = torch.randn if "Normal" in call.node.op else torch.rand
    x = made(shape, dtype=dtype, device=call.device)
    if "Normal" in call.node.op:
        scale, shift = call.attribute("scale", 1.0), call.attribute("mean", 0.0)
    else:
        shift = call.attribute("low", 0.0)
        scale = call.attribute("high", 1.0) - shift
    x = x if scale == 1 else x * scale
    return x + shift if shift else x


@OPS.add("Bernoulli", folds=False)
def bernoulli(call: Call) -> torch.Tensor:
    """One with the given probability."""
    x = call.tensor(0)
    dtype = dtype_of(call.attribute("dtype"), "") if call.attribute("dtype") else x.dtype
    drawn = torch.bernoulli(x)
    return drawn if drawn.dtype == dtype else drawn.to(dtype)


@OPS.add("Multinomial", folds=False)
def multinomial(call: Call) -> torch.Tensor:
    """Draws by unnormalised log-probabilities."""
    drawn = torch.multinomial(
        torch.softmax(call.tensor(0), -1), call.attribute("sample_size", 1), replacement=True
    )
    dtype: Any = dtype_of(call.attribute("dtype", 6), "")
    return drawn if drawn.dtype == dtype else drawn.to(dtype)


@OPS.add("HannWindow", "HammingWindow", "BlackmanWindow")
def window(call: Call) -> torch.Tensor:
    """The weights of a window."""
    made = {
        "HannWindow": torch.hann_window,
        "HammingWindow": torch.hamming_window,
        "BlackmanWindow": torch.blackman_window,
    }[call.node.op]
    dtype = dtype_of(call.attribute("output_datatype", 1), "")
    size, periodic = int(call.number(0)), bool(call.attribute("periodic", 1))
    return made(size, periodic=periodic, dtype=dtype, device=call.device)
