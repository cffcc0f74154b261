"""Quantised numbers: rounding, and products of 8 bits and fewer.

A product whose operands have just been dequantised is a product of the quantised ones, as runtimes make
it; where its result is quantised right after, it gives that. Scaling and rounding of results ride along.
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.dtypes import QUANTISED, dtype_of
from hwcost.sources.onnx_model.ops.shapes import broadcast
from hwcost.sources.onnx_model.registry import MICROSOFT, OPS
from hwcost.sources.onnx_model.told import told
from hwcost.sources.onnx_model.values import Dequantised, Value

PER_TENSOR, PER_CHANNEL = "per_tensor", "per_channel"


def _kind(scale: torch.Tensor) -> str:
    return PER_TENSOR if scale.numel() == 1 else PER_CHANNEL


@OPS.add("QuantizeLinear", folds=False)
@OPS.add("QuantizeLinear", domain=MICROSOFT, folds=False)
def quantise(call: Call) -> Any:
    """round(x / scale) + zero_point, in 8 bits or so."""
    value, scale, zero = call.value(0), call.tensor(1), call.optional(2)
    if isinstance(value, Value) and value.is_quantised:
        return Value(tensor=value.tensor)
    dtype = torch.uint8 if zero is None else zero.dtype
    if zero is None and (code := call.attribute("output_dtype", 0)):
        dtype = dtype_of(code, "")
    x = value.tensor
    name = f"quantized_decomposed.quantize_{_kind(scale)}"
    return told(call.run, name, [x, scale, zero], [(x.shape, dtype)])[0]


@OPS.add("DequantizeLinear", folds=False)
@OPS.add("DequantizeLinear", domain=MICROSOFT, folds=False)
def dequantise(call: Call) -> Dequantised:
    """(q - zero_point) * scale, once something that is no product takes it."""
    value, scale, zero = call.value(0), call.tensor(1), call.optional(2)
    source = Value(tensor=value.tensor, is_fixed=isinstance(value, Value) and value.is_fixed)
    name, run = f"quantized_decomposed.dequantize_{_kind(scale)}", call.run
    dtype = (
        dtype_of(call.attribute("output_dtype", 0), "") if call.attribute("output_dtype", 0) else scale.dtype
    )

    def made() -> torch.Tensor:
        q = source.tensor
        return told(run, name, [q, scale, zero], [(q.shape, dtype)], otherwise=lambda: q.to(dtype))[0]

    return Dequantised(source, scale, dtype, made)


@OPS.add("DynamicQuantizeLinear", folds=False)
def quantise_by_range(call: Call) -> Any:
    """Quantised after the range of its own values: (q, scale, zero_point)."""
    x = call.tensor(0)
    low, high = torch.aminmax(x)
    name = "aten.quantize_per_tensor_dynamic"
    made = [(x.shape, torch.uint8), ((), x.dtype), ((), torch.uint8)]
    return told(call.run, name, [x, low, high], made)


def _result_type(call: Call, dtype: torch.dtype) -> tuple[torch.dtype, bool]:
    """The type that a product gives: the quantised one where all that takes it is a QuantizeLinear."""
    users = call.frame.graph.users.get(call.node.outputs[0], ())
    if len(users) != 1 or users[0] is None or users[0].op != "QuantizeLinear":
        return dtype, False
    user = users[0]
    zero = call.frame.graph.weights.get(user.inputs[2]) if len(user.inputs) > 2 else None
    return (torch.uint8 if zero is None else zero.dtype), True


def _operands(call: Call, count: int) -> list[Dequantised] | None:
    """The first inputs where all of them have just been dequantised, else None."""
    found = [value for value in call.inputs[:count] if isinstance(value, Dequantised)]
    quantised = [value for value in found if value.source.tensor.dtype in QUANTISED]
    return quantised if len(quantised) == count else None


def quantised_convolution(call: Call) -> Value | None:
    """A convolution of quantised operands, None where they are none."""
    from hwcost.sources.onnx_model.ops.convolution import convolve

    operands = _operands(call, 2)
    if operands is None:
        return None
    bias = call.inputs[2] if call.has(2) else None
    plain = bias.source.tensor if isinstance(bias, Dequantised) else call.optional(2)
    dtype, is_quantised = _result_type(call, operands[0].dtype)
    x, weight = (operand.source.tensor for operand in operands)
    return Value(tensor=convolve(call, x, weight, plain, dtype), is_quantised=is_quantised)


def quantised_product(call: Call) -> Value | None:
    """A product of quantised operands, or with a quantised weight; None where it is neither."""
    operands = _operands(call, 2)
    if operands is not None:
        dtype, is_quantised = _result_type(call, operands[0].dtype)
        a, b = (operand.source.tensor for operand in operands)
        return Value(tensor=integer_product(call, a, b, dtype), is_quantised=is_quantised)
    weight = call.inputs[1]
    if (
        not isinstance(weight, Dequantised)
        or not weight.source.is_fixed
        or isinstance(call.inputs[0], Dequantised)
    ):
        return None
    b = weight.source.tensor
    if b.dtype not in QUANTISED or b.dim() != 2:
        return None
    return Value(tensor=packed_product(call, call.tensor(0), b, weight.scale, b.shape[1]))


def quantised_gemm(call: Call) -> Value | None:
    """A product of quantised matrices and a sum, None where they are none."""
    operands = _operands(call, 2)
    if operands is None:
        return None
    a, b = (operand.source.tensor for operand in operands)
    a = a.T if call.attribute("transA", 0) else a
    b = b.T if call.attribute("transB", 0) else b
    dtype, is_quantised = _result_type(call, operands[0].dtype)
    if not call.has(2):
        return Value(tensor=integer_product(call, a, b, dtype), is_quantised=is_quantised)
    c = call.inputs[2]
    addend = c.source.tensor if isinstance(c, Dequantised) else call.tensor(2)
    shape = (a.shape[0], b.shape[1])
    (result,) = told(
        call.run,
        "aten.addmm",
        [addend, a, b],
        [(shape, dtype)],
        {"beta": 1, "alpha": 1},
        otherwise=lambda: torch.mm(a.float(), b.float()).to(dtype),
    )
    return Value(tensor=result, is_quantised=is_quantised)


def integer_product(call: Call, a: torch.Tensor, b: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A product of whole numbers that gives another type."""
    if not a.dim() or not b.dim() or a.shape[-1] != b.shape[-2 if b.dim() > 1 else 0]:
        raise ModelError("the sizes of its operands do not fit", mend="check the model")
    rows = a.shape[-2:-1] if a.dim() > 1 else ()
    columns = b.shape[-1:] if b.dim() > 1 else ()
    lead = broadcast(tuple(a.shape[:-2]), tuple(b.shape[:-2]))
    shape = (*lead, *rows, *columns)
    name = "aten.mm" if a.dim() == b.dim() == 2 else "aten.matmul"
    return told(
        call.run,
        name,
        [a, b],
        [(shape, dtype)],
        otherwise=lambda: torch.matmul(a.float(), b.float()).to(dtype),
    )[0]


