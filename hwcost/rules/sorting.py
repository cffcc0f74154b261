"""Sorting, searching and counting of values."""

from __future__ import annotations

from math import ceil, log2

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import integer, work_of


def _depth(n: int) -> int:
    """Comparisons that find a place among n sorted values: ceil(log2(n)), at least 1."""
    return max(ceil(log2(max(n, 1))), 1)


def _length(op: Op) -> int:
    """Size of the dimension that the op works along; all of x where it has none."""
    x = op.inputs[0]
    dim = op.attributes.get("dim")
    return x.shape[dim] if isinstance(dim, int) and x.shape else x.elements


@RULES.add(*aten("sort argsort msort kthvalue median nanmedian mode _unique _unique2 unique_dim"))
def sort(op: Op) -> Work:
    """Sort: y = x in order along a dimension of n; median, mode, unique, k-th value count as a full sort.

    vector_ops   ceil(log2 n) comparisons per element
    bytes        x is read once, the results are written once
    source       a comparison sort needs log2(n!) ~ n log2 n comparisons
    """
    return work_of(op, "reduction", vector_ops=op.inputs[0].elements * _depth(_length(op)))


@RULES.add("aten.topk")
def largest(op: Op) -> Work:
    """Largest: y = the k largest of x along a dimension of n.

    vector_ops   ceil(log2 k) comparisons per element of x, at least 1: a heap of k
    bytes        x is read once, the results are written once
    """
    return work_of(op, "reduction", vector_ops=op.inputs[0].elements * _depth(integer(op, "k", 1)))


@RULES.add("aten.searchsorted", "aten.bucketize")
def search(op: Op) -> Work:
    """Search: y = the places of values among sorted boundaries[n].

    vector_ops   ceil(log2 n) comparisons per value
    bytes        values and boundaries are read once, y is written once
    """
    boundaries = op.inputs[0] if op.name == "aten.searchsorted" else op.inputs[-1]
    length = boundaries.shape[-1] if boundaries.shape else 1
    return work_of(op, "gather", vector_ops=op.outputs[0].elements * _depth(length))


@RULES.add("aten.isin")
def is_member(op: Op) -> Work:
    """Is member: y = whether each element of x is among the test values[n].

    vector_ops   ceil(log2 n) per element of x, and of the test values to sort them first
    bytes        both are read once, y is written once
    """
    values = op.inputs[-1].elements if len(op.inputs) > 1 else 1
    looked_up = op.outputs[0].elements + (values if len(op.inputs) > 1 else 0)
    return work_of(op, "reduction", vector_ops=looked_up * _depth(values))


@RULES.add(*aten("nonzero nonzero_static argwhere unique_consecutive bincount histc unique_dim_consecutive"))
def scan(op: Op) -> Work:
    """Scan: y = places of what is not zero, or counts of each value, or values without repeats.

    vector_ops   1 per element of x
    bytes        x is read once, the results are written once
    """
    return work_of(op, "reduction", vector_ops=sum(tensor.elements for tensor in op.inputs[:1]))
