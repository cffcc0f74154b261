"""Gradients of ops that models seldom train through."""

from __future__ import annotations

from math import prod

from hwcost.graph import Op, Product, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.resampling import LOCATION_OPS
from hwcost.rules.work import integer, number, part, per_element, work_of

GRID_TAPS = {0: 2, 1: 1, 2: 4}
"""Neighbours along each dimension by interpolation mode: linear, nearest, cubic."""

CTC_VECTOR_OPS, CTC_SPECIAL_OPS = 9, 5
"""Per cell of the table; the sums are in the docstring below."""

DISTANCE_VECTOR_OPS = 4
"""Per pair and dimension: difference, two products, sum."""


@RULES.add(*aten("grid_sampler_2d_backward grid_sampler_3d_backward _grid_sampler_2d_cpu_fallback_backward"))
def grid_sample_backward(op: Op) -> Work:
    """Gradients of y = x at the places of a grid: g times its weights added to t^d neighbours; the grid's.

    vector_ops   per element of g 2 t^d for x and 2 t^d for the grid (t = 2 linear, 4 cubic, 1 nearest, whose
                 grid has no gradient), per place and coordinate 8 for pixels, clipping and weights
    bytes        g, x and the grid are read once, both gradients are written once
    """
    gradient, _, grid = op.inputs[:3]
    mode = integer(op, "interpolation_mode")
    weighted = 2 * GRID_TAPS[mode] ** grid.shape[-1] * (1 if mode == 1 else 2)
    vector_ops = weighted * gradient.elements + LOCATION_OPS * grid.elements
    return work_of(op, "gather", vector_ops=vector_ops)


@RULES.add("aten._ctc_loss_backward")
def ctc_loss_backward(op: Op) -> Work:
    """Gradient of CTC: the backward table, T x (2 S + 1) cells per sample, then a sum per symbol.

    vector_ops   9 per cell: maximum of three (2), sum of three (2), sum with the label's probability, shift;
                 sum of both tables, maximum and sum per symbol; 2 per element of the gradient
    special_ops  5 per cell: four exponentials, one logarithm; 1 per element of the gradient: an exponential
    bytes        g, the probabilities, targets and the forward table are read once, the gradient is written
                 once
    source       Graves et al. 2006, Connectionist temporal classification; aten/src/ATen/native/LossCTC.cpp
    """
    cells, n = op.inputs[-1].elements, op.outputs[0].elements
    vector_ops = CTC_VECTOR_OPS * cells + 2 * n
    return work_of(op, "reduction", vector_ops=vector_ops, special_ops=CTC_SPECIAL_OPS * cells + n)


@RULES.add(*aten("_cdist_backward _pdist_backward"))
def norm_of_differences_backward(op: Op) -> Work:
    """Gradient of distances: g (x - y) |x - y|^(p-2) / D^(p-1), summed over the other set.

    vector_ops   4 per pair and dimension: difference, two products, sum
    special_ops  1 per pair for the division; a power per pair and dimension, and one per pair, for p other
                 than 0, 1, 2 and infinity
    bytes        g, x, y and the distances are read once, the gradient is written once
    source       aten/src/ATen/native/cpu/DistanceOpsKernel.cpp
    """
    pairs, width = op.inputs[0].elements, op.outputs[0].shape[-1]
    has_power = number(op, "p", 2) not in (0, 1, 2, float("inf"))
    special_ops = pairs * (1 + has_power) + has_power * pairs * width
    return work_of(op, "reduction", vector_ops=DISTANCE_VECTOR_OPS * pairs * width, special_ops=special_ops)


@RULES.add("aten._embedding_bag_dense_backward", "aten._embedding_bag_backward")
def embedding_bag_backward(op: Op) -> Work:
    """Gradient of the table: 0 but for the gradient of its bag added to each row that was looked up.

    vector_ops   1 per element of the rows looked up
    bytes        g and the indices are read once, the whole gradient is written once
    """
    gradient, indices = op.inputs[:2]
    return work_of(op, "gather", vector_ops=indices.elements * gradient.shape[-1])


@RULES.add("aten._embedding_bag_per_sample_weights_backward")
def sample_weights_backward(op: Op) -> Work:
    """Gradient of each sample's weight: g of its bag times the row that it looked up.

    vector_ops   2 per element of the rows looked up: product, sum
    bytes        g, the rows looked up and the indices are read once, the gradient is written once
    """
    gradient, weight, *indices = op.inputs
    looked_up = op.outputs[0].elements * weight.shape[-1]
    reads = (gradient, part(weight, looked_up), *indices)
    return work_of(op, "gather", vector_ops=2 * looked_up, reads=reads)


