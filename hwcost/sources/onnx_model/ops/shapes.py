"""Ops that change the shape of a tensor, or say what it is."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch.nn import functional

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.registry import OPS
from hwcost.sources.onnx_model.values import Dequantised, Value

RANK_OF_FOLD = 4


def _shape(call: Call) -> list[int]:
    value = call.value(0)
    return list(value.source.tensor.shape if isinstance(value, Dequantised) else value.tensor.shape)


@OPS.add("Shape", folds=False)
def shape(call: Call) -> Value:
    """The shape of a tensor: known without running anything."""
    sizes = _shape(call)
    start, end = call.attribute("start", 0), call.attribute("end")
    return call.run.numbers(sizes[start:end])


@OPS.add("Size", folds=False)
def size(call: Call) -> Value:
    """How many elements a tensor has."""
    return call.run.numbers(prod(_shape(call)))


@OPS.add("Reshape")
def reshape(call: Call) -> torch.Tensor:
    """Another shape: a view, unless the elements lie in another order."""
    x = call.tensor(0)
    target = call.list_of("shape", 1) or []
    if not call.attribute("allowzero", 0):
        target = [x.shape[axis] if size == 0 else size for axis, size in enumerate(target)]
    return x.reshape(target)


@OPS.add("Flatten")
def flatten(call: Call) -> torch.Tensor:
    """A matrix: dimensions before and after an axis."""
    x, axis = call.tensor(0), call.attribute("axis", 1)
    axis = axis + x.dim() if axis < 0 else axis
    return x.reshape(prod(x.shape[:axis]), prod(x.shape[axis:]))


@OPS.add("Squeeze")
def squeeze(call: Call) -> torch.Tensor:
    """Without dimensions of one."""
    x, axes = call.tensor(0), call.list_of("axes", 1)
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


@OPS.add("Unsqueeze")
def unsqueeze(call: Call) -> torch.Tensor:
    """With further dimensions of one."""
    x, axes = call.tensor(0), call.list_of("axes", 1) or []
    rank = x.dim() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


@OPS.add("Transpose", folds=False)
def transpose(call: Call) -> Any:
    """Other strides: a view, as in torch."""
    value = call.value(0)
    rank = len(_shape(call))
    order = tuple(call.attribute("perm", range(rank - 1, -1, -1)))
    if isinstance(value, Dequantised):
        source = Value(tensor=value.source.tensor.permute(order), is_fixed=value.source.is_fixed)
        return Dequantised(source, value.scale, value.dtype, lambda: value.tensor.permute(order))
    result = call.tensor(0).permute(order)
    with call.run.paused():
        real = None if value.real is None else value.real.permute(order)
    return Value(tensor=result, is_fixed=value.is_fixed, real=real)


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that tensors of these shapes have together."""
    return tuple(torch.broadcast_shapes(*shapes))  # type: ignore[no-untyped-call]


@OPS.add("Expand")
def expand(call: Call) -> torch.Tensor:
    """Repeated along dimensions of one: a view."""
    x = call.tensor(0)
    return x.expand(broadcast(tuple(x.shape), tuple(call.numbers(1))))


@OPS.add("Tile")
def tile(call: Call) -> torch.Tensor:
    """Repeated."""
    x = call.tensor(0)
    if call.version < 6:
        repeats = [1] * x.dim()
        repeats[call.number(2)] = call.number(1)
    else:
        repeats = call.numbers(1)
    return x.repeat(repeats)


@OPS.add("Concat")
def concat(call: Call) -> torch.Tensor:
    """One after the other."""
    return torch.cat(call.tensors(), dim=call.attribute("axis", 1))


