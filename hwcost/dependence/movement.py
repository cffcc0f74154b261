"""Ops that move elements about: each output element is one of the input."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hwcost.dependence.call import Call, Writes, fitted, means, part, slice_of, to_all
from hwcost.dependence.windows import Array, Charge, gathered, joined, nothing
from hwcost.graph import Tensor


@means("cat concat _cat")
def cat(call: Call) -> Writes:
    """The inputs one after the other along a dimension."""
    output = call.op.outputs[0]
    dimension = call.axis(call.op.attributes.get("dim", 0), len(output.shape)) - 1
    return list(_one_after_the_other(call, output, dimension))


def _one_after_the_other(call: Call, output: Tensor, dimension: int) -> Iterator[tuple[Tensor, Array]]:
    start = 0
    for tensor, numbers in zip(call.op.inputs, call.inputs, strict=True):
        if len(tensor.shape) == len(output.shape):  # an empty one may have any shape
            size = tensor.shape[dimension]
            yield part(output, dimension, start, size), numbers
            start += size


@means("stack _stack")
def stack(call: Call) -> Writes:
    """The inputs side by side along a new dimension."""
    output = call.op.outputs[0]
    dimension = call.axis(call.op.attributes.get("dim", 0), len(output.shape)) - 1
    return [(slice_of(output, dimension, index), numbers) for index, numbers in enumerate(call.inputs)]


@means("constant_pad_nd pad")
def constant_pad(call: Call) -> Writes:
    """The input with constants around it, or with its ends cut off; `pad` is of the last dimension first."""
    output, x = call.op.outputs[0], call.inputs[0]
    pads = call.op.attributes.get("pad")
    inner = output
    if isinstance(pads, tuple):
        for place in range(len(pads) // 2):
            dimension, before = len(output.shape) - 1 - place, pads[2 * place]
            start = int(before) if isinstance(before, int) else 0
            size = call.op.inputs[0].shape[dimension]
            low, high = max(0, -start), min(size, output.shape[dimension] - start)
            inner = part(inner, dimension, max(start, 0), high - low)
            if x.shape[dimension + 1] > 1:
                x = x.take(range(low, high), dimension + 1)
    return [(output, nothing(len(output.shape))), (inner, x)]


@means(
    "reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d"
)
def mirror_pad(call: Call) -> Writes:
    """The input with what lies at its edge, or mirrored in it, around it."""
    x, shape = call.inputs[0], call.op.inputs[0].shape
    pads = call.op.attributes.get("padding")
    is_mirror = "reflection" in call.op.name
    for place in range(len(pads) // 2 if isinstance(pads, tuple) else 0):
        dimension = len(shape) - 1 - place
        before, after = (int(p) if isinstance(p, int) else 0 for p in pads[2 * place : 2 * place + 2])  # type: ignore[index]
        last = shape[dimension] - 1
        index = np.arange(-before, last + 1 + after)
        index = last - np.abs(last - np.abs(index)) if is_mirror else np.clip(index, 0, last)
        x = taken(x, dimension + 1, index)
    return to_all(call, x)


def taken(numbers: Array, axis: int, index: Array) -> Array:
    """These places of an axis, where they differ."""
    return numbers.take(index, axis) if numbers.shape[axis] > 1 else numbers


@means("flip")
def flip(call: Call) -> Writes:
    """Some dimensions backwards."""
    x, dims = call.inputs[0], call.op.attributes.get("dims")
    axes = [call.axis(dim, x.ndim - 1) for dim in (dims if isinstance(dims, tuple) else (dims,))]
    return to_all(call, np.flip(x, tuple(axes)))


@means("roll")
def roll(call: Call) -> Writes:
    """Elements moved on along dimensions, what falls out at the end comes in at the start."""
    x, dims, shifts = call.inputs[0], call.op.attributes.get("dims"), call.op.attributes.get("shifts")
    moves = [int(s) for s in (shifts if isinstance(shifts, tuple) else (shifts,)) if isinstance(s, int)]
    if not isinstance(dims, tuple) or not dims:
        shape = call.op.inputs[0].shape
        flat = np.broadcast_to(x, (len(x), *shape)).reshape(len(x), -1)
        return to_all(call, np.roll(flat, moves[0], 1).reshape(len(x), *shape))
    return to_all(call, np.roll(x, moves, [call.axis(dim, x.ndim - 1) for dim in dims]))


@means("repeat tile")
def repeat(call: Call) -> Writes:
    """The input so many times along each dimension."""
    x, shape = fitted(call.inputs[0], call.op.outputs[0]), call.op.outputs[0].shape
    old = (1,) * (len(shape) - len(call.op.inputs[0].shape)) + call.op.inputs[0].shape
    for dimension, (before, after) in enumerate(zip(old, shape, strict=True)):
        x = taken(x, dimension + 1, np.arange(after) % max(before, 1))
    return to_all(call, x)


@means("slice_scatter select_scatter")
def scatter_view(call: Call) -> Writes:
    """The input with a slice of it, or one index of a dimension, replaced by another tensor."""
    output, (x, source) = call.op.outputs[0], call.inputs[:2]
    dimension = call.axis(call.op.attributes.get("dim", 0), len(output.shape)) - 1
    size = output.shape[dimension]
    if call.in_loop:  # each round may write another index
        seen = gathered(source, range(1, source.ndim), Charge.FREE).reshape(len(source), *(1,) * (x.ndim - 1))
        return to_all(call, joined([x, seen], Charge.FREE))
    if "select" in call.op.name:
        return [(output, x), (slice_of(output, dimension, call.number("index") % size), source)]
    start, step = call.number("start"), max(call.number("step", 1), 1)
    start = min(max(start + size if start < 0 else start, 0), size)
    view = part(output, dimension, start, call.op.inputs[1].shape[dimension])
    strides = (*view.strides[:dimension], view.strides[dimension] * step, *view.strides[dimension + 1 :])
    return [(output, x), (_with_strides(view, strides), source)]


def _with_strides(tensor: Tensor, strides: tuple[int, ...]) -> Tensor:
    return Tensor(
        storage=tensor.storage,
        shape=tensor.shape,
        strides=strides,
        dtype=tensor.dtype,
        offset=tensor.offset,
        advance=tensor.advance,
    )


@means("upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d")
@means("_upsample_nearest_exact2d _upsample_nearest_exact3d")
def nearest(call: Call) -> Writes:
    """y[i] = x[floor(i n / m)], n inputs and m outputs (the exact kind: floor((i + 1/2) n / m))."""
    x, before, after = call.inputs[0], call.op.inputs[0].shape, call.op.outputs[0].shape
    half = 0.5 if "exact" in call.op.name else 0.0
    for dimension in range(2, len(after)):
        n, m = before[dimension], after[dimension]
        index = np.minimum(np.floor((np.arange(m) + half) * n / m).astype(np.int64), n - 1)
        x = taken(x, dimension + 1, index)
    return to_all(call, x)


@means("upsample_linear1d upsample_bilinear2d upsample_trilinear3d upsample_bicubic2d")
@means("_upsample_bilinear2d_aa _upsample_bicubic2d_aa")
def interpolated(call: Call) -> Writes:
    """y[i] between x[floor(p)] and its next (four of them if cubic), p = (i + 1/2) n / m - 1/2."""
    x, before, after = call.inputs[0], call.op.inputs[0].shape, call.op.outputs[0].shape
    for dimension in range(2, len(after)):
        n, m = before[dimension], after[dimension]
        if call.flag("align_corners"):
            place = np.arange(m) * (n - 1) / max(m - 1, 1)
        else:
            place = np.maximum((np.arange(m) + 0.5) * n / m - 0.5, 0.0)
        low = np.floor(place).astype(np.int64)
        around = (-1, 0, 1, 2) if "cubic" in call.op.name else (0, 1)
        steps = [np.where(place == low, 0, step) for step in around] if "linear" in call.op.name else around
        taps = [taken(x, dimension + 1, np.clip(low + step, 0, n - 1)) for step in steps]
        x = joined(taps, call.charge(Charge.MIXING))
    return to_all(call, x)


@means("pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle")
@means("im2col col2im repeat_interleave grid_sampler_2d grid_sampler_3d")
def within_batch(call: Call) -> Writes:
    """Elements of one sample among themselves, here taken as all of them."""
    x = gathered(call.inputs[0], range(2, call.inputs[0].ndim), call.charge(Charge.MIXING))
    rest = [gathered(part, range(1, part.ndim), call.charge(Charge.MIXING)) for part in call.inputs[1:]]
    parts = [
        item.reshape(len(item), *item.shape[1:2], *(1,) * (len(call.op.outputs[0].shape) - 1))
        for item in (x, *rest)
    ]
    return to_all(call, joined(parts, call.charge(Charge.WIDENING)))
