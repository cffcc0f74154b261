"""Elementwise arithmetic."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.elementwise_table import TABLE
from hwcost.rules.registry import FOREACH, RULES, plain
from hwcost.rules.work import number, per_element

POWERS = {
    0.0: (0, 0),
    1.0: (0, 0),
    2.0: (1, 0),
    3.0: (2, 0),
    0.5: (0, 1),
    -0.5: (0, 1),
    -1.0: (0, 1),
    -2.0: (1, 1),
}
"""(vector, special) of x^p for the exponents that torch computes by products, roots and division
(aten/src/ATen/native/cpu/PowKernel.cpp)."""

GELU_ERF, GELU_TANH = (4, 1), (8, 1)
GELU_ERF_BACKWARD, GELU_TANH_BACKWARD = (9, 2), (17, 1)
"""(vector, special) per element; the parts are in the docstrings below."""


def elements(op: Op) -> int:
    """How many results an elementwise op computes: those of all tensors of a list."""
    counted = op.outputs if FOREACH in op.name else op.outputs[:1]
    return sum(tensor.elements for tensor in counted)


def pointwise_work(op: Op, vector_ops: int, special_ops: int) -> Work:
    """Work of an elementwise op from its cost per element of the result."""
    return per_element(op, "pointwise", elements(op), vector_ops=vector_ops, special_ops=special_ops)


@RULES.add(*TABLE)
def elementwise(op: Op) -> Work:
    """y[i] = f(x[i], ...): one of the functions of the table.

    vector_ops   per element of y, as the table says; one more where a scale (alpha, value) is not 1
    special_ops  per element of y, as the table says: exponential, logarithm, root, division, sigmoid, tanh,
                 sine, error function and their kin, one each
    bytes        each input is read once (one that appears twice also once), y is written once
    """
    row = TABLE[plain(op.name)] if op.name not in TABLE else TABLE[op.name]
    is_scaled = bool(row.scale) and number(op, row.scale, 1) != 1
    return pointwise_work(op, row.vector_ops + is_scaled, row.special_ops)


@RULES.add("aten.div")
def division(op: Op) -> Work:
    """Division: y = x / z, rounded where a rounding mode is given.

    vector_ops   1 per element for rounding, else 0
    special_ops  1 per element
    bytes        x and z are read once, y is written once
    """
    return pointwise_work(op, int(op.attributes.get("rounding_mode") is not None), 1)


@RULES.add("aten.pow")
def power(op: Op) -> Work:
    """Power: y = x^p.

    vector_ops   products for the exponents 2 and 3 (1 and 2) and -2 (1)
    special_ops  1 per element for 1/2, -1/2, -1 and -2; 1 for any other exponent; none for 0, 1, 2, 3
    bytes        x (and p) are read once, y is written once
    """
    exponent = op.attributes.get("exponent")
    known = POWERS.get(float(exponent)) if isinstance(exponent, (int, float)) else None
    return pointwise_work(op, *(known or (0, 1)))


@RULES.add("aten.gelu")
def gelu(op: Op) -> Work:
    """GELU: y = x/2 (1 + erf(x / sqrt 2)), or x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) in the tanh form.

    vector_ops   4 per element: two constants, sum, product; tanh form 8: x^3 (2), three constants, two sums,
                 product
    special_ops  1 per element: erf or tanh
    bytes        x is read once, y is written once
    """
    return pointwise_work(op, *(GELU_TANH if _is_tanh(op) else GELU_ERF))


@RULES.add("aten.gelu_backward")
def gelu_backward(op: Op) -> Work:
    """GELU backward: g (cdf(x) + x pdf(x)), or the derivative of the tanh form.

    vector_ops   9 per element: cdf 3, pdf 3, product and sum 2, product with g 1; tanh form 17: its argument
                 5, both factors 3, their derivatives 5, product rule and g 4
    special_ops  2 per element: erf and exponential; tanh form 1
    bytes        g and x are read once, the gradient is written once
    source       aten/src/ATen/native/cpu/Activation.cpp, GeluBackwardKernelImpl
    """
    return pointwise_work(op, *(GELU_TANH_BACKWARD if _is_tanh(op) else GELU_ERF_BACKWARD))


def _is_tanh(op: Op) -> bool:
    return op.attributes.get("approximate") == "tanh"
