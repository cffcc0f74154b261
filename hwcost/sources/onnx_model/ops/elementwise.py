"""Ops on each element alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import torch
from torch.nn import functional

from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.dtypes import dtype_of
from hwcost.sources.onnx_model.registry import MICROSOFT, OPS
from hwcost.sources.onnx_model.values import Dequantised

BROADCASTS_BY_ITSELF: Final = 7
"""Operator set since which operands broadcast without being asked to."""

UNARY: Final[dict[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    **{
        name.capitalize(): getattr(torch, name)
        for name in (
            *("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "exp"),
            *("floor", "log", "neg", "reciprocal", "relu", "round", "sigmoid", "sign", "sin", "sinh", "sqrt"),
            *("tan", "tanh"),
        )
    },
    "BitwiseNot": torch.bitwise_not,
    "HardSwish": functional.hardswish,
    "IsNaN": torch.isnan,
    "Mish": functional.mish,
    "Not": torch.logical_not,
    "Softplus": functional.softplus,
    "Softsign": functional.softsign,
}

BINARY: Final[dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]] = {
    "Add": torch.add,
    "And": torch.logical_and,
    "BitwiseAnd": torch.bitwise_and,
    "BitwiseOr": torch.bitwise_or,
    "BitwiseXor": torch.bitwise_xor,
    "Equal": torch.eq,
    "Greater": torch.gt,
    "GreaterOrEqual": torch.ge,
    "Less": torch.lt,
    "LessOrEqual": torch.le,
    "Mul": torch.mul,
    "Or": torch.logical_or,
    "Sub": torch.sub,
    "Xor": torch.logical_xor,
}

MANY: Final[dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]] = {
    "Max": torch.maximum,
    "Min": torch.minimum,
    "Sum": torch.add,
}


def _unary(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Call], Any]:
    return lambda call: function(call.tensor(0))


def operands(call: Call) -> tuple[torch.Tensor, torch.Tensor]:
    """Two operands; the second aligned as operator sets before 7 say."""
    a, b = call.tensor(0), call.tensor(1)
    axis = call.attribute("axis")
    if call.version < BROADCASTS_BY_ITSELF and axis is not None and b.dim():
        b = b.reshape(*b.shape, *[1] * (a.dim() - axis % a.dim() - b.dim()))
    return a, b


def _binary(function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[[Call], Any]:
    return lambda call: function(*operands(call))


def _many(function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[[Call], Any]:
    return lambda call: reduce(function, call.tensors())


for _name, _function in UNARY.items():
    OPS.add(_name)(_unary(_function))
for _name, _pair in BINARY.items():
    OPS.add(_name)(_binary(_pair))
for _name, _pair in MANY.items():
    OPS.add(_name)(_many(_pair))


@OPS.add("Mean")
def mean(call: Call) -> torch.Tensor:
    """The mean of several tensors."""
    tensors = call.tensors()
    return reduce(torch.add, tensors) / len(tensors)


@OPS.add("Div")
def quotient(call: Call) -> torch.Tensor:
    """Division, towards zero for whole numbers."""
    a, b = operands(call)
    return torch.div(a, b, rounding_mode=None if a.dtype.is_floating_point else "trunc")


@OPS.add("Mod")
def remainder(call: Call) -> torch.Tensor:
    """Remainder, with the sign of the divisor, or of the dividend where fmod is set."""
    return (torch.fmod if call.attribute("fmod") else torch.remainder)(*operands(call))


@OPS.add("Pow")
def power(call: Call) -> torch.Tensor:
    """Power, of the base's type; a constant exponent is a number, as models write x ** 2."""
    a, b = operands(call)
    exponent = call.number(1) if b.dim() == 0 and call.real(1) is not None else b
    result = torch.pow(a, exponent)
    return result if result.dtype == a.dtype else result.to(a.dtype)


@OPS.add("BitShift")
def shift(call: Call) -> torch.Tensor:
    """Shift of bits."""
    a, b = call.tensor(0), call.tensor(1)
    shifted = torch.bitwise_left_shift if call.attribute("direction") == "LEFT" else torch.bitwise_right_shift
    return shifted(a, b)


@OPS.add("Where")
def where(call: Call) -> torch.Tensor:
    """Selection by a condition."""
    return torch.where(call.tensor(0), call.tensor(1), call.tensor(2))


@OPS.add("Clip")
def clip(call: Call) -> torch.Tensor:
    """Limits from below and above, in attributes before operator set 11."""
    x = call.tensor(0)
    low = call.optional(1) if call.has(1) else call.attribute("min")
    high = call.optional(2) if call.has(2) else call.attribute("max")
    if low is None and high is None:
        return x
    if isinstance(low, torch.Tensor) and isinstance(high, float):
        high = torch.full_like(low, high)
    if isinstance(high, torch.Tensor) and isinstance(low, float):
        low = torch.full_like(high, low)
    return torch.clamp(x, low, high)


@OPS.add("Cast", "CastLike")
def cast(call: Call) -> torch.Tensor:
    """Another type."""
    if call.node.op == "CastLike":
        value = call.value(1)
        dtype = value.dtype if isinstance(value, Dequantised) else value.tensor.dtype
    else:
        dtype = dtype_of(call.attribute("to", 0), "")
    return call.tensor(0).to(dtype)


