"""Batch normalisation."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.normalisation import PER_ROW, STATISTICS
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import operands, per_element, present, work_of

UPDATE = 6
"""Per channel: two running statistics, each two products and a sum."""

FOLDED_VECTOR_OPS = 4
"""Per channel: eps added, scale = w / deviation, mean scale, b - mean scale."""


@RULES.add(
    *aten("native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training"),
    *aten("_native_batch_norm_legit_functional _batch_norm_with_update _batch_norm_no_update"),
    *aten("_batch_norm_with_update_functional cudnn_batch_norm miopen_batch_norm batch_norm"),
)
def batch_norm(op: Op) -> Work:
    """Batch norm: y = (x - mean) / sqrt(variance + eps) * w + b over x[N,C,...], by channel.

    vector_ops   with running statistics: 2 per element, y = scale x + shift, and 4 per channel to fold them;
                 with the batch's own: 5 per element, 1 more each for w and b, 1 per channel for eps, and 6
                 per channel to update the running ones
    special_ops  1 per channel for the root; 2 more for the divisions of the batch's own statistics
    bytes        x, the running statistics, w and b are read once, y is written once; in training the
                 running statistics are written too
    source       aten/src/ATen/native/cpu/batch_norm_kernel.cpp folds the statistics alike
    """
    x = op.inputs[0]
    channels = x.shape[1] if len(x.shape) > 1 else 1
    if not _takes_own_statistics(op):
        vector_ops = 2 * x.elements + FOLDED_VECTOR_OPS * channels
        return work_of(op, "pointwise", vector_ops=vector_ops, special_ops=channels)
    scales = sum(name not in op.attributes for name in ("weight", "bias"))
    names = ("input", "weight", "bias", "running_mean", "running_var")
    running = present(*operands(op, *names)[3:])
    vector_ops = (STATISTICS + scales) * x.elements + channels * (1 + (UPDATE if running else 0))
    writes = (*op.outputs, *running)
    return work_of(op, "reduction", vector_ops=vector_ops, special_ops=PER_ROW * channels, writes=writes)


@RULES.add("aten.native_batch_norm_backward", "aten.cudnn_batch_norm_backward", "aten.batch_norm_backward")
def batch_norm_backward(op: Op) -> Work:
    """Gradients of a batch norm for x, w and b.

    vector_ops   9 per element: sum of g (1), sum of g (x - mean) (3), the gradient of x (5)
    bytes        g, x, the statistics and w are read once, the gradients are written once
    """
    return per_element(op, "reduction", op.inputs[0].elements, vector_ops=9)


def _takes_own_statistics(op: Op) -> bool:
    if op.name in ("aten._native_batch_norm_legit_no_training", "aten._batch_norm_no_update"):
        return False
    if op.name.startswith("aten._batch_norm_with_update"):
        return True
    return bool(op.attributes.get("training"))
