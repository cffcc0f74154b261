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
        is_batched = bool(work.products) and work.op.name in BATCHED
        return "attention" if is_batched else "linear"
    return "other"


BATCHED = frozenset({"aten.bmm", "aten.baddbmm", "aten.addbmm", "aten.matmul"})
"""Products in batches, of which attention written by hand is made."""
