"""What the elements of a view of a storage see, read off its field."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from hwcost.dependence.field import ONCE, Axis, Field, ManyRoundsError, Rounds, advance_of, placed, strided
from hwcost.dependence.windows import NONE, Array, require_room
from hwcost.graph import Tensor


def read(field: Field, tensor: Tensor, rounds: Rounds = ONCE, *, is_set: bool = False) -> Array:
    """What the elements of a view see, round by round.

    is_set: of the last dimension only the different elements matter, not how many there are, nor where.
    """
    if 0 in tensor.shape:
        return np.full((1, *tensor.shape), NONE)
    advance = advance_of(tensor)
    offset = tensor.offset + rounds.first * advance
    is_moving = advance != 0 and rounds.count > 1
    if is_moving and len(field.numbers) > 1:
        raise ManyRoundsError
    axes = list(zip(tensor.shape, tensor.strides, strict=True))
    lead: list[Axis] = [(rounds.count, advance)] if is_moving else []
    parts = _split(field, [*lead, *axes], offset)
    flat = [axis for group in parts for axis in group]
    place = placed(field, flat, offset)
    if place is None:
        found = _picked(field, [*lead, *axes], offset)
        return found[0] if is_moving else found
    found = strided(field, flat, *place)
    if not is_moving:
        parts = [[(len(field.numbers), 0)], *parts]
    else:
        found = found[0]
    return _merged(found, parts, is_set=is_set)


def _split(field: Field, axes: Sequence[Axis], offset: int) -> list[list[Axis]]:
    """Each dimension as several where it runs over more than one axis of the field."""
    places = dict(zip(field.steps, field.sizes, strict=True))
    result = []
    for size, step in axes:
        parts: list[Axis] = []
        while True:
            at = max((s for s in places if s <= abs(step) and step % s == 0), default=0)
            inner = places[at] * at // step if at and step > 0 and places[at] * at % step == 0 else 0
            if not 2 <= inner < size or size % inner or offset // at % places[at]:
                break
            parts.append((inner, step))
            size, step = size // inner, at * places[at]
        result.append([(size, step), *reversed(parts)])
    return result


def _merged(numbers: Array, groups: Sequence[Sequence[Axis]], *, is_set: bool) -> Array:
    """The array with the axes of each group as one; of a set, axes that are alike stay so."""
    if all(len(group) == 1 for group in groups):
        return numbers
    full: list[int] = []
    shape: list[int] = []
    at = 0
    for group in groups:
        kept = numbers.shape[at : at + len(group)]
        sizes = [size for size, _ in group]
        if max(kept) == 1:
            sizes = [1] * len(group)
        elif len(group) == 1 or (is_set and group is groups[-1]):
            sizes = list(kept)
        full += sizes
        shape.append(prod(sizes))
        at += len(group)
    require_room(shape)
    return np.broadcast_to(numbers, full).reshape(shape)


def _picked(field: Field, axes: Sequence[Axis], offset: int) -> Array:
    """The view element by element, but for dimensions within innermost axes that are all alike."""
    numbers, steps = field.numbers, field.steps
    alike: set[Axis] = set()
    for at in reversed(range(len(steps))):
        inner = [
            (size, step)
            for size, step in axes
            if size > 1 and steps[at] <= abs(step) < steps[at] * field.sizes[at]
        ]
        start = offset // steps[at] % field.sizes[at]
        ends = [step // steps[at] * (size - 1) for size, step in inner]
        is_within = all(step % steps[at] == 0 for _, step in inner) and (
            start + sum(e for e in ends if e > 0) < field.sizes[at]
            and start + sum(e for e in ends if e < 0) >= 0
        )
        above = steps[at] * field.sizes[at]
        if not is_within or any(step % above for size, step in axes if size > 1 and abs(step) >= above):
            break
        if numbers.shape[at + 1] == 1:
            alike |= set(inner)
    flat = np.full((1,) * len(axes), offset)
    for place, (size, step) in enumerate(axes):
        if (size, step) in alike or size == 1 or step == 0:
            continue
        shape = [1] * len(axes)
        shape[place] = size
        require_room(np.broadcast_shapes(flat.shape, shape))
        flat = flat + (np.arange(size) * step).reshape(shape)
    return _at(field, flat)


def _at(field: Field, flat: Array) -> Array:
    """The numbers at flat positions; positions outside of the storage see nothing."""
    numbers, inside = field.numbers, (flat >= 0) & (flat < prod(field.sizes))
    indices: list[Array] = [
        flat // step % size if kept > 1 else np.zeros((1,) * flat.ndim, dtype=np.int64)
        for step, size, kept in zip(field.steps, field.sizes, numbers.shape[1:], strict=True)
    ]
    found = np.stack([row[tuple(indices)] for row in numbers])
    found = np.broadcast_to(found, (len(numbers), *flat.shape))
    return found if inside.all() else np.where(inside, found, NONE)
