"""Views of a storage as another type: real and imaginary parts of complex numbers, bytes of words.

A part of an element sees what the whole element sees. Most views are of the storage's own type, and are
read and written as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hwcost.dependence.field import Field, Rounds, write
from hwcost.dependence.reading import read
from hwcost.dependence.windows import Array, Charge, gathered, joined, nothing
from hwcost.graph import Storage, Tensor
from hwcost.units import dtype_bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Recast:
    """A view in units of its storage's elements.

    covers: elements of the storage along a last dimension that each element of the view covers; 0: the view
    has no such dimension. repeats: per dimension, how many of its indices are parts of one element.
    """

    tensor: Tensor
    covers: int
    repeats: tuple[int, ...]


def is_plain(tensor: Tensor) -> bool:
    """Whether a view is of the type of its storage."""
    return dtype_bits(tensor.dtype) == dtype_bits(tensor.storage.dtype)


def recast(tensor: Tensor) -> Recast | None:
    """A view of another type in its storage's units; None where it does not fall on whole elements."""
    own, unit = dtype_bits(tensor.dtype), dtype_bits(tensor.storage.dtype)
    if own > unit:
        return _larger(tensor, own // unit)
    ratio = unit // own
    sizes: list[int] = []
    strides: list[int] = []
    repeats: list[int] = []
    for size, stride in zip(tensor.shape, tensor.strides, strict=True):
        if size == 1 or stride % ratio == 0:
            sizes, strides, repeats = [*sizes, size], [*strides, stride // ratio], [*repeats, 1]
        elif stride == 1 and size % ratio == 0:
            sizes, strides, repeats = [*sizes, size // ratio], [*strides, 1], [*repeats, ratio]
        else:
            return None
    if any(step % ratio for step in tensor.advance):
        return None
    view = replace(
        tensor,
        dtype=tensor.storage.dtype,
        shape=tuple(sizes),
        strides=tuple(strides),
        offset=tensor.offset // ratio,
        advance=tuple(step // ratio for step in tensor.advance),
    )
    return Recast(tensor=view, covers=0, repeats=tuple(repeats))


def _larger(tensor: Tensor, ratio: int) -> Recast:
    view = replace(
        tensor,
        dtype=tensor.storage.dtype,
        shape=(*tensor.shape, ratio),
        strides=(*(stride * ratio for stride in tensor.strides), 1),
        offset=tensor.offset * ratio,
        advance=tuple(step * ratio for step in tensor.advance),
    )
    return Recast(tensor=view, covers=ratio, repeats=(1,) * len(view.shape))


def read_view(field: Field, tensor: Tensor, rounds: Rounds, *, is_set: bool) -> Array:
    """What the elements of a view of any type see."""
    if is_plain(tensor):
        return read(field, tensor, rounds, is_set=is_set)
    changed = recast(tensor)
    if changed is None:
        numbers = _all_of(read(field, whole(tensor.storage), rounds))
        return numbers.reshape(len(numbers), *(1,) * len(tensor.shape))
    numbers = read(field, changed.tensor, rounds)
    if changed.covers:
        return gathered(numbers, (numbers.ndim - 1,), Charge.FREE).squeeze(-1)
    for axis, count in enumerate(changed.repeats, 1):
        numbers = np.repeat(numbers, count, axis) if numbers.shape[axis] > 1 else numbers
    return numbers


def write_view(field: Field | None, tensor: Tensor, numbers: Array, rounds: Rounds) -> Field:
    """The storage after a view of any type was written; what is not written of an element is still seen."""
    if is_plain(tensor):
        return write(field, tensor, numbers, rounds)
    changed = recast(tensor)
    if changed is not None and changed.covers:
        return write(field, changed.tensor, numbers[..., None], rounds)
    view = whole(tensor.storage) if changed is None else changed.tensor
    numbers = _all_of(numbers) if changed is None else _together(numbers, changed)
    before = nothing(len(view.shape)) if field is None else read(field, view, rounds)
    return write(field, view, joined([numbers, before], Charge.FREE), rounds)


def _together(numbers: Array, changed: Recast) -> Array:
    """What the elements see of which the view has parts."""
    for axis, count in enumerate(changed.repeats, 1):
        if count > 1 and numbers.shape[axis] > 1:
            shape = (*numbers.shape[:axis], -1, count, *numbers.shape[axis + 1 :])
            numbers = gathered(numbers.reshape(shape), (axis + 1,), Charge.FREE).squeeze(axis + 1)
    return numbers


def _all_of(numbers: Array) -> Array:
    """What all elements together see, as one dimension."""
    return gathered(numbers, range(1, numbers.ndim), Charge.FREE).reshape(len(numbers), 1)


def whole(storage: Storage) -> Tensor:
    """All elements of a storage, one after the other."""
    return Tensor(storage=storage, shape=(storage.elements,), strides=(1,), dtype=storage.dtype)


def in_units(tensor: Tensor) -> Tensor:
    """A view that touches the same elements, of the storage's own type."""
    if is_plain(tensor):
        return tensor
    changed = recast(tensor)
    return whole(tensor.storage) if changed is None else changed.tensor
