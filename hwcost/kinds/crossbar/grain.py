"""In what pieces ops take their input and give their output: a step of a sequence, a row of an image."""

from __future__ import annotations

from typing import Final

from hwcost.graph import Op, Tensor, Work
from hwcost.report import Traffic

ROW_DIMENSION: Final = 2
"""The first dimension along which an image (N, C, H, W) or a sequence (N, C, L) is passed."""

PRODUCTS: Final = frozenset({"aten.addmm", "aten.mm", "aten.linear"})
"""Products that take one row of their input after the other, as do those of recurrent layers."""

INPUT_PRODUCT: Final = ".input_product"

POOLS: Final = frozenset(
    f"aten.{name}" for name in ("max_pool1d", "max_pool2d_with_indices", "avg_pool1d", "avg_pool2d")
)

POINTWISE: Final = "pointwise"


def read_share(traffic: Traffic, tensor: Tensor) -> float:
    """The share of a tensor that an op needs before it gives its first piece.

    in a loop     1 / times, if rounds read on along it, forwards; a tensor of all rounds: 1
    products      1 / rows
    convolution   (kernel - 1) * dilation + 1 rows of height * images; pooling the same
    pointwise     as little as there is
    all else      1
    """
    work = traffic.work
    if traffic.phase != "once":
        return 1.0 / traffic.times if sum(tensor.advance) > 0 and not _is_nested(traffic) else 1.0
    if work.op_class == POINTWISE:
        return 0.0
    return _rows_share(work, tensor)


def output_share(traffic: Traffic, finest: float) -> float:
    """The share of an op's output that comes first. finest: the largest piece of what it reads."""
    work = traffic.work
    if traffic.phase != "once":
        outputs = (*work.writes, *work.op.outputs)
        backwards = any(sum(tensor.advance) < 0 for tensor in outputs)
        return 1.0 if backwards or _is_nested(traffic) else 1.0 / traffic.times
    if work.op_class == POINTWISE:
        return finest or 1.0
    if _is_product(work):
        return 1.0 / max(work.products[0].m, 1)
    if _is_windowed(work.op) and work.op.outputs:
        return 1.0 / _rows(work.op.outputs[0])
    return 1.0


def _is_nested(traffic: Traffic) -> bool:
    """Whether the loop of an op stands in another, whose rounds wait for one another."""
    return traffic.calls > traffic.times


def _rows_share(work: Work, tensor: Tensor) -> float:
    if _is_product(work):
        return 1.0 / max(work.products[0].m, 1)
    if _is_windowed(work.op) and tensor.storage == work.op.inputs[0].storage:
        return min(1.0, _window(work.op) / _rows(work.op.inputs[0]))
    return 1.0


def _is_product(work: Work) -> bool:
    """Whether the rows of a product are passed in the order in which they lie in memory."""
    named = work.op.name in PRODUCTS or work.op.name.endswith(INPUT_PRODUCT)
    if not named or len(work.products) != 1 or work.products[0].batch > 1:
        return False
    a = work.products[0].a
    return work.products[0].b.role == "weight" and list(a.strides) == sorted(a.strides, reverse=True)


def _is_windowed(op: Op) -> bool:
    if op.name == "aten.convolution":
        return not op.attributes.get("transposed") and len(op.inputs[0].shape) > ROW_DIMENSION
    return op.name in POOLS and len(op.inputs[0].shape) > ROW_DIMENSION


def _window(op: Op) -> int:
    """Rows that a window spans."""
    kernel = op.inputs[1].shape[ROW_DIMENSION] if op.name == "aten.convolution" else _first(op, "kernel_size")
    return (kernel - 1) * _first(op, "dilation") + 1


def _first(op: Op, key: str) -> int:
    value = op.attributes.get(key, 1)
    first = value[0] if isinstance(value, tuple) and value else value
    return int(first) if isinstance(first, int) else 1


def _rows(tensor: Tensor) -> int:
    return max(tensor.shape[0] * tensor.shape[ROW_DIMENSION], 1)
