"""Ops of one name that are elementwise with some arguments and something else with others."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.elementwise import pointwise_work
from hwcost.rules.registry import RULES
from hwcost.rules.work import work_of


@RULES.add("aten.where")
def where(op: Op) -> Work:
    """Where: y = x where the condition holds, else z; with a condition alone, the places where it holds.

    vector_ops   1 per element: one selection, or one comparison per element of the condition
    bytes        condition, x and z are read once, y is written once
    """
    if len(op.inputs) == 1 and "other" not in op.attributes:
        return work_of(op, "gather", vector_ops=op.inputs[0].elements)
    return pointwise_work(op, 1, 0)


@RULES.add("aten.max", "aten.min")
def extreme(op: Op) -> Work:
    """Extreme: y = larger of x and z elementwise, or the largest of x, whole or along a dimension.

    vector_ops   1 per element of y with two operands; else 1 per element of x
    bytes        each input is read once, y (and the places, where they are used) are written once
    """
    if len(op.inputs) > 1:
        return pointwise_work(op, 1, 0)
    return work_of(op, "reduction", vector_ops=op.inputs[0].elements)


@RULES.add("aten.equal")
def equal(op: Op) -> Work:
    """Whether x and z are equal everywhere.

    vector_ops   1 per element of x
    bytes        x and z are read once; one truth value goes to the host
    """
    return work_of(op, "reduction", vector_ops=op.inputs[0].elements)
