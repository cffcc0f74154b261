"""Writing the elements that an index names."""

from __future__ import annotations

from hwcost.graph import Op, Tensor, Work
from hwcost.rules.registry import RULES, aten, is_in_place
from hwcost.rules.work import integer, part, work_of

SUMS = ("aten.scatter_add", "aten.scatter_reduce", "aten.index_add", "aten.index_reduce")
"""Names that combine what they write with what is there."""


@RULES.add(
    *SUMS,
    *aten("scatter index_copy index_fill masked_scatter put index_put _unsafe_index_put"),
    *aten("_index_put_impl _unsafe_masked_index_put_accumulate"),
)
def scatter(op: Op) -> Work:
    """Scatter: y = x, but for y[index[i]] = values[i], or combined with what is there.

    vector_ops   1 per value where it is combined (scatter_add, scatter_reduce, index_add, index_put with
                 accumulate), else 0
    bytes        values and indices are read once. In place, as many elements of x as there are values are
                 written, and read where they are combined; else all of x is read and all of y written
    """
    x, *others = op.inputs
    written = _values(op, x, others)
    is_combined = op.name.removesuffix("_") in SUMS or bool(op.attributes.get("accumulate"))
    is_combined = is_combined or op.attributes.get("reduce") is not None
    vector_ops = written if is_combined else 0
    if not is_in_place(op):
        return work_of(op, "gather", vector_ops=vector_ops)
    place = part(x, written)
    reads = (place, *others) if is_combined else others
    return work_of(op, "gather", vector_ops=vector_ops, reads=reads, writes=(place,))


@RULES.add(
    *aten("slice_scatter select_scatter diagonal_scatter as_strided_scatter slice_backward"),
    *aten("select_backward diagonal_backward value_selecting_reduction_backward"),
    *aten("masked_scatter_backward"),
)
def window_scatter(op: Op) -> Work:
    """Window scatter: y = x (or 0), but for a slice of it, which is replaced.

    vector_ops   0
    bytes        x and the new slice are read once, y is written once
    """
    return work_of(op, "copy")


def _values(op: Op, x: Tensor, others: list[Tensor]) -> int:
    """How many elements are written: the values', or as many as the index selects."""
    if op.name.removesuffix("_") == "aten.index_fill":
        dim = integer(op, "dim")
        return x.elements // max(x.shape[dim] if x.shape else 1, 1) * others[0].elements
    if "aten.scatter" in op.name:
        return others[0].elements
    if "index_put" not in op.name:
        return max((tensor.elements for tensor in others), default=0)
    if any(tensor.dtype == "bool" for tensor in others[:-1]):
        return x.elements
    return max(tensor.elements for tensor in others)
