"""Products of matrices."""

from __future__ import annotations

from typing import Any

import torch

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.ops.convolution import activated
from hwcost.sources.onnx_model.ops.quantised import quantised_gemm, quantised_product
from hwcost.sources.onnx_model.registry import MICROSOFT, OPS

MATRIX = 2


@OPS.add("MatMul", folds=False)
def product(call: Call) -> Any:
    """A product, of quantised operands where they have just been dequantised."""
    quantised = quantised_product(call)
    return torch.matmul(call.tensor(0), call.tensor(1)) if quantised is None else quantised


@OPS.add("Gemm", folds=False)
def gemm(call: Call) -> Any:
    """Alpha * A B + beta * C, A and B transposed where they are asked to be."""
    quantised = quantised_gemm(call)
    return _gemm(call) if quantised is None else quantised


def _gemm(call: Call) -> torch.Tensor:
    a, b = call.tensor(0), call.tensor(1)
    if a.dim() != MATRIX or b.dim() != MATRIX:
        raise ModelError(f"multiplies tensors of {a.dim()} and {b.dim()} dimensions", mend="use MatMul")
    a = a.T if call.attribute("transA", 0) else a
    b = b.T if call.attribute("transB", 0) else b
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    if not call.has(2) or not beta:
        result = torch.mm(a, b)
        return result if alpha == 1 else result * alpha
    return torch.addmm(call.tensor(2), a, b, beta=beta, alpha=alpha)


@OPS.add("FusedGemm", domain=MICROSOFT, folds=False)
def fused_gemm(call: Call) -> torch.Tensor:
    """The same, then an activation."""
    return activated(_gemm(call), call.attribute("activation", ""), ())


@OPS.add("FusedMatMul", "TransposeMatMul", domain=MICROSOFT, folds=False)
def fused_product(call: Call) -> torch.Tensor:
    """Alpha * A B, the last two dimensions of A and B transposed where they are asked to be."""
    a, b = call.tensor(0), call.tensor(1)
    a = a.transpose(-1, -2) if call.attribute("transA", 0) else a
    b = b.transpose(-1, -2) if call.attribute("transB", 0) else b
    if call.attribute("transBatchA", 0) or call.attribute("transBatchB", 0):
        raise ModelError("transposes its batch, which is not known", mend="export it unfused")
    result, alpha = torch.matmul(a, b), call.attribute("alpha", 1.0)
    return result if alpha == 1 else result * alpha


@OPS.add("Einsum", folds=False)
def einsum(call: Call) -> torch.Tensor:
    """Einstein's sum."""
    return torch.einsum(call.attribute("equation", "").replace(" ", ""), *call.tensors())


@OPS.add("Det", folds=False)
def determinant(call: Call) -> torch.Tensor:
    """Determinants."""
    result: torch.Tensor = torch.linalg.det(call.tensor(0))
    return result
