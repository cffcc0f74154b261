"""When each storage of a program is there: from its first touch to its last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hwcost.graph import Loop, Op, Part, Storage, Tensor, Tree, Work
from hwcost.training.loss import GRADIENT

Span = tuple[int, int]
"""First and last place in the program."""


@dataclass(slots=True)
class Life:
    """A storage, and the places in the program between which it is there, both included.

    made_in: the part that touches it first. home: the loops that it does not outlive, outermost first.
    is_read: whether the backward pass reads it. is_gradient: whether an optimiser reads it.
    """

    storage: Storage
    born: int
    dies: int
    made_in: Part
    home: tuple[Span, ...]
    is_read: bool = False
    is_gradient: bool = False

    @property
    def is_stored(self) -> bool:
        """Whether the forward pass leaves it for the backward pass."""
        is_held = self.storage.role in ("weight", "optimiser") or self.is_gradient
        return self.is_read and self.made_in == "forward" and not is_held


@dataclass(slots=True)
class Program:
    """The ops of a program by their place, and the lives of its storages by their id."""

    ops: list[Op] = field(default_factory=list)
    lives: dict[str, Life] = field(default_factory=dict)


def program(tree: Tree[Work]) -> Program:
    """The lives of all storages that ops take or give.

    A loop stands for one round of its body. What one round alone needs is there from its first touch to its
    last; what goes from one round to another, or beyond the loop, is there for all of the loop, slices
    that later rounds make included.
    """
    found = Program()
    for op, loops in _placed(tree, found, ()):
        place, read = len(found.ops) - 1, {tensor.storage.id for tensor in op.inputs}
        for tensor in (*op.inputs, *op.outputs):
            life = found.lives.get(tensor.storage.id)
            if life is None:
                home = loops[: _kept_rounds(tensor, len(loops))] if tensor.storage.id not in read else ()
                life = Life(tensor.storage, place, place, op.part, loops)
                found.lives[tensor.storage.id] = life
                _leave(life, home)
            _touch(life, place, loops)
        for tensor in op.inputs:
            life = found.lives[tensor.storage.id]
            life.is_read = life.is_read or (op.part == "backward" and op.name != GRADIENT)
            if op.part == "optimiser" and tensor.role not in ("weight", "optimiser"):
                life.is_gradient = True
    return found


def _kept_rounds(tensor: Tensor, depth: int) -> int:
    """How many of the loops around a tensor make it anew in every round: those outside its first advance."""
    steps = (0,) * (depth - len(tensor.advance)) + tensor.advance
    return next((level for level, step in enumerate(steps) if step), depth)


def _placed(
    tree: Tree[Work], found: Program, loops: tuple[Span, ...]
) -> Iterator[tuple[Op, tuple[Span, ...]]]:
    """The ops in order, each with the spans of the loops around it, outermost first."""
    for item in tree:
        if isinstance(item, Loop):
            start = len(found.ops)
            span = (start, start + _length(item.body) - 1)
            yield from _placed(item.body, found, (*loops, span))
        else:
            found.ops.append(item.op)
            yield item.op, loops


def _length(tree: Tree[Work]) -> int:
    return sum(_length(item.body) if isinstance(item, Loop) else 1 for item in tree)


def _touch(life: Life, place: int, loops: tuple[Span, ...]) -> None:
    """A storage is touched at a place that has these loops around it."""
    shared = sum(1 for one, other in zip(life.home, loops, strict=False) if one == other)
    _leave(life, life.home[:shared])
    life.dies = max(life.dies, loops[shared][1] if len(loops) > shared else place)


def _leave(life: Life, home: tuple[Span, ...]) -> None:
    """A storage outlives the loops inside `home`, and so is there for all of the outermost of them."""
    if len(home) < len(life.home):
        life.born = min(life.born, life.home[len(home)][0])
        life.dies = max(life.dies, life.home[len(home)][1])
        life.home = home
