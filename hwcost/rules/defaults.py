"""How an op counts that has no rule of its own."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.work import distinct, free, work_of


def view(op: Op) -> Work:
    """An op whose outputs alias its inputs: y is another way to index the storage of x.

    macs         0
    vector_ops   0
    bytes        none: only shape, strides and offset change, and these live on the host
    kernels      0
    """
    return free(op)


def pointwise(op: Op) -> Work:
    """An op that torch tags as elementwise: y[i] = f(x[i], ...).

    vector_ops   1 per element of the result
    bytes        each input is read once, the result is written once
    """
    return work_of(op, "pointwise", vector_ops=op.outputs[0].elements if op.outputs else 0)


def assumed(op: Op) -> Work:
    """An op that nothing is known of.

    macs         unknown; counted as 0 and marked, so that every total with it is a lower bound
    vector_ops   unknown, likewise
    bytes        each input is read once, each output is written once
    """
    return Work(
        op=op,
        op_class="unknown",
        reads=distinct(op.inputs),
        writes=distinct(op.outputs),
        is_assumed=True,
    )


def default(op: Op) -> Work:
    """The work of an op without a rule."""
    if op.is_view:
        return view(op)
    return pointwise(op) if op.is_pointwise else assumed(op)