def packed_product(
    call: Call, x: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor | None, columns: int
) -> torch.Tensor:
    """A product of reals with a weight that is scaled on the way: x[..., k] W[k, columns]."""
    shape = (*x.shape[:-1], columns)
    dense = (x.shape[-1], columns)
    return told(
        call.run,
        "aten._weight_int8pack_mm",
        [x, weight, scale],
        [(shape, x.dtype)],
        otherwise=lambda: torch.matmul(x, x.new_zeros(dense)),
    )[0]


@OPS.add("MatMulInteger", folds=False)
def integer_matmul(call: Call) -> torch.Tensor:
    """A product of whole numbers in 32 bits."""
    return integer_product(call, call.tensor(0), call.tensor(1), torch.int32)


@OPS.add("ConvInteger", folds=False)
def integer_convolution(call: Call) -> torch.Tensor:
    """A convolution of whole numbers in 32 bits."""
    from hwcost.sources.onnx_model.ops.convolution import convolve

    return convolve(call, call.tensor(0), call.tensor(1), None, torch.int32)


@OPS.add("QLinearMatMul", folds=False)
def quantised_matmul(call: Call) -> torch.Tensor:
    """A product of quantised operands that gives quantised numbers."""
    return integer_product(call, call.tensor(0), call.tensor(3), call.tensor(7).dtype)


