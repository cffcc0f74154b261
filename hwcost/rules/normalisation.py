"""Normalisation by statistics of the input itself."""

from __future__ import annotations

from math import prod

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES
from hwcost.rules.work import integer, integers, per_element, work_of

STATISTICS = 5
"""Per element: sum, subtraction of the mean, square, sum, product with 1 / deviation."""

PER_ROW = 3
"""Special ops per row: division by n for mean and variance, root."""

MEAN_SQUARE = 3
"""Per element: square, sum, product with 1 / root."""


@RULES.add("aten.native_layer_norm", "aten.layer_norm")
def layer_norm(op: Op) -> Work:
    """Layer norm: y = (x - mean) / sqrt(variance + eps) * w + b over rows of the normalised shape.

    vector_ops   5 per element: sum, subtraction, square, sum, scale; 1 more each for w and b; 1 per row (eps)
    special_ops  3 per row: two divisions and a root
    bytes        x, w and b are read once, y is written once, the statistics where they are used
    """
    rows = op.inputs[0].elements // max(prod(integers(op, "normalized_shape")), 1)
    return normalised(op, rows)


@RULES.add("aten.native_group_norm", "aten.group_norm")
def group_norm(op: Op) -> Work:
    """Group norm: y = (x - mean) / sqrt(variance + eps) * w + b over groups of channels of each sample.

    vector_ops   5 per element, 1 more each for w and b, 1 per group for eps
    special_ops  3 per group: two divisions and a root
    bytes        x, w and b are read once, y is written once, the statistics where they are used
    """
    groups = integer(op, "group", integer(op, "num_groups", 1))
    return normalised(op, op.inputs[0].shape[0] * groups)


@RULES.add("aten.instance_norm")
def instance_norm(op: Op) -> Work:
    """Instance norm: y = (x - mean) / sqrt(variance + eps) * w + b over each channel of each sample.

    vector_ops   5 per element, 1 more each for w and b, 1 per channel and sample for eps
    special_ops  3 per channel and sample: two divisions and a root
    bytes        x, w and b are read once, y is written once
    """
    return normalised(op, prod(op.inputs[0].shape[:2]))


def normalised(op: Op, rows: int) -> Work:
    """Work of a normalisation that takes mean and variance over each of `rows` rows."""
    n = op.inputs[0].elements
    scales = sum(name not in op.attributes for name in ("weight", "bias"))
    return work_of(op, "reduction", vector_ops=(STATISTICS + scales) * n + rows, special_ops=PER_ROW * rows)


@RULES.add("aten._fused_rms_norm", "aten.rms_norm")
def rms_norm(op: Op) -> Work:
    """RMS norm: y = x / sqrt(mean of x^2 + eps) * w over rows of the normalised shape.

    vector_ops   3 per element: square, sum, scale; 1 more for w; 1 per row for eps
    special_ops  2 per row: division and root
    bytes        x and w are read once, y is written once, the statistics where they are used
    """
    n = op.inputs[0].elements
    rows = n // max(prod(integers(op, "normalized_shape")), 1)
    is_scaled = "weight" not in op.attributes
    return work_of(op, "reduction", vector_ops=(MEAN_SQUARE + is_scaled) * n + rows, special_ops=2 * rows)


@RULES.add("aten._weight_norm_interface", "aten._weight_norm")
def weight_norm(op: Op) -> Work:
    """Weight norm: w = g v / |v|, |v| over all dimensions but one.

    vector_ops   3 per element of v: square, sum, scale
    special_ops  2 per row: root and division
    bytes        v and g are read once, w is written once, the norms where they are used
    """
    v, g = op.inputs[:2]
    return work_of(op, "reduction", vector_ops=MEAN_SQUARE * v.elements, special_ops=2 * g.elements)


@RULES.add("aten._weight_norm_interface_backward", "aten._weight_norm_differentiable_backward")
def weight_norm_backward(op: Op) -> Work:
    """Gradients of w = g v / |v|: dg = sum of dw v / |v|; dv = g / |v| (dw - v (sum of dw v) / |v|^2).

    vector_ops   5 per element: product with v and its sum (2), product, subtraction, scale (3)
    special_ops  2 per row for divisions by |v| and |v|^2
    bytes        dw, v, g and the norms are read once, both gradients are written once
    """
    v, g = op.inputs[1:3]
    return work_of(op, "reduction", vector_ops=5 * v.elements, special_ops=2 * g.elements)


@RULES.add("aten.native_layer_norm_backward", "aten.native_group_norm_backward")
def normalisation_backward(op: Op) -> Work:
    """Gradients of a layer or group norm for x, w and b.

    vector_ops   13 per element: x normalised anew (2), g w (1), its sum (1), its product with x and the sum
                 of that (2), the gradient of x (3), that of w (2) and of b (1), scale (1)
    bytes        g, x, the statistics and w are read once, the gradients are written once
    """
    return per_element(op, "reduction", op.inputs[1].elements, vector_ops=13)


@RULES.add("aten._fused_rms_norm_backward")
def rms_norm_backward(op: Op) -> Work:
    """Gradients of an RMS norm for x and w.

    vector_ops   9 per element: x normalised anew (1), g w (1), its product with x and the sum of that (2),
                 the gradient of x (3), that of w (2)
    bytes        g, x, the statistics and w are read once, the gradients are written once
    """
    return per_element(op, "reduction", op.inputs[1].elements, vector_ops=9)
