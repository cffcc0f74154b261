"""Reading the elements that an index names."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import integer, operands, part, present, work_of


@RULES.add(
    *aten("embedding index_select gather index _unsafe_index take take_along_dim masked_select"),
    *aten("_unsafe_masked_index"),
)
def gather(op: Op) -> Work:
    """y[i] = x[index[i]], by rows (embedding, index_select) or by elements.

    vector_ops   0: addresses are not counted as arithmetic
    bytes        of x as many elements as y has, and no more than x has: an embedding reads the rows of its
                 table that it looks up, not the table; the indices are read once, y is written once
    """
    source, *indices = op.inputs
    return work_of(op, "gather", reads=(part(source, op.outputs[0].elements), *indices))


@RULES.add("aten._embedding_bag", "aten._embedding_bag_forward_only", "aten.embedding_bag")
def embedding_bag(op: Op) -> Work:
    """y[bag] = sum, mean or largest of the rows of its indices.

    vector_ops   1 per element of the rows looked up, and 1 more where samples have weights
    special_ops  1 per element of y for the mean
    bytes        the rows looked up (no more than the table has), indices, offsets and weights are read once,
                 y is written once
    """
    weight, indices = op.inputs[:2]
    names = ("weight", "indices", "offsets", "per_sample_weights")
    _, _, offsets, sample_weights = operands(op, *names)
    looked_up = indices.elements * weight.shape[1]
    means = 1
    return work_of(
        op,
        "gather",
        vector_ops=looked_up * (1 + (sample_weights is not None)),
        special_ops=op.outputs[0].elements if integer(op, "mode") == means else 0,
        reads=(part(weight, looked_up), *present(indices, offsets, sample_weights)),
    )


@RULES.add("aten.repeat_interleave")
def repeat_interleave(op: Op) -> Work:
    """Repeat interleave: y = each element of x repeated in place; of counts alone, the index that does so.

    vector_ops   0
    bytes        x and the counts are read once, y is written once
    """
    return work_of(op, "gather")


@RULES.add("aten.embedding_dense_backward")
def embedding_backward(op: Op) -> Work:
    """Gradient of the table: 0 but for each row of g added at its index.

    vector_ops   1 per element of g
    bytes        g and the indices are read once, the whole gradient is written once
    """
    return work_of(op, "gather", vector_ops=op.inputs[0].elements)