@OPS.add("QLinearConv", folds=False)
def convolution_of_quantised(call: Call) -> torch.Tensor:
    """A convolution of quantised operands that gives quantised numbers."""
    from hwcost.sources.onnx_model.ops.convolution import convolve

    return convolve(call, call.tensor(0), call.tensor(3), call.optional(8), call.tensor(7).dtype)


@OPS.add("MatMulIntegerToFloat", "DynamicQuantizeMatMul", domain=MICROSOFT, folds=False)
def integer_matmul_to_float(call: Call) -> torch.Tensor:
    """A product of whole numbers that gives reals, of an operand that is quantised first or already."""
    a, b = call.tensor(0), call.tensor(1)
    is_dynamic = call.node.op == "DynamicQuantizeMatMul"
    dtype = a.dtype if is_dynamic else call.tensor(2).dtype
    if is_dynamic:
        low, high = torch.aminmax(a)
        (a,) = told(call.run, "aten.quantize_per_tensor_dynamic", [a, low, high], [(a.shape, torch.uint8)])
    result = integer_product(call, a, b, dtype)
    bias = call.optional(4 if is_dynamic else 6)
    return result if bias is None else result + bias


@OPS.add("MatMulNBits", domain=MICROSOFT, folds=False)
def few_bits_matmul(call: Call) -> torch.Tensor:
    """A product with a weight of a few bits, several to a byte, scaled by block."""
    x, weight, scale = call.tensor(0), call.tensor(1), call.optional(2)
    columns, k = call.attribute("N", 0), call.attribute("K", 0)
    if (
        x.shape[-1] != k
        or columns < 1
        or columns * k * call.attribute("bits", 4) > 8 * prod(weight.shape) * 2
    ):
        raise ModelError(f"its weight is not {k} x {columns}", mend="check the model")
    result = packed_product(call, x, weight, scale, columns)
    bias = call.optional(5)
    return result if bias is None else result + bias


@OPS.add("QLinearAdd", "QLinearMul", domain=MICROSOFT, folds=False)
def quantised_pointwise(call: Call) -> torch.Tensor:
    """A sum or product of quantised numbers."""
    function = torch.add if call.node.op == "QLinearAdd" else torch.mul
    return function(call.tensor(0), call.tensor(3))


@OPS.add("QLinearSigmoid", "QLinearLeakyRelu", domain=MICROSOFT, folds=False)
def quantised_activation(call: Call) -> torch.Tensor:
    """An activation of quantised numbers, which is a look-up in a table of 256."""
    x = call.tensor(0)
    return torch.bitwise_not(x)


@OPS.add("QLinearConcat", domain=MICROSOFT, folds=False)
def quantised_concat(call: Call) -> torch.Tensor:
    """Quantised tensors one after the other."""
    return torch.cat(call.tensors()[2::3], dim=call.attribute("axis", 1))


@OPS.add("QLinearGlobalAveragePool", domain=MICROSOFT, folds=False)
def quantised_global_pool(call: Call) -> torch.Tensor:
    """The mean of each channel."""
    x = call.tensor(0)
    axes = range(1, x.dim() - 1) if call.attribute("channels_last", 0) else range(2, x.dim())
    shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    return told(
        call.run, "aten.mean", [x], [(shape, x.dtype)], {"dim": tuple(axes), "keepdim": True, "dtype": None}
    )[0]
