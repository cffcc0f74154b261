"""The steps of a stream: its first chunk, one in the middle, and its last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from hwcost.graph import FIRST_STEP, LAST_STEP, STEPS, Loop, Op, Tree
from hwcost.report.costs import Cost
from hwcost.report.sums import Steps, Sum, one_round, sum_of

STREAM = (FIRST_STEP, STEPS, LAST_STEP)
"""What the loops run along that a stream is made of."""


def stream_steps(costs: Iterable[Cost], items: Tree[Op]) -> Steps | None:
    """Its chunks, whatever stretches it was cut into; None where there is no stream."""
    rounds = [item.times for item in items if isinstance(item, Loop) and item.axis in STREAM]
    of_stream = [cost for cost in costs if cost.traffic.axis in STREAM]
    if not rounds or not of_stream:
        return None
    # Every stretch has the same ops, and the costs of one op stand side by side.
    leaves = [tuple(group) for _, group in groupby(of_stream, key=lambda cost: id(cost.traffic.work))]
    size = len(leaves) // len(rounds)
    stretches = [leaves[i * size : (i + 1) * size] for i in range(len(rounds))]
    count, middle, before = sum(rounds), 0, 0
    for i, times in enumerate(rounds):
        if before <= count // 2:
            middle = i
        before += times
    return Steps(
        count=count,
        first=_chunk(stretches[0], "first"),
        steady=_chunk(stretches[middle], "steady", "last", "first") if count > 2 else None,
        last=_chunk(stretches[-1], "last", "first") if count > 1 else None,
        is_growing=len(rounds) > 2,
    )


def _chunk(stretch: Sequence[tuple[Cost, ...]], *phases: str) -> Sum | None:
    """One chunk of a stretch, in the first of these phases that it has."""
    for phase in phases:
        found = [one_round(cost) for leaf in stretch for cost in leaf if cost.traffic.phase == phase]
        if found:
            return sum_of(found)
    return None
