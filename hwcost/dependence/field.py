"""What the elements of a storage see, kept small: dimensions along which all see the same are kept once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import prod
from operator import mul

import numpy as np
from numpy.lib.stride_tricks import as_strided

from hwcost.dependence.windows import NONE, Array, require_room
from hwcost.graph import Tensor


class ManyRoundsError(Exception):
    """A storage differs from round to round and advances as well, so that rounds go one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A storage's elements as a row-major array of `sizes`.

    numbers[round, i, j, ...]: as in `windows`; an axis has its size, or 1 where all elements along it
    see the same.
    """

    sizes: tuple[int, ...]
    numbers: Array

    @property
    def steps(self) -> tuple[int, ...]:
        """Elements from one index to the next, per axis."""
        return tuple(accumulate((*self.sizes[:0:-1],), mul, initial=1))[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """`count` rounds of a loop at once, from `first` on."""

    first: int = 0
    count: int = 1


ONCE = Rounds()


def empty_field(elements: int) -> Field:
    """A storage that no input has reached."""
    return Field(sizes=(elements,), numbers=np.full((1, 1), NONE))


def compact(numbers: Array) -> Array:
    """The same, with axes along which all is alike cut to 1."""
    for axis in range(1, numbers.ndim):
        if numbers.shape[axis] > 1:
            first = numbers[(slice(None),) * axis + (slice(0, 1),)]
            if (numbers == first).all():
                numbers = first
    return numbers


def advance_of(tensor: Tensor) -> int:
    """Elements by which a tensor moves per round."""
    return tensor.advance[-1] if tensor.advance else 0


Axis = tuple[int, int]
"""A dimension of a view: (size, elements from one index to the next)."""


def placed(field: Field, axes: Iterable[Axis], offset: int) -> tuple[list[int], list[Axis]] | None:
    """Where a view starts in each axis of the field, and (axis, indices) that each dimension moves by.

    None where a dimension runs out of its axis.
    """
    steps = field.steps
    starts = [offset // step % size for step, size in zip(steps, field.sizes, strict=True)]
    if not 0 <= offset < max(prod(field.sizes), 1):
        return None
    low, high = list(starts), list(starts)
    moves: list[Axis] = []
    for size, step in axes:
        if size == 1 or step == 0:
            moves.append((-1, 0))
            continue
        at = next((i for i, s in enumerate(steps) if s <= abs(step)), -1)
        if at < 0 or step % steps[at]:
            return None
        by = step // steps[at] if step > 0 else -(-step // steps[at])
        low[at] += min(0, by * (size - 1))
        high[at] += max(0, by * (size - 1))
        moves.append((at, by))
    if min(low, default=0) < 0 or any(h >= size for h, size in zip(high, field.sizes, strict=True)):
        return None
    return starts, moves


def strided(
    field: Field, axes: Sequence[Axis], starts: list[int], moves: Sequence[Axis], *, writeable: bool = False
) -> Array:
    """The view as one of the array: an axis per dimension, behind that of the rounds."""
    numbers = field.numbers
    origin = numbers[
        (
            slice(None),
            *(slice(s if n > 1 else 0, None) for s, n in zip(starts, numbers.shape[1:], strict=True)),
        )
    ]
    shape, strides = [len(numbers)], [numbers.strides[0]]
    for (size, _), (at, by) in zip(axes, moves, strict=True):
        kept = at >= 0 and numbers.shape[at + 1] > 1
        shape.append(size if kept else 1)
        strides.append(by * numbers.strides[at + 1] if kept else 0)
    return as_strided(origin, shape, strides, writeable=writeable)


def write(field: Field | None, tensor: Tensor, numbers: Array, rounds: Rounds = ONCE) -> Field:
    """The storage after a view of it was written with what sees `numbers`."""
    elements = tensor.storage.elements
    field = field or empty_field(elements)
    if 0 in tensor.shape:
        return field
    axes = list(zip(tensor.shape, tensor.strides, strict=True))
    advance = advance_of(tensor)
    is_moving = advance != 0 and rounds.count > 1
    offset = tensor.offset + rounds.first * advance
    if not advance and _covers(tensor):
        return _whole(axes, numbers)
    if is_moving:
        if len(field.numbers) > 1:
            raise ManyRoundsError
        axes, numbers = [(rounds.count, advance), *axes], numbers[None]
        if not _is_disjoint(axes):
            raise ManyRoundsError
    return _partly(field, axes, offset, numbers)


def _covers(tensor: Tensor) -> bool:
    """Whether a tensor is its whole storage, each element once."""
    if tensor.offset or tensor.elements != tensor.storage.elements:
        return False
    step = 1
    for stride, size in sorted(zip(tensor.strides, tensor.shape, strict=True)):
        if size > 1:
            if stride != step:
                return False
            step *= size
    return True


def _is_disjoint(axes: Sequence[Axis]) -> bool:
    reach = 0
    for step, size in sorted((abs(step), size) for size, step in axes if size > 1):
        if step <= reach:
            return False
        reach += step * (size - 1)
    return True


def _whole(axes: Sequence[Axis], numbers: Array) -> Field:
    order = sorted((i for i, (size, _) in enumerate(axes) if size > 1), key=lambda i: -axes[i][1])
    if not order:
        return Field(sizes=(1,), numbers=numbers.reshape(len(numbers), 1))
    rest = [i for i in range(len(axes)) if i not in order]
    moved = numbers.transpose([0, *(i + 1 for i in order), *(i + 1 for i in rest)])
    moved = moved.reshape(moved.shape[: len(order) + 1])
    return Field(sizes=tuple(axes[i][0] for i in order), numbers=compact(moved))


def refined(field: Field, axes: Iterable[Axis]) -> Field:
    """The same field with axes that begin where the dimensions of a view do, as far as sizes divide."""
    elements = prod(field.sizes)
    if elements <= 1:
        return field
    cuts = sorted({elements, *field.steps})
    wanted = [abs(step) for _, step in axes] + [abs(step) * size for size, step in axes]
    for cut in wanted:
        if 0 < cut < elements and cut not in cuts:
            below = max(c for c in cuts if c < cut)
            above = min(c for c in cuts if c > cut)
            if cut % below == 0 and above % cut == 0:
                cuts = sorted([*cuts, cut])
    sizes = [above // below for below, above in pairwise(cuts)][::-1] or [1]
    kept = [len(field.numbers)]
    for step, old, size in zip(field.steps, field.sizes, field.numbers.shape[1:], strict=True):
        inside = [above // below for below, above in pairwise(cuts) if step <= below < step * old]
        kept += inside[::-1] if size > 1 else [1] * len(inside)
    if prod(kept) != field.numbers.size:
        return field
    return replace(field, sizes=tuple(sizes), numbers=field.numbers.reshape(kept))


def _partly(field: Field, axes: list[Axis], offset: int, numbers: Array) -> Field:
    """The field with a view written into it; numbers: (rounds, a dimension per axis)."""
    field = refined(field, axes)
    place = placed(field, axes, offset)
    if place is None:
        field = one_by_one(field)
        place = placed(field, axes, offset)
        if place is None:
            raise ValueError("a view reaches out of its storage")
    starts, moves = place
    shape = [max(len(field.numbers), len(numbers)), *field.numbers.shape[1:]]
    for at, size in enumerate(field.sizes):
        here = [place for place, (axis, _) in enumerate(moves) if axis == at]
        is_whole = starts[at] == 0 and len(here) == 1 and (axes[here[0]][0], moves[here[0]][1]) == (size, 1)
        if not (is_whole and numbers.shape[here[0] + 1] == 1) and size > 1:
            shape[at + 1] = size
    require_room(shape)
    result = np.broadcast_to(field.numbers, shape).copy()
    after = replace(field, numbers=result)
    view = strided(after, axes, starts, moves, writeable=True)
    view[...] = numbers
    return replace(after, numbers=compact(result))


def one_by_one(field: Field) -> Field:
    """The same field with one axis, in which every element stands for itself."""
    rounds = len(field.numbers)
    if rounds > 1:
        require_room((rounds, *field.sizes))
    full = np.broadcast_to(field.numbers, (rounds, *field.sizes)).reshape(rounds, -1)
    return Field(sizes=(full.shape[1],), numbers=full)
