"""Pooling."""

from __future__ import annotations

from math import prod

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import integers, work_of


@RULES.add(
    *(f"aten.max_pool{d}d" for d in (1, 2, 3)),
    *(f"aten.max_pool{d}d_with_indices" for d in (1, 2, 3)),
    *(f"aten.mkldnn_max_pool{d}d" for d in (2, 3)),
    *(f"aten.quantized_max_pool{d}d" for d in (1, 2, 3)),
    *(f"aten.fractional_max_pool{d}d" for d in (2, 3)),
)
def max_pool(op: Op) -> Work:
    """Max pool: y = largest x of each window of k elements.

    vector_ops   k per element of y: k - 1 comparisons and the start are counted as k
    bytes        x is read once, y is written once; its indices, 8 bytes per element of y, are written only
                 where something reads them (a backward pass, max_unpool)
    source       NVIDIA, GPU Performance Background: 3x3, stride 1, 2 bytes: 9 / 4 = 2.25 FLOP/B
    """
    return work_of(op, "reduction", vector_ops=_window(op) * op.outputs[0].elements)


@RULES.add(*(f"aten.avg_pool{d}d" for d in (1, 2, 3)))
def average_pool(op: Op) -> Work:
    """Average pool: y = mean of x over each window of k elements.

    vector_ops   k per element of y
    special_ops  1 per element of y for the division
    bytes        x is read once, y is written once
    """
    results = op.outputs[0].elements
    return work_of(op, "reduction", vector_ops=_window(op) * results, special_ops=results)


@RULES.add(
    *aten("adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d"),
    *aten("_adaptive_avg_pool3d mkldnn_adaptive_avg_pool2d"),
)
def adaptive_average_pool(op: Op) -> Work:
    """y[o] = mean of x from floor(o I / O) to ceil((o + 1) I / O), in each dimension.

    vector_ops   elements of all windows together, overlaps counted again
    special_ops  1 per element of y for the division
    bytes        x is read once, y is written once
    """
    return work_of(op, "reduction", vector_ops=_adaptive_elements(op), special_ops=op.outputs[0].elements)


@RULES.add("aten.adaptive_max_pool1d", "aten.adaptive_max_pool2d", "aten.adaptive_max_pool3d")
def adaptive_max_pool(op: Op) -> Work:
    """y[o] = largest x from floor(o I / O) to ceil((o + 1) I / O), in each dimension.

    vector_ops   elements of all windows together, overlaps counted again
    bytes        x is read once, y is written once, its indices where something reads them
    """
    return work_of(op, "reduction", vector_ops=_adaptive_elements(op))


@RULES.add("aten.max_unpool2d", "aten.max_unpool3d")
def max_unpool(op: Op) -> Work:
    """Max unpool: y = 0 but for x at its indices.

    vector_ops   0
    bytes        x and the indices are read once, y is written once
    """
    return work_of(op, "gather")


@RULES.add(
    *(f"aten.max_pool{d}d_with_indices_backward" for d in (2, 3)),
    *(f"aten.adaptive_max_pool{d}d_backward" for d in (2, 3)),
)
def max_pool_backward(op: Op) -> Work:
    """Gradient 0 but for g added at its indices.

    vector_ops   1 per element of g
    bytes        g and the indices are read once, the gradient is written once; x is not read
    """
    gradient, indices = op.inputs[0], op.inputs[-1]
    return work_of(op, "gather", vector_ops=gradient.elements, reads=(gradient, indices))


@RULES.add(
    *(f"aten.avg_pool{d}d_backward" for d in (2, 3)),
    *("aten._adaptive_avg_pool2d_backward", "aten._adaptive_avg_pool3d_backward"),
    "aten.adaptive_avg_pool3d_backward",
)
def average_pool_backward(op: Op) -> Work:
    """Gradient: each g / k added to the k elements of its window.

    vector_ops   k per element of g
    special_ops  1 per element of g for the division
    bytes        g is read once, the gradient is written once; x is not read
    """
    gradient, result = op.inputs[0], op.outputs[0]
    window = prod(integers(op, "kernel_size"))
    added = window * gradient.elements if "kernel_size" in op.attributes else result.elements
    return work_of(op, "reduction", vector_ops=added, special_ops=gradient.elements, reads=(gradient,))


def _window(op: Op) -> int:
    kernel = integers(op, "kernel_size")
    dims = next((int(letter) for letter in op.name if letter.isdigit()), 1)
    return prod(kernel if len(kernel) == dims else kernel[:1] * dims)


def _adaptive_elements(op: Op) -> int:
    x, y = op.inputs[0].shape, op.outputs[0].shape
    pooled = len(integers(op, "output_size"))
    windows = (
        sum(-(-(o + 1) * size // results) - o * size // results for o in range(results))
        for size, results in zip(x[-pooled:], y[-pooled:], strict=True)
    )
    return prod(y[:-pooled]) * prod(windows)
