"""What a window sees that slides along one axis: of a convolution, a pooling, a band of attention."""

from __future__ import annotations

import numpy as np

from hwcost.dependence.windows import NONE, Array


def slid(
    parts: Array, axis: int, *, kernel: int, first: int, count: int, stride: int = 1, dilation: int = 1
) -> Array:
    """out[i] = the least of parts[first + i * stride + k * dilation] over k < kernel, i < count.

    What lies outside of the axis sees nothing. Windows are doubled until they are `kernel` long, so that
    a long one costs as many passes as its logarithm.
    """
    length = (count - 1) * stride + (kernel - 1) * dilation + 1
    size = parts.shape[axis]
    inside = slice(max(first, 0), max(min(first + length, size), 0))
    kept = parts[_at(axis, inside)]
    before = min(max(-first, 0), length)
    pads = [(0, 0)] * parts.ndim
    pads[axis] = (before, length - before - kept.shape[axis])
    window = np.pad(kept, pads, constant_values=NONE)
    built = 1
    while built < kernel:
        step = min(built, kernel - built)
        moved = step * dilation
        window = np.minimum(window[_at(axis, slice(0, -moved))], window[_at(axis, slice(moved, None))])
        built += step
    return window[_at(axis, slice(0, (count - 1) * stride + 1, stride))]


def _at(axis: int, index: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, index)