@RULES.add(*aten("fractional_max_pool2d_backward fractional_max_pool3d_backward"))
def fractional_max_pool_backward(op: Op) -> Work:
    """Gradient 0 but for g added at its indices.

    vector_ops   1 per element of g
    bytes        g and the indices are read once, the gradient is written once; x is not read
    """
    gradient, indices = op.inputs[0], op.inputs[-1]
    return work_of(op, "gather", vector_ops=gradient.elements, reads=(gradient, indices))


@RULES.add("aten.conv_tbc_backward")
def convolution_time_first_backward(op: Op) -> Work:
    """Gradients of a convolution in time for x[T,N,Cin], w[K,Cin,Cout] and bias.

    macs         2 * T' * N * Cout * K * Cin
    vector_ops   T' * N * Cout, summed for the bias
    bytes        gradient, x and w are read once, the gradients are written once
    """
    gradient, x, weight = op.inputs[:3]
    rows, taps, n = prod(gradient.shape[:-1]), prod(weight.shape[:-1]), weight.shape[-1]
    products = (
        Product(batch=1, m=rows, k=n, n=taps, a=gradient, b=weight, c=op.outputs[0]),
        Product(batch=1, m=taps, k=rows, n=n, a=x, b=gradient, c=op.outputs[1]),
    )
    macs = 2 * rows * taps * n
    return work_of(op, "conv", macs=macs, vector_ops=gradient.elements, products=products)


@RULES.add(*aten("multi_margin_loss multilabel_margin_loss_forward"))
def margin_loss(op: Op) -> Work:
    """Margin loss: sum, or mean, over classes (and targets) of max(0, m - x[target] + x[i]).

    vector_ops   4 per class and target: difference, margin, maximum, sum; one target per row, or as many as
                 there are classes at most in the form for several labels
    special_ops  1 per row for the division
    bytes        x and the targets are read once, the loss is written once
    """
    return per_element(op, "reduction", _pairs(op, 0, 1), vector_ops=4)


@RULES.add(*aten("multi_margin_loss_backward multilabel_margin_loss_backward"))
def margin_loss_backward(op: Op) -> Work:
    """Gradient of a margin loss: g at each class within the margin, and its sum taken off the target.

    vector_ops   5 per class and target: difference, margin, comparison, two sums
    bytes        g, x and the targets are read once, the gradient is written once
    """
    return per_element(op, "reduction", _pairs(op, 1, 2), vector_ops=5)


@RULES.add(
    *aten("fake_quantize_per_tensor_affine_cachemask_backward"),
    *aten("fake_quantize_per_channel_affine_cachemask_backward"),
)
def fake_quantise_backward(op: Op) -> Work:
    """Gradient of fake quantisation: g where x was within range, else 0.

    vector_ops   1 per element
    bytes        g and the mask are read once, the gradient is written once
    """
    return per_element(op, "pointwise", op.outputs[0].elements, vector_ops=1)


@RULES.add(
    *aten("_fake_quantize_learnable_per_tensor_affine_backward"),
    *aten("_fake_quantize_learnable_per_channel_affine_backward"),
)
def learnable_fake_quantise_backward(op: Op) -> Work:
    """Gradients of fake quantisation for x, the scale and the zero point.

    vector_ops   12 per element: x quantised anew (4), two comparisons, g of x (1), of the scale (3) and of
                 the zero point (2)
    bytes        g, x, scale and zero point are read once, the gradients are written once
    source       Esser et al. 2020, arXiv:1902.08153
    """
    return per_element(op, "reduction", op.inputs[1].elements, vector_ops=12)


@RULES.add("aten._segment_reduce_backward")
def segment_reduce_backward(op: Op) -> Work:
    """Gradient of a reduction of segments: g of its segment at each element, scaled or chosen.

    vector_ops   2 per element: comparison or scale, selection
    bytes        g, the result, x and the lengths are read once, the gradient is written once
    """
    return per_element(op, "reduction", op.outputs[0].elements, vector_ops=2)


def _pairs(op: Op, x: int, targets: int) -> int:
    """Classes times targets: of the form for several labels every class can be one."""
    classes = op.inputs[x].shape[-1] if op.inputs[x].shape else 1
    return op.inputs[x].elements * (classes if op.inputs[targets].shape == op.inputs[x].shape else 1)
