"""Storages kept small against plain flat arrays: any sequence of strided writes and reads agrees."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

from hwcost.dependence.field import Field, Rounds, empty_field, one_by_one, write
from hwcost.dependence.reading import read
from hwcost.dependence.windows import NONE
from hwcost.graph import Storage, Tensor, contiguous


def stored(elements: int) -> Storage:
    return Storage(id="s", elements=elements, dtype="float32")


@st.composite
def views(draw: st.DrawFn, elements: int) -> Tensor:
    """A permuted, sliced, stepped view of a storage whose elements are a grid of random sizes."""
    shape: list[int] = []
    left = elements
    while left > 1 and len(shape) < 4:
        size = draw(st.sampled_from([n for n in (2, 3, 4, 6, left) if left % n == 0]))
        shape.append(size)
        left //= size
    tensor = contiguous(stored(elements), (*shape, left))
    offset, axes = 0, []
    for size, stride in zip(tensor.shape, tensor.strides, strict=True):
        start = draw(st.integers(0, size - 1)) if draw(st.booleans()) else 0
        step = draw(st.integers(1, 2))
        most = -(-(size - start) // step)
        axes.append((draw(st.integers(1, most)) if draw(st.booleans()) else most, stride * step))
        offset += start * stride
    order = draw(st.permutations(range(len(axes))))
    return Tensor(
        storage=tensor.storage,
        shape=tuple(axes[i][0] for i in order),
        strides=tuple(axes[i][1] for i in order),
        dtype="float32",
        offset=offset,
    )


def as_array(flat: np.ndarray, tensor: Tensor) -> np.ndarray:
    strides = [stride * flat.itemsize for stride in tensor.strides]
    return as_strided(flat[tensor.offset :], tensor.shape, strides)


sizes = st.sampled_from([1, 2, 6, 12, 24, 30, 48])


@settings(max_examples=300, deadline=None)
@given(st.data(), sizes)
def test_writes_and_reads_are_those_of_a_flat_array(data: st.DataObject, elements: int) -> None:
    flat = np.full(elements, NONE)
    field: Field | None = None
    for number in range(data.draw(st.integers(1, 4))):
        tensor = data.draw(views(elements))
        kept = [size if data.draw(st.booleans()) else 1 for size in tensor.shape]
        values = (np.arange(prod(kept)) + 100 * number).reshape(1, *kept)
        as_array(flat, tensor)[...] = values[0]
        field = write(field, tensor, values)
        np.testing.assert_array_equal(np.broadcast_to(one_by_one(field).numbers[0], elements), flat)
        seen = data.draw(views(elements))
        found = read(field, seen)
        np.testing.assert_array_equal(np.broadcast_to(found[0], seen.shape), as_array(flat, seen))


def test_what_is_alike_is_kept_once() -> None:
    tensor = contiguous(stored(6000), (10, 600))
    field = write(None, tensor, np.arange(10).reshape(1, 10, 1))
    assert field.numbers.size == 10
    merged = contiguous(stored(6000), (6000,))
    assert read(field, merged).shape == (1, 6000)
    heads = contiguous(stored(6000), (10, 6, 100))
    assert read(field, heads).shape == (1, 10, 1, 1)


def test_a_slice_leaves_the_rest_alike() -> None:
    # row 3 of 10 is written: its 600 elements are still one number
    row = Tensor(storage=stored(6000), shape=(600,), strides=(1,), dtype="float32", offset=1800)
    field = write(None, row, np.array([[7]]))
    assert field.numbers.size == 10
    assert field.numbers.ravel().tolist() == [NONE] * 3 + [7] + [NONE] * 6


def test_rounds_read_and_write_what_advances() -> None:
    out = Tensor(storage=stored(12), shape=(3,), strides=(1,), dtype="float32", offset=0, advance=(3,))
    field = write(empty_field(12), out, np.arange(4).reshape(4, 1), Rounds(first=0, count=4))
    np.testing.assert_array_equal(one_by_one(field).numbers[0], np.arange(4).repeat(3))
    assert read(field, out, Rounds(first=1, count=2)).ravel().tolist() == [1, 2]
    backwards = Tensor(storage=stored(12), shape=(3,), strides=(1,), dtype="float32", offset=9, advance=(-3,))
    assert read(field, backwards, Rounds(first=0, count=4)).ravel().tolist() == [3, 2, 1, 0]
