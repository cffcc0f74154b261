"""Our own count of a trace, by family of ops."""

from __future__ import annotations

from collections import Counter

from hwcost.audit.result import Count, Family
from hwcost.graph import Trace, Work, leaves
from hwcost.rules.count import count

RECURRENT = ("torch.lstm", "torch.gru", "torch.rnn_")
"""How the names of recurrent layers, their cells and their parts begin."""


def ours(trace: Trace) -> Count:
    """The multiply-accumulates that the rules give, by family."""
    macs: Counter[Family] = Counter()
    for work, calls in leaves(count(trace.items)):
        macs[_family(work)] += work.macs * calls
    return Count(counter="hwcost", macs=macs)


def _family(work: Work) -> Family:
    if work.op.name.startswith(RECURRENT):
        return "recurrent"
    if work.op_class in ("conv", "depthwise"):
        return "conv"
    if work.op_class == "attention":
        return "attention"
    if work.op_class in ("gemm", "gemv"):
        return "attention" if work.op.name in BATCHED and not _shares_an_operand(work) else "linear"
    return "other"


def _shares_an_operand(work: Work) -> bool:
    """Whether an operand is one matrix for the whole batch: it lies there once, with stride 0."""
    return any(len(tensor.shape) > 2 and tensor.strides[0] == 0 for tensor in work.op.inputs)


BATCHED = frozenset({"aten.bmm", "aten.baddbmm", "aten.addbmm", "aten.matmul"})
"""Products in batches, of which attention written by hand is made."""
