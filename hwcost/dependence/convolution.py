"""Convolutions and pooling: windows that slide along the last dimensions."""

from __future__ import annotations

import numpy as np

from hwcost.dependence.call import Call, Writes, means, to_all
from hwcost.dependence.sliding import slid
from hwcost.dependence.windows import NONE, Array, Charge, gathered, joined, sees_nothing, spread, united


@means("convolution convolution_overrideable mkldnn_convolution cudnn_convolution conv_depthwise3d")
@means("_conv_depthwise2d slow_conv3d thnn_conv2d")
def convolution(call: Call) -> Writes:
    """y[n, o, i] = sum over c, k of w[o, c, k] x[n, c, i * stride - padding + k * dilation].

    Features of one position count as one position; several taps mix positions.
    """
    x, weight, *bias = call.inputs
    if weight.ndim != x.ndim:  # without a batch
        x = x[:, None]
    taps = call.op.inputs[1].shape[2:]
    groups = max(call.number("groups", 1), 1)
    y = _over_channels(call, x, groups)
    if call.flag("transposed"):
        y = _transposed(call, y, taps)
    else:
        y = _windows(call, y, taps, call.op.outputs[0].shape)
    if not all(sees_nothing(part) for part in (weight, *bias)):
        rest = [gathered(part, range(1, part.ndim), call.charge(Charge.MIXING)) for part in (weight, *bias)]
        flat = [part.reshape((len(part), *(1,) * (y.ndim - 1))) for part in rest]
        y = joined([y, *flat], call.charge(Charge.WIDENING))
    return to_all(call, y)


def _over_channels(call: Call, x: Array, groups: int) -> Array:
    """x[n, c, ...] -> y[n, o, ...]: each output channel sees the input channels of its group."""
    channels = x.shape[2]
    if channels == 1 or groups == 1:
        return gathered(x, (2,), call.charge(Charge.WIDENING))
    grouped = x.reshape((*x.shape[:2], groups, channels // groups, *x.shape[3:]))
    seen = gathered(grouped, (3,), call.charge(Charge.WIDENING)).squeeze(3)
    return np.repeat(seen, call.op.outputs[0].shape[-(x.ndim - 2)] // groups, 2)


def _windows(call: Call, x: Array, taps: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    rank = len(taps)
    stride, dilation = call.numbers("stride", rank), call.numbers("dilation", rank)
    padding = _paddings(call, taps, dilation)
    parts = spread(x)
    for i in range(rank):
        axis = i + 4
        if parts.shape[axis] > 1:
            parts = slid(
                parts,
                axis,
                kernel=taps[i],
                first=-padding[i],
                count=shape[len(shape) - rank + i],
                stride=stride[i],
                dilation=dilation[i],
            )
    return united(parts, _charge(call, x, taps))


def _paddings(call: Call, taps: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    if call.op.attributes.get("padding") == "same":
        return tuple(d * (k - 1) // 2 for d, k in zip(dilation, taps, strict=True))
    padding = call.op.attributes.get("padding")
    return call.numbers("padding", len(taps)) if padding not in (None, "valid", ()) else (0,) * len(taps)


def _charge(call: Call, x: Array, taps: tuple[int, ...]) -> Charge:
    """A step where a window covers several positions of an axis along which they differ."""
    sizes = x.shape[x.ndim - len(taps) :]
    is_step = any(size > 1 and tap > 1 for size, tap in zip(sizes, taps, strict=True))
    return call.charge(Charge.STEP if is_step else Charge.WIDENING)


def _transposed(call: Call, x: Array, taps: tuple[int, ...]) -> Array:
    """Input i goes to outputs i * stride - padding + k * dilation: a window over x with gaps put in."""
    rank = len(taps)
    stride, dilation, padding = (call.numbers(name, rank) for name in ("stride", "dilation", "padding"))
    shape = call.op.outputs[0].shape
    parts = spread(x)
    for i in range(rank):
        axis, size = i + 4, parts.shape[i + 4]
        if size == 1:
            continue
        spaced = np.full((*parts.shape[:axis], (size - 1) * stride[i] + 1, *parts.shape[axis + 1 :]), NONE)
        spaced[(*(slice(None),) * axis, slice(None, None, stride[i]))] = parts
        reach = dilation[i] * (taps[i] - 1)
        parts = slid(
            spaced,
            axis,
            kernel=taps[i],
            first=padding[i] - reach,
            count=shape[len(shape) - rank + i],
            dilation=dilation[i],
        )
    return united(parts, _charge(call, x, taps))


@means("max_pool1d max_pool2d max_pool3d max_pool2d_with_indices max_pool3d_with_indices")
@means("avg_pool1d avg_pool2d avg_pool3d")
def pooling(call: Call) -> Writes:
    """y[..., i] = the largest, or the mean, of x[..., i * stride - padding + k]."""
    size = call.op.attributes.get("kernel_size")
    rank = len(size) if isinstance(size, tuple) and len(size) > 1 else _rank(call.op.name)
    taps = call.numbers("kernel_size", rank)
    strides = call.op.attributes.get("stride")
    stride = taps if strides in (None, ()) else call.numbers("stride", rank)
    padding = call.numbers("padding", rank)
    dilation = call.numbers("dilation", rank) if call.op.attributes.get("dilation") else (1,) * rank
    shape, parts = call.op.outputs[0].shape, spread(call.inputs[0])
    for i in range(rank):
        axis = parts.ndim - rank + i
        if parts.shape[axis] > 1:
            parts = slid(
                parts,
                axis,
                kernel=taps[i],
                first=-padding[i],
                count=shape[len(shape) - rank + i],
                stride=stride[i],
                dilation=dilation[i],
            )
    return to_all(call, united(parts, _charge(call, call.inputs[0], taps)))


def _rank(name: str) -> int:
    return next(int(letter) for letter in name if letter.isdigit())


@means(
    "_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d"
)
@means("adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d")
def adaptive_pooling(call: Call) -> Writes:
    """y[..., i] over x[..., floor(i n / m) : ceil((i + 1) n / m)], n inputs and m outputs."""
    rank = _rank(call.op.name)
    x, shape = call.inputs[0], call.op.outputs[0].shape
    parts = spread(x)
    for i in range(rank):
        axis, count = parts.ndim - rank + i, shape[len(shape) - rank + i]
        size = parts.shape[axis]
        if size > 1:
            ends = [(j * size // count, -(-(j + 1) * size // count)) for j in range(count)]
            rows = [parts.take(range(low, high), axis).min(axis, keepdims=True) for low, high in ends]
            parts = np.concatenate(rows, axis)
    return to_all(call, united(parts, call.charge(Charge.MIXING)))