@OPS.add("Split")
def split(call: Call) -> Any:
    """Parts: views."""
    x, axis = call.tensor(0), call.attribute("axis", 0)
    sizes = call.list_of("split", 1)
    if sizes is None:
        parts = call.attribute("num_outputs", call.outputs())
        each = -(-x.shape[axis] // parts)
        sizes = [each] * (parts - 1) + [x.shape[axis] - each * (parts - 1)]
    return torch.split(x, sizes, axis)


@OPS.add("Slice")
def cut(call: Call) -> torch.Tensor:
    """A range of indices along each axis: a view, unless it runs backwards."""
    x = call.tensor(0)
    starts, ends = call.list_of("starts", 1) or [], call.list_of("ends", 2) or []
    axes = call.list_of("axes", 3)
    steps = [int(n) for n in call.numbers(4)] if call.has(4) else [1] * len(starts)
    for axis, start, end, step in zip(axes or range(len(starts)), starts, ends, steps, strict=False):
        size = x.shape[axis]
        indices = range(size)[start:end:step]
        if step < 0:
            x = x.flip(axis)
            first = size - 1 - indices[0] if indices else 0
            indices = range(first, first + len(indices) * -step, -step)
        parts = [slice(None)] * x.dim()
        parts[axis] = slice(indices.start, max(indices.stop, indices.start), indices.step)
        x = x[tuple(parts)]
    return x


@OPS.add("Pad")
def pad(call: Call) -> torch.Tensor:
    """Wider by constants, or by what lies at or within the edge."""
    x, mode = call.tensor(0), call.attribute("mode", "constant")
    amounts = call.list_of("pads" if "pads" in call.attributes else "paddings", 1) or []
    axes = [int(n) % x.dim() for n in call.numbers(3)] if call.has(3) else list(range(x.dim()))
    pairs = [(0, 0)] * x.dim()
    for place, axis in enumerate(axes):
        pairs[axis] = (amounts[place], amounts[place + len(axes)])
    flat = [number for pair in reversed(pairs) for number in pair]
    if mode == "constant":
        value = call.number(2) if call.has(2) and call.real(2) is not None else call.attribute("value", 0)
        return torch.constant_pad_nd(x, flat, value)
    names = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    return _padded_by_itself(x, pairs, names.get(mode, mode))


def _padded_by_itself(x: torch.Tensor, pairs: list[tuple[int, int]], mode: str) -> torch.Tensor:
    """Torch pads the last one to three dimensions by themselves; others are brought there one by one."""
    widened = [axis for axis, pair in enumerate(pairs) if any(pair)]
    last = list(range(x.dim() - len(widened), x.dim()))
    if widened == last and len(widened) in (1, 2, 3) and x.dim() in (len(widened) + 1, len(widened) + 2):
        return functional.pad(x, [n for axis in reversed(widened) for n in pairs[axis]], mode=mode)
    for axis in widened:
        moved = x.movedim(axis, -1)
        flat = functional.pad(moved.reshape(1, -1, moved.shape[-1]), pairs[axis], mode=mode)
        x = flat.reshape(*moved.shape[:-1], flat.shape[-1]).movedim(-1, axis)
    return x


@OPS.add("DepthToSpace", "SpaceToDepth")
def blocks(call: Call) -> torch.Tensor:
    """Channels become blocks of pixels, or the other way round."""
    x, side = call.tensor(0), call.attribute("blocksize")
    n, c, h, w = x.shape
    if call.node.op == "SpaceToDepth":
        parts = x.reshape(n, c, h // side, side, w // side, side).permute(0, 3, 5, 1, 2, 4)
        return parts.reshape(n, c * side * side, h // side, w // side)
    if call.attribute("mode", "DCR") == "CRD":
        return functional.pixel_shuffle(x, side)
    parts = x.reshape(n, side, side, c // (side * side), h, w).permute(0, 3, 4, 1, 5, 2)
    return parts.reshape(n, c // (side * side), h * side, w * side)


@OPS.add("Col2Im")
def fold(call: Call) -> torch.Tensor:
    """Columns become an image, where they overlap summed."""
    image, block = call.numbers(1), call.numbers(2)
    if len(image) != RANK_OF_FOLD // 2:
        raise ModelError(f"folds {len(image)} dimensions; two are known", mend="fold images")
    pads = call.attribute("pads", (0, 0, 0, 0))
    if pads[:2] != pads[2:]:
        raise ModelError("pads one side more than the other", mend="pad both alike")
    dilations, strides = call.attribute("dilations", (1, 1)), call.attribute("strides", (1, 1))
    return functional.fold(call.tensor(0), tuple(image), tuple(block), dilations, pads[:2], strides)


@OPS.add("Trilu")
def triangle(call: Call) -> torch.Tensor:
    """The upper or lower triangle."""
    x, k = call.tensor(0), int(call.number(1)) if call.has(1) else 0
    return (torch.triu if call.attribute("upper", 1) else torch.tril)(x, k)


@OPS.add("ReverseSequence")
def reverse_sequence(call: Call) -> torch.Tensor:
    """Each sequence backwards up to its length: a gather of the same size, whatever the lengths are."""
    return call.tensor(0).flip(call.attribute("time_axis", 0))
