"""Losses."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import integer, part, per_element, work_of

PER_ELEMENT = {
    "aten.mse_loss": (2, 0),
    "aten.l1_loss": (2, 0),
    "aten.smooth_l1_loss": (6, 0),
    "aten.huber_loss": (6, 0),
    "aten.soft_margin_loss": (3, 2),
    "aten.binary_cross_entropy": (5, 2),
    "aten.binary_cross_entropy_with_logits": (6, 2),
    "aten.kl_div": (2, 1),
}
"""(vector, special) before the sum: difference and square; difference and magnitude; difference, magnitude,
comparison, square, scale, selection; log(1 + exp(-y x)); two logarithms, 1 - x, 1 - y, two products, sum;
max, product, sum, log(1 + exp(-|x|)); y (log y - x)."""

NLL_VECTOR_OPS = 3
"""Per target: weight, sum, sum of the weights."""


@RULES.add(*PER_ELEMENT)
def elementwise_loss(op: Op) -> Work:
    """Elementwise loss: sum, or mean, of f(x, y) over all elements; or f itself, not reduced.

    vector_ops   per element f's: mse and l1 2, smooth l1 and huber 6, cross entropy 5 (6 from logits), KL 2,
                 soft margin 3; 1 more per element for the sum
    special_ops  per element f's: cross entropy and soft margin 2, KL 1, else 0; 1 for the mean's division
    bytes        x and y are read once, the loss is written once
    """
    vector_ops, special_ops = PER_ELEMENT[op.name]
    n, reduction = op.inputs[0].elements, integer(op, "reduction", 1)
    is_mean = reduction == 1
    vector_ops += reduction != 0
    return work_of(op, "reduction", vector_ops=vector_ops * n, special_ops=special_ops * n + is_mean)


@RULES.add(*aten("nll_loss_forward nll_loss2d_forward nll_loss nll_loss2d"))
def negative_log_likelihood(op: Op) -> Work:
    """Negative log likelihood: loss = -(sum of w[target] x[target]) / sum of w[target].

    vector_ops   3 per target: weight, sum, sum of the weights
    special_ops  1 for the division
    bytes        one element of x per target is read, and the targets and weights; the loss is written once
    """
    x, targets, *weights = op.inputs
    reads = (part(x, targets.elements), targets, *weights)
    return work_of(op, "gather", vector_ops=NLL_VECTOR_OPS * targets.elements, special_ops=1, reads=reads)


@RULES.add("aten.nll_loss_backward", "aten.nll_loss2d_backward")
def negative_log_likelihood_backward(op: Op) -> Work:
    """Gradient: 0 but for -w[target] g / (sum of weights) at each target.

    vector_ops   2 per target: two products
    special_ops  1 for the division
    bytes        g, targets and weights are read once, the gradient is written once; x is not read
    """
    gradient, _, targets, *others = op.inputs
    return work_of(
        op, "gather", vector_ops=2 * targets.elements, special_ops=1, reads=(gradient, targets, *others)
    )


@RULES.add(
    *aten("mse_loss_backward smooth_l1_loss_backward huber_loss_backward soft_margin_loss_backward"),
    *aten("binary_cross_entropy_backward"),
)
def elementwise_loss_backward(op: Op) -> Work:
    """Gradient f'(x, y) g / n.

    vector_ops   4 per element: difference, product, clamp or scale, scale
    special_ops  1 per element for cross entropy (division) and soft margin (exponential)
    bytes        g, x and y are read once, the gradient is written once
    """
    n = op.outputs[0].elements
    has_function = "entropy" in op.name or "margin" in op.name
    return per_element(op, "pointwise", n, vector_ops=4, special_ops=int(has_function))


@RULES.add("aten._ctc_loss")
def ctc_loss(op: Op) -> Work:
    """CTC loss: loss = -log of the sum over alignments, by a table of T x (2 S + 1) cells per sample.

    vector_ops   6 per cell: maximum of three (2), sum of three (2), sum with the label's probability, shift
    special_ops  4 per cell: three exponentials, one logarithm
    bytes        the probabilities and targets are read once, the losses are written once, the table where
                 something reads it
    source       Graves et al. 2006, Connectionist temporal classification; the longest target for all
    """
    cells = op.outputs[1].elements if len(op.outputs) > 1 else op.inputs[0].elements
    return per_element(op, "reduction", cells, vector_ops=6, special_ops=4)
