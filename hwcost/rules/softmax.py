"""Softmax and its logarithm."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import integer, per_element, work_of

LOG_SOFTMAX_VECTOR_OPS = 4
"""Per element: maximum, subtraction, sum, subtraction of the logarithm."""


@RULES.add(*aten("_softmax softmax special_softmax _safe_softmax"))
def softmax(op: Op) -> Work:
    """Softmax: y = exp(x - m) / sum of exp(x - m), m = largest x of the row.

    vector_ops   3 per element: maximum, subtraction, sum
    special_ops  2 per element: exponential, division
    bytes        x is read once, y is written once
    """
    return per_element(op, "reduction", op.inputs[0].elements, vector_ops=3, special_ops=2)


@RULES.add("aten._masked_softmax")
def masked_softmax(op: Op) -> Work:
    """Masked softmax: softmax of x where the mask lets it pass.

    vector_ops   4 per element: selection, maximum, subtraction, sum
    special_ops  2 per element: exponential, division
    bytes        x and mask are read once, y is written once
    """
    return per_element(op, "reduction", op.inputs[0].elements, vector_ops=4, special_ops=2)


@RULES.add("aten._log_softmax", "aten.log_softmax", "aten.special_log_softmax")
def log_softmax(op: Op) -> Work:
    """Log softmax: y = x - m - log(sum of exp(x - m)), m = largest x of the row.

    vector_ops   4 per element: maximum, subtraction, sum, subtraction of the logarithm
    special_ops  1 per element for the exponential, 1 per row for the logarithm
    bytes        x is read once, y is written once
    """
    x = op.inputs[0]
    row = x.shape[integer(op, "dim", -1)] if x.shape else 1
    n = x.elements
    vector_ops = LOG_SOFTMAX_VECTOR_OPS * n
    return work_of(op, "reduction", vector_ops=vector_ops, special_ops=n + n // max(row, 1))


@RULES.add("aten._softmax_backward_data", "aten._masked_softmax_backward")
def softmax_backward(op: Op) -> Work:
    """Gradient y (g - sum of g y).

    vector_ops   4 per element: product, sum, subtraction, product
    bytes        g and y are read once, the gradient is written once
    """
    return per_element(op, "reduction", op.outputs[0].elements, vector_ops=4)


@RULES.add("aten._log_softmax_backward_data")
def log_softmax_backward(op: Op) -> Work:
    """Gradient g - exp(y) sum of g.

    vector_ops   3 per element: sum, product, subtraction
    special_ops  1 per element for the exponential
    bytes        g and y are read once, the gradient is written once
    """
    return per_element(op, "reduction", op.outputs[0].elements, vector_ops=3, special_ops=1)