@OPS.add("BitCast")
def reinterpret(call: Call) -> torch.Tensor:
    """The same bits as another type."""
    return call.tensor(0).view(dtype_of(call.attribute("to", 0), ""))


@OPS.add("IsInf")
def is_infinite(call: Call) -> torch.Tensor:
    """Whether an element is infinite, of either sign or one."""
    if call.attribute("detect_positive", 1) and call.attribute("detect_negative", 1):
        return torch.isinf(call.tensor(0))
    return (torch.isposinf if call.attribute("detect_positive", 1) else torch.isneginf)(call.tensor(0))


@OPS.add("Gelu")
def gelu(call: Call) -> torch.Tensor:
    """Gelu, exact or by its tanh."""
    return functional.gelu(call.tensor(0), approximate=call.attribute("approximate", "none"))


@OPS.add("Gelu", domain=MICROSOFT)
def gelu_of_onnxruntime(call: Call) -> torch.Tensor:
    """Gelu."""
    return functional.gelu(call.tensor(0))


@OPS.add("FastGelu", "BiasGelu", domain=MICROSOFT)
def gelu_with_bias(call: Call) -> torch.Tensor:
    """Gelu of x + bias."""
    x = call.tensor(0) + call.tensor(1) if call.has(1) else call.tensor(0)
    return functional.gelu(x, approximate="tanh" if call.node.op == "FastGelu" else "none")


@OPS.add("QuickGelu", domain=MICROSOFT)
def quick_gelu(call: Call) -> torch.Tensor:
    """X * sigmoid(alpha * x)."""
    x = call.tensor(0)
    return x * torch.sigmoid(call.attribute("alpha", 1.702) * x)


@OPS.add("Swish")
def swish(call: Call) -> torch.Tensor:
    """X * sigmoid(alpha * x)."""
    x, alpha = call.tensor(0), call.attribute("alpha", 1.0)
    return functional.silu(x) if alpha == 1 else x * torch.sigmoid(alpha * x)


@OPS.add("Elu")
def elu(call: Call) -> torch.Tensor:
    """Elu."""
    return functional.elu(call.tensor(0), call.attribute("alpha", 1.0))


@OPS.add("Celu")
def celu(call: Call) -> torch.Tensor:
    """Celu."""
    return functional.celu(call.tensor(0), call.attribute("alpha", 1.0))


@OPS.add("Selu")
def selu(call: Call) -> torch.Tensor:
    """Selu, scale * elu with its own two numbers."""
    scale, alpha = call.attribute("gamma", 1.05070102214813232), call.attribute("alpha", 1.67326319217681884)
    x = call.tensor(0)
    if abs(scale - 1.0507) < 1e-4 and abs(alpha - 1.67326) < 1e-4:
        return torch.selu(x)
    result: torch.Tensor = torch.ops.aten.elu.default(x, alpha, scale)
    return result


@OPS.add("LeakyRelu")
def leaky_relu(call: Call) -> torch.Tensor:
    """Leaky relu."""
    return functional.leaky_relu(call.tensor(0), call.attribute("alpha", 0.01))


@OPS.add("ThresholdedRelu")
def thresholded_relu(call: Call) -> torch.Tensor:
    """X where it is above alpha, else 0."""
    return functional.threshold(call.tensor(0), call.attribute("alpha", 1.0), 0.0)


@OPS.add("HardSigmoid")
def hard_sigmoid(call: Call) -> torch.Tensor:
    """clip(alpha * x + beta, 0, 1)."""
    alpha, beta, x = call.attribute("alpha", 0.2), call.attribute("beta", 0.5), call.tensor(0)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return functional.hardsigmoid(x)
    return torch.clamp(x * alpha + beta, 0, 1)


@OPS.add("PRelu")
def prelu(call: Call) -> torch.Tensor:
    """X where it is positive, else slope * x."""
    x, slope = call.tensor(0), call.tensor(1)
    if x.dim() > 1 and slope.numel() in (1, x.shape[1]) and slope.numel() == slope.shape[0:1].numel():
        return functional.prelu(x, slope.reshape(-1))
    return torch.where(x > 0, x, x * slope)


@OPS.add("Shrink")
def shrink(call: Call) -> torch.Tensor:
    """X - bias above lambd, x + bias below -lambd, else 0."""
    x, bias, limit = call.tensor(0), call.attribute("bias", 0.0), call.attribute("lambd", 0.5)
    return torch.where(x < -limit, x + bias, torch.where(x > limit, x - bias, torch.zeros_like(x)))


@OPS.add("Dropout")
def dropout(call: Call) -> Any:
    """Nothing, as models are run to infer."""
    x = call.tensor(0)
    return (x, torch.ones_like(x, dtype=torch.bool)) if call.wants(1) else x


@OPS.add("Identity", folds=True)
def identity(call: Call) -> Any:
    """The same."""
    return call.inputs[0] if isinstance(call.inputs[0], list) else call.tensor(0)
