"""Convolutions."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.registry import MICROSOFT, OPS
from hwcost.sources.onnx_model.told import told
from hwcost.sources.onnx_model.windows import Windows, windows_of

MOST_DIMS = 3
"""Dimensions of space that torch convolves."""


def convolve(
    call: Call,
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """A convolution; where torch has no such padding, dimensions or types, the trace is told of it.

    dtype: of the result where the operands are quantised, else None.
    """
    groups = call.attribute("group", 1)
    if (
        weight.dim() != x.dim()
        or groups < 1
        or x.shape[1] != weight.shape[1] * groups
        or weight.shape[0] % groups
    ):
        raise ModelError(
            f"a weight of {'x'.join(map(str, weight.shape))} in {groups} groups does not fit its input",
            mend="check the model",
        )
    windows = windows_of(call, tuple(weight.shape[2:]), tuple(x.shape[2:]))
    shape = (x.shape[0], weight.shape[0], *windows.counts(tuple(x.shape[2:])))

    def plain(x: torch.Tensor, before: tuple[int, ...]) -> torch.Tensor:
        nothing = [0] * len(before)
        return torch.convolution(
            x,
            weight,
            bias,
            windows.strides,
            before,
            windows.dilations,
            False,
            nothing,
            groups,
        )

    if dtype is None and windows.is_even and len(windows.kernel) <= MOST_DIMS:
        return plain(x, windows.before)
    if dtype is None and torch.is_grad_enabled() and len(windows.kernel) <= MOST_DIMS:
        # What is told has no backward pass: in training the padding is an op of its own.
        return plain(torch.constant_pad_nd(x, _flat(windows)), (0,) * len(windows.kernel))
    attributes = {
        "stride": windows.strides,
        "padding": windows.before,
        "dilation": windows.dilations,
        "transposed": False,
        "output_padding": (0,) * len(windows.kernel),
        "groups": groups,
        **({"bias": None} if bias is None else {}),
    }
    return told(
        call.run,
        "aten.convolution",
        [x, weight, bias],
        [(shape, dtype or x.dtype)],
        attributes,
        otherwise=lambda: _padded(x, weight, windows, groups).to(dtype or x.dtype),
    )[0]


def _flat(windows: Windows) -> list[int]:
    """Padding as torch wants it: before and after, the last dimension first."""
    pairs = zip(reversed(windows.before), reversed(windows.after), strict=True)
    return [size for pair in pairs for size in pair]


def _padded(x: torch.Tensor, weight: torch.Tensor, windows: Windows, groups: int) -> torch.Tensor:
    """The same by a convolution without padding, in floating point."""
    wide, nothing = torch.constant_pad_nd(x.float(), _flat(windows)), [0] * len(windows.kernel)
    return torch.convolution(
        wide,
        weight.float(),
        None,
        windows.strides,
        nothing,
        windows.dilations,
        False,
        nothing,
        groups,
    )


@OPS.add("Conv", folds=False)
def convolution(call: Call) -> Any:
    """A convolution, of quantised operands where both have just been dequantised."""
    from hwcost.sources.onnx_model.ops.quantised import quantised_convolution

    quantised = quantised_convolution(call)
    return (
        convolve(call, call.tensor(0), call.tensor(1), call.optional(2)) if quantised is None else quantised
    )


@OPS.add("FusedConv", domain=MICROSOFT, folds=False)
def fused_convolution(call: Call) -> torch.Tensor:
    """A convolution (+ z), then an activation."""
    result = convolve(call, call.tensor(0), call.tensor(1), call.optional(2))
    if call.has(3):
        result = result + call.tensor(3)
    return activated(result, call.attribute("activation", ""), call.attribute("activation_params", ()))


def activated(x: torch.Tensor, name: str, parameters: tuple[float, ...]) -> torch.Tensor:
    """An activation by the name of its op."""
    known = {"Relu": torch.relu, "Tanh": torch.tanh, "Sigmoid": torch.sigmoid}
    if not name:
        return x
    if name in known:
        return known[name](x)
    if name == "LeakyRelu":
        return functional.leaky_relu(x, parameters[0] if parameters else 0.01)
    if name == "Clip":
        return torch.clamp(x, *parameters[:2])
    if name == "HardSigmoid":
        return functional.hardsigmoid(x)
    raise ModelError(f"ends in the unknown activation {name[:80]!r}", mend="export it unfused")


@OPS.add("ConvTranspose", folds=False)
def transposed_convolution(call: Call) -> torch.Tensor:
    """A transposed convolution: pads are cut off its result; output_shape says what is left."""
    x, weight, bias = call.tensor(0), call.tensor(1), call.optional(2)
    groups = call.attribute("group", 1)
    if weight.dim() != x.dim() or groups < 1 or x.shape[1] != weight.shape[0]:
        raise ModelError("its weight does not fit its input", mend="check the model")
    rank = weight.dim() - 2
    strides, dilations = (tuple(call.attribute(name, (1,) * rank)) for name in ("strides", "dilations"))
    extra = tuple(call.attribute("output_padding", (0,) * rank))
    windows = Windows(
        kernel=tuple(weight.shape[2:]), strides=strides, dilations=dilations, before=(), after=()
    )
    sizes = tuple(x.shape[2:])
    full = [
        s * (n - 1) + e + span for s, n, e, span in zip(strides, sizes, extra, windows.spans, strict=True)
    ]
    before, after = _cut_off(call, full, sizes, strides)
    shape = (
        x.shape[0],
        weight.shape[1] * groups,
        *(n - b - a for n, b, a in zip(full, before, after, strict=True)),
    )

    def plain(before: tuple[int, ...]) -> torch.Tensor:
        return torch.convolution(x, weight, bias, strides, before, dilations, True, extra, groups)

    fits = all(e < max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True))
    if before == after and rank <= MOST_DIMS and fits and min(before) >= 0:
        return plain(before)
    attributes = {
        "stride": strides,
        "padding": before,
        "dilation": dilations,
        "transposed": True,
        "output_padding": extra,
        "groups": groups,
        **({"bias": None} if bias is None else {}),
    }
    made = [(shape, x.dtype)]
    return told(
        call.run,
        "aten.convolution",
        [x, weight, bias],
        made,
        attributes,
        otherwise=lambda: plain((0,) * rank).new_zeros(shape),
    )[0]


def _cut_off(
    call: Call, full: list[int], sizes: tuple[int, ...], strides: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is cut off before and after, along each dimension."""
    rank, mode = len(full), call.attribute("auto_pad", "NOTSET")
    wanted = call.attribute("output_shape")
    if wanted is None and mode.startswith("SAME"):
        wanted = [n * s for n, s in zip(sizes, strides, strict=True)]
    if wanted is None:
        pads = tuple(call.attribute("pads", (0,) * 2 * rank))
        return pads[:rank], pads[rank:]
    total = [n - w for n, w in zip(full, wanted[-rank:], strict=True)]
    small = tuple(n // 2 for n in total)
    large = tuple(n - half for n, half in zip(total, small, strict=True))
    return (small, large) if mode == "SAME_UPPER" else (large, small)
