"""The memory that a training iteration takes, from when each storage is there."""

from __future__ import annotations

from itertools import accumulate

from hwcost.graph import Trace, Tree, Work
from hwcost.report.training import Footprint
from hwcost.training.lifetimes import Life, Program, program


def footprint(trace: Trace, works: Tree[Work]) -> Footprint | None:
    """What a training iteration keeps, and the most that it holds at once; None for a forward pass alone.

    Weights and what the optimiser keeps are there all the time; the model's inputs from the start, its
    outputs to the end. A gradient of a parameter is there from the op that makes it to the end, since the
    ones of the iteration before were given back (`zero_grad(set_to_none=True)`). Everything else is there
    from its first touch to its last. Memory that an allocator holds but does not use is not counted, nor is
    that of libraries.
    """
    whole = program(works)
    if all(op.part == "forward" for op in whole.ops):
        return None
    lives = [life for life in whole.lives.values() if life.storage.role not in ("weight", "optimiser")]
    last = len(whole.ops) - 1
    for life in lives:
        if life.storage.role == "input":
            life.born = 0
        if life.storage.role in ("input", "output") or life.is_gradient:
            life.dies = last
    place = _fullest(lives, last)
    there = [life for life in lives if life.born <= place <= life.dies]
    gradients = sum(life.storage.bytes for life in there if life.is_gradient)
    stored = sum(life.storage.bytes for life in there if life.is_stored)
    op = whole.ops[place]
    return Footprint(
        weights_bytes=max(trace.weight_bytes, _held(whole, "weight")),
        optimiser_bytes=_held(whole, "optimiser"),
        gradients_bytes=sum(life.storage.bytes for life in lives if life.is_gradient),
        stored_bytes=sum(life.storage.bytes for life in lives if life.is_stored),
        peak_gradients_bytes=gradients,
        peak_stored_bytes=stored,
        peak_transient_bytes=sum(life.storage.bytes for life in there) - gradients - stored,
        peak_part=op.part,
        peak_module=op.module,
        peak_op=op.name,
    )


def _held(whole: Program, role: str) -> int:
    return sum(life.storage.bytes for life in whole.lives.values() if life.storage.role == role)


def _fullest(lives: list[Life], last: int) -> int:
    """The first place where the most bytes are there."""
    changes = [0] * (last + 2)
    for life in lives:
        changes[life.born] += life.storage.bytes
        changes[life.dies + 1] -= life.storage.bytes
    there = list(accumulate(changes))[: last + 1]
    return there.index(max(there))
