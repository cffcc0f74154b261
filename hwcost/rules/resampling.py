"""Interpolation between the elements of an image."""

from __future__ import annotations

from math import ceil

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import integer, work_of

TAPS = {"linear": 2, "bilinear": 2, "trilinear": 2, "bicubic": 4, "lanczos": 6}
"""Neighbours along each dimension that a result is a weighted sum of."""

LOCATION_OPS = 8
"""Per coordinate of a place: scale and shift to pixels 3, clip 1, floor 1, distances 2, weight 1."""


def weighted_sums(taps: int, dims: int) -> int:
    """Products and sums of interpolating along one dimension after the other: sum of (2t - 1) t^i."""
    return sum((2 * taps - 1) * taps**dim for dim in range(dims))


def _dims(op: Op) -> int:
    """The 2 of upsample_bilinear2d."""
    return next(int(letter) for letter in op.name if letter.isdigit())


@RULES.add(
    *(f"aten.upsample_nearest{d}d" for d in (1, 2, 3)),
    *(f"aten._upsample_nearest_exact{d}d" for d in (1, 2, 3)),
)
def nearest(op: Op) -> Work:
    """Nearest: y = nearest x.

    vector_ops   0
    bytes        x is read once, y is written once
    """
    return work_of(op, "copy")


@RULES.add(*aten("upsample_linear1d upsample_bilinear2d upsample_trilinear3d upsample_bicubic2d"))
def interpolation(op: Op) -> Work:
    """Interpolation: y = weighted sum of the t nearest x along each of d dimensions (linear 2, cubic 4).

    vector_ops   per element of y, one dimension after the other: (2t - 1) (1 + t + ... + t^(d-1)), which is
                 3, 9 and 21 for linear in 1, 2 and 3 dimensions, 35 for bicubic; the weights, shared by all
                 channels, are left out
    bytes        x is read once, y is written once
    """
    kind = next(name for name in sorted(TAPS, key=len, reverse=True) if name in op.name)
    per_element = weighted_sums(TAPS[kind], _dims(op))
    return work_of(op, "reduction", vector_ops=per_element * op.outputs[0].elements)


@RULES.add("aten._upsample_bilinear2d_aa", "aten._upsample_bicubic2d_aa", "aten._upsample_lanczos2d_aa")
def antialiased_interpolation(op: Op) -> Work:
    """Antialiased interpolation: y = weighted sum over a window that grows with the shrinkage.

    vector_ops   2t - 1 per element of the pass along rows and of that along columns,
                 t = ceil(taps * max(1, I / O))
    bytes        x is read once, y is written once
    source       aten/src/ATen/native/cpu/UpSampleKernel.cpp: separable passes, support = taps * scale
    """
    x, y = op.inputs[0].shape, op.outputs[0].shape
    taps = TAPS["bicubic" if "bicubic" in op.name else "lanczos" if "lanczos" in op.name else "bilinear"]
    down, across = (ceil(taps * max(1.0, x[dim] / max(y[dim], 1))) for dim in (-2, -1))
    images = op.outputs[0].elements // max(y[-1] * y[-2], 1)
    vector_ops = images * y[-1] * ((2 * across - 1) * x[-2] + (2 * down - 1) * y[-2])
    return work_of(op, "reduction", vector_ops=vector_ops)


@RULES.add(*aten("grid_sampler_2d grid_sampler_3d _grid_sampler_2d_cpu_fallback cudnn_grid_sampler"))
def grid_sample(op: Op) -> Work:
    """y[n,c,p] = x[n,c] at the place grid[n,p]: nearest, or a weighted sum of its neighbours.

    vector_ops   per element of y 2 t^d - 1 for the weighted sum (t = 2 linear, 4 cubic, nearest 0), per place
                 and coordinate 8 for pixels, clipping and weights
    bytes        x and the grid are read once, y is written once
    """
    grid, y = op.inputs[1], op.outputs[0]
    dims = grid.shape[-1]
    taps = {0: 2, 1: 0, 2: 4}[integer(op, "interpolation_mode")]
    sums = max(2 * taps**dims - 1, 0)
    return work_of(op, "gather", vector_ops=sums * y.elements + LOCATION_OPS * grid.elements)


@RULES.add("aten.affine_grid_generator", "aten.cudnn_affine_grid_generator")
def affine_grid(op: Op) -> Work:
    """grid[n,p,:] = theta[n,d,d+1] @ (place of p, 1).

    macs         d + 1 per element of the grid
    bytes        theta is read once, the grid is written once
    """
    grid = op.outputs[0]
    return work_of(op, "pointwise", macs=(grid.shape[-1] + 1) * grid.elements)


@RULES.add(
    *(f"aten.upsample_{kind}_backward" for kind in ("nearest1d", "nearest2d", "nearest3d", "linear1d")),
    *(f"aten.upsample_{kind}_backward" for kind in ("bilinear2d", "trilinear3d", "bicubic2d")),
    *(
        f"aten._upsample_{kind}_backward"
        for kind in ("nearest_exact1d", "nearest_exact2d", "nearest_exact3d")
    ),
    *(f"aten._upsample_{kind}2d_aa_backward" for kind in ("bilinear", "bicubic", "lanczos")),
)
def interpolation_backward(op: Op) -> Work:
    """Gradient: each g, times its weights, added to the neighbours that it came from.

    vector_ops   2 t^d per element of g, t = 1 nearest, 2 linear, 4 cubic
    bytes        g is read once, the gradient is written once
    """
    kind = next((name for name in sorted(TAPS, key=len, reverse=True) if name in op.name), "")
    added = 2 * TAPS.get(kind, 1) ** _dims(op)
    return work_of(op, "reduction", vector_ops=added * op.inputs[0].elements)
