"""Reductions along dimensions, and running ones."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import number, per_element, work_of

INFINITY = float("inf")

VARIANCE_VECTOR_OPS = 4
"""Per element: sum, subtraction of the mean, square, sum."""

LOGSUMEXP_VECTOR_OPS = 3
"""Per element: maximum, subtraction, sum."""

RENORM_VECTOR_OPS = 3
"""Per element: power, sum, scale."""


def _elements(op: Op) -> int:
    return sum(tensor.elements for tensor in op.inputs) if "_foreach" in op.name else op.inputs[0].elements


def _results(op: Op) -> int:
    if "_foreach" in op.name:
        return sum(tensor.elements for tensor in op.outputs)
    return op.outputs[0].elements if op.outputs else 1


@RULES.add(
    *aten("sum prod amax amin argmax argmin any all trace count_nonzero _is_all_true _is_any_true"),
    *aten("nansum cumsum cumprod cummax cummin _cummax_helper _cummin_helper masked_select_backward"),
    *aten("sum_to_size segment_reduce"),
)
def reduction(op: Op) -> Work:
    """Reduction: y = x_1 + x_2 + ... (or product, maximum and its place, any, all; or their running form).

    vector_ops   1 per element of x: n - 1 operations and the start are counted as n
    bytes        x is read once, y is written once
    """
    return work_of(op, "reduction", vector_ops=_elements(op))


@RULES.add("aten.aminmax", "aten._aminmax")
def smallest_and_largest(op: Op) -> Work:
    """Smallest and largest: y = smallest and largest of x.

    vector_ops   2 per element of x
    bytes        x is read once, both results are written once
    """
    return per_element(op, "reduction", op.inputs[0].elements, vector_ops=2)


@RULES.add("aten.mean", "aten.nanmean")
def mean(op: Op) -> Work:
    """Mean: y = (x_1 + ... + x_n) / n.

    vector_ops   1 per element of x
    special_ops  1 per element of y for the division
    bytes        x is read once, y is written once
    """
    return work_of(op, "reduction", vector_ops=_elements(op), special_ops=_results(op))


@RULES.add(*aten("var var_mean std std_mean"))
def variance(op: Op) -> Work:
    """Variance: y = sum of (x - mean)^2 / (n - 1), its root for std; the mean is a second result of var_mean.

    vector_ops   4 per element of x: sum, subtraction, square, sum
    special_ops  2 per element of y for the divisions, 1 more for the root
    bytes        x is read once, the results are written once
    """
    special_ops = (2 + (".std" in op.name)) * _results(op)
    vector_ops = VARIANCE_VECTOR_OPS * op.inputs[0].elements
    return work_of(op, "reduction", vector_ops=vector_ops, special_ops=special_ops)


@RULES.add(*aten("norm linalg_vector_norm native_norm linalg_norm frobenius_norm"))
def norm(op: Op) -> Work:
    """Norm: y = (sum of |x|^p)^(1/p).

    vector_ops   2 per element of x: magnitude or power, sum (or maximum)
    special_ops  1 per element of y for the root, none where p is 0, 1 or infinite; 1 per element of x for
                 the power where p is not 0, 1, 2 or infinite
    bytes        x is read once, y is written once
    """
    p = number(op, "ord", number(op, "p", 2))
    has_root = p not in (0, 1, INFINITY, -INFINITY)
    powers = _elements(op) if has_root and p != 2 else 0
    special_ops = powers + (_results(op) if has_root else 0)
    return work_of(op, "reduction", vector_ops=2 * _elements(op), special_ops=special_ops)


@RULES.add("aten.logsumexp", "aten.special_logsumexp")
def log_of_sum_of_exponentials(op: Op) -> Work:
    """Log of sum of exponentials: y = m + log(sum of exp(x - m)), m = largest x.

    vector_ops   3 per element of x (maximum, subtraction, sum), 1 per element of y
    special_ops  1 per element of x for the exponential, 1 per element of y for the logarithm
    bytes        x is read once, y is written once
    """
    n, results = op.inputs[0].elements, _results(op)
    return work_of(op, "reduction", vector_ops=LOGSUMEXP_VECTOR_OPS * n + results, special_ops=n + results)


@RULES.add("aten.logcumsumexp", "aten._logcumsumexp")
def running_log_of_sum_of_exponentials(op: Op) -> Work:
    """y_i = log(exp(y_(i-1)) + exp(x_i)) = max + log1p(exp(-|difference|)).

    vector_ops   3 per element: maximum, difference, sum
    special_ops  2 per element: exponential, logarithm
    bytes        x is read once, y is written once
    """
    return per_element(op, "reduction", op.inputs[0].elements, vector_ops=3, special_ops=2)


@RULES.add("aten.linalg_cross")
def cross_product(op: Op) -> Work:
    """Cross product: c = a x b along a dimension of 3.

    vector_ops   3 per element: two products, one difference
    bytes        a and b are read once, c is written once
    """
    return per_element(op, "pointwise", op.outputs[0].elements, vector_ops=3)


@RULES.add("aten.renorm")
def renorm(op: Op) -> Work:
    """x, each slice scaled down to norm `maxnorm` where it is longer.

    vector_ops   3 per element: power, sum, scale
    special_ops  2 per slice for root and division; 1 per element where p is not 1 or 2
    bytes        x is read once, y is written once
    """
    x = op.inputs[0]
    dim = op.attributes.get("dim")
    slices = x.shape[dim] if isinstance(dim, int) else 1
    powers = x.elements if number(op, "p", 2) not in (1, 2) else 0
    vector_ops = RENORM_VECTOR_OPS * x.elements
    return work_of(op, "reduction", vector_ops=vector_ops, special_ops=2 * slices + powers)
