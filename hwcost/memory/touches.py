"""The nouns of reuse: what an op touches, at which distances, and the share of it that misses."""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.graph import Phase, Tensor, Work
from hwcost.memory import misses
from hwcost.memory.misses import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Rounds in which the same bytes are touched at distances that go linearly from start to end.

    rounds: calls, outer loops multiplied. start_bytes, end_bytes: reuse distance; inf: never touched
    before (of a write: never again, and it must reach the farthest memory). retained_bytes: R, what
    this round of a loop touches of what the round before touched: at most C of it can have stayed in
    a memory of capacity C, so at least the share 1 - C/R crosses again, in whatever order a memory
    evicts; 0 where no such argument holds.
    """

    phase: Phase
    rounds: int
    start_bytes: float
    end_bytes: float
    retained_bytes: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """Bytes of a tensor that share their reuse distances. bytes: per round."""

    tensor: Tensor
    is_write: bool
    bytes: float
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpReuse:
    """What one op touches. times, axis: of the innermost loop around it (1 and "" outside of any).

    phases: (phase, calls), outer loops multiplied.
    """

    work: Work
    times: int
    axis: str
    phases: tuple[tuple[Phase, int], ...]
    touches: tuple[Touch, ...]


def mean_misses(sample: Sample, capacity_bytes: float | None, policy: Policy) -> float:
    """The mean share of a sample that misses in a memory of this capacity (see `misses`)."""
    return misses.mean_misses(sample.start_bytes, sample.end_bytes, capacity_bytes, policy)
