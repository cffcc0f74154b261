"""Images of another size, and samples of images."""

from __future__ import annotations

from math import floor
from typing import Any, Final

import torch
from torch.nn import functional

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.registry import OPS
from hwcost.sources.onnx_model.told import told

ROI_SINCE: Final = 11
"""Operator set since which scales come after a region of interest."""

MODES: Final = {
    "nearest": {1: "upsample_nearest1d", 2: "upsample_nearest2d", 3: "upsample_nearest3d"},
    "linear": {1: "upsample_linear1d", 2: "upsample_bilinear2d", 3: "upsample_trilinear3d"},
    "cubic": {1: "upsample_bicubic2d", 2: "upsample_bicubic2d", 3: "upsample_bicubic2d"},
}
"""Torch's ops by mode and dimensions that change."""

TORCH_MODES: Final = {1: "linear", 2: "bilinear", 3: "trilinear"}


@OPS.add("Resize", "Upsample", folds=False)
def resize(call: Call) -> torch.Tensor:
    """An image of another size, by the nearest elements or by weighted sums of some."""
    x = call.tensor(0)
    shape = _shape(call, x)
    mode = call.attribute("mode", "nearest")
    if mode not in MODES:
        raise ModelError(f"has the unknown mode {mode[:40]!r}", mend="use nearest, linear or cubic")
    changed = [axis for axis in range(x.dim()) if shape[axis] != x.shape[axis]]
    if not changed:
        return x
    dims = x.dim() - 2
    is_plain = changed[0] >= 2 and 1 <= dims <= 3 and x.is_floating_point() and min(shape) > 0
    if is_plain and mode == "nearest":
        return functional.interpolate(x, shape[2:])
    if is_plain and mode == "linear" and len(changed) == dims:
        return functional.interpolate(x, shape[2:], mode=TORCH_MODES[dims], align_corners=False)
    if is_plain and mode == "cubic" and dims == 2:
        return functional.interpolate(x, shape[2:], mode="bicubic", align_corners=False)
    name = f"aten.{MODES[mode][min(len(changed), 3)]}"
    return told(call.run, name, [x], [(shape, x.dtype)], {"output_size": tuple(shape)})[0]


def _shape(call: Call, x: torch.Tensor) -> list[int]:
    """The shape of the result, from sizes or scales, of all axes or of some."""
    axes = [axis % x.dim() for axis in call.attribute("axes", range(x.dim()))]
    place = 2 if call.version >= ROI_SINCE and call.node.op == "Resize" else 1
    sizes = [int(n) for n in call.numbers(3)] if call.has(3) else []
    scales = call.attribute("scales") or (call.numbers(place) if call.has(place) else [])
    if len(sizes or scales) != len(axes):
        raise ModelError("says neither sizes nor scales of its axes", mend="check the model")
    shape = list(x.shape)
    if not sizes:
        for axis, scale in zip(axes, scales, strict=True):
            shape[axis] = floor(x.shape[axis] * scale)
        return shape
    policy = call.attribute("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        ratios = [size / x.shape[axis] for axis, size in zip(axes, sizes, strict=True)]
        ratio = min(ratios) if policy == "not_larger" else max(ratios)
        sizes = [floor(x.shape[axis] * ratio + 0.5) for axis in axes]
    for axis, size in zip(axes, sizes, strict=True):
        shape[axis] = size
    return shape


@OPS.add("GridSample", folds=False)
def grid_sample(call: Call) -> torch.Tensor:
    """An image sampled at places."""
    mode = call.attribute("mode", "bilinear")
    names = {"linear": "bilinear", "cubic": "bicubic"}
    x, grid = call.tensor(0), call.tensor(1)
    padding, corners = call.attribute("padding_mode", "zeros"), bool(call.attribute("align_corners", 0))
    return functional.grid_sample(x, grid, names.get(mode, mode), padding, corners)


@OPS.add("AffineGrid", folds=False)
def affine_grid(call: Call) -> torch.Tensor:
    """The places of an image that is moved, turned and scaled."""
    size: Any = [int(n) for n in call.numbers(1)]
    return functional.affine_grid(
        call.tensor(0), size, align_corners=bool(call.attribute("align_corners", 0))
    )
