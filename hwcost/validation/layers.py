"""Single layers and blocks as eager torch records them, made without torch.

They are those of `benchmarks/cases.py` and `benchmarks/other_cases.py`. All functions take `widths`, from
the input on, and the other sizes of a row of torch_cpu.csv.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import prod
from typing import Final

from hwcost.graph import Attribute, Tensor, Trace, contiguous
from hwcost.validation.plan import Plan, conv
from hwcost.validation.recurrent_layers import lstm_cells, recurrent
from hwcost.validation.traces import chain

HEAD: Final = 64
"""How wide a head of attention is."""

INNER: Final = 4
"""By how much the feed-forward part of a transformer layer is wider inside."""

DILATIONS: Final = (1, 2, 4, 8)
"""Of the levels of a TCN, two convolutions each (Bai et al., arXiv:1803.01271)."""


def mlp(*, widths: tuple[int, ...], batch: int, dtype: str, activation: str, is_last_bare: bool) -> Trace:
    """Linear layers, each with an activation; is_last_bare: but the last."""
    plan = _plan(dtype)
    x = plan.tensor("x", (batch, widths[0]), "input")
    attributes = _attributes(activation)
    for i, width in enumerate(widths[1:], start=2):
        x = _linear(plan, x, width)
        if i < len(widths) or not is_last_bare:
            x = plan.add(activation, (x,), x.shape, **attributes)
    sizes = "-".join(map(str, widths))
    return _finished(plan, f"MLP {sizes} with {activation}, batch {batch}")


def transformer(*, widths: tuple[int, ...], batch: int, steps: int, dtype: str) -> Trace:
    """Attention and feed-forward, each after normalisation and beside its input."""
    (width,) = widths
    plan = _plan(dtype)
    x = plan.tensor("x", (batch, steps, width), "input")
    x = _sum(plan, x, _linear(plan, _attended(plan, _normed(plan, x)), width))
    inner = _linear(plan, _normed(plan, x), INNER * width)
    inner = plan.add("gelu", (inner,), inner.shape, **_attributes("gelu"))
    _sum(plan, x, _linear(plan, inner, width))
    return _finished(plan, f"transformer layer of {width}, {steps} token{'s' * (steps > 1)}, batch {batch}")


def tcn(*, widths: tuple[int, ...], batch: int, steps: int, kernel: int, dtype: str) -> Trace:
    """Two causal convolutions at each of DILATIONS, each pair beside its input."""
    (channels,) = widths
    plan = _plan(dtype)
    x = plan.tensor("x", (batch, channels, steps), "input")
    for dilation in DILATIONS:
        y = x
        for _ in range(2):
            y = _causal(plan, y, kernel, dilation)
            y = plan.add("relu", (y,), y.shape)
        x = _sum(plan, x, y, "relu")
    return _finished(plan, f"TCN of {channels}, {steps} steps, batch {batch}")


def dilated(
    *, widths: tuple[int, ...], batch: int, steps: int, kernel: int, layers: int, dtype: str
) -> Trace:
    """Causal convolutions, each beside its input and with twice the dilation of the one before."""
    (channels,) = widths
    plan = _plan(dtype)
    x = plan.tensor("x", (batch, channels, steps), "input")
    for level in range(layers):
        x = _sum(plan, x, _causal(plan, x, kernel, 2**level), "relu")
    levels = f"{layers} levels of {kernel}"
    return _finished(plan, f"dilated TCN of {channels}, {levels}, {steps} steps, batch {batch}")


def residual(*, widths: tuple[int, ...], batch: int, side: int, dtype: str) -> Trace:
    """The basic block of a ResNet (He et al., arXiv:1512.03385)."""
    (channels,) = widths
    plan = _plan(dtype)
    x = plan.tensor("x", (batch, channels, side, side), "input")
    _sum(plan, x, conv(plan, conv(plan, x, channels, 3), channels, 3, activation=""), "relu")
    return _finished(plan, f"ResNet block of {channels}, {side} x {side}, batch {batch}")


def bottleneck(*, widths: tuple[int, ...], batch: int, side: int, stride: int, dtype: str) -> Trace:
    """1 x 1, 3 x 3, 1 x 1; with a stride only the path beside the sum."""
    channels, narrow = widths
    plan = _plan(dtype)
    x = plan.tensor("x", (batch, channels, side, side), "input")
    y = conv(plan, conv(plan, x, narrow, 1), narrow, 3, stride)
    y = conv(plan, y, channels, 1, activation="")
    if y.shape == x.shape:
        _sum(plan, x, y, "relu")
    return _finished(plan, f"bottleneck of {channels}, {side} x {side} / {stride}, batch {batch}")


def stem(*, widths: tuple[int, ...], batch: int, side: int, dtype: str) -> Trace:
    """The first convolution of a ResNet, 7 x 7 / 2, and its maximum of 3 x 3 / 2."""
    channels, filters = widths
    plan = _plan(dtype)
    x = conv(plan, plan.tensor("x", (batch, channels, side, side), "input"), filters, 7, 2)
    shape = (batch, filters, *(size // 2 for size in x.shape[2:]))
    sizes: dict[str, Attribute] = {"kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1)}
    plan.add("max_pool2d_with_indices", (x,), shape, dilation=(1, 1), ceil_mode=False, **sizes)
    return _finished(plan, f"ResNet stem, {side} x {side}, batch {batch}")


def separable(*, widths: tuple[int, ...], batch: int, side: int, dtype: str) -> Trace:
    """A block of MobileNet (Howard et al., arXiv:1704.04861): by channel, then 1 x 1, each with a ReLU6."""
    channels, filters = widths
    plan = _plan(dtype)
    x = plan.tensor("x", (batch, channels, side, side), "input")
    x = conv(plan, x, channels, 3, groups=channels, activation="hardtanh")
    conv(plan, x, filters, 1, activation="hardtanh")
    return _finished(plan, f"separable block of {channels}, {side} x {side}, batch {batch}")


def _plan(dtype: str) -> Plan:
    return Plan(dtype=dtype, is_eager=True)


def _finished(plan: Plan, name: str) -> Trace:
    """The trace of what was planned; the result of its last op is that of the model."""
    *before, last = plan.ops
    (y,) = last.outputs
    result = replace(y, storage=replace(y.storage, role="output"))
    return chain(name, (*before, replace(last, outputs=(result,))), plan.dtype)


def _attributes(activation: str) -> Mapping[str, Attribute]:
    return {"approximate": "none"} if activation == "gelu" else {}


def _linear(plan: Plan, x: Tensor, outputs: int) -> Tensor:
    """x[..., inputs] W' + b of rows, as torch lays out W[outputs, inputs]."""
    *outer, inputs = x.shape
    rows = prod(outer)
    bias, w = plan.tensor("b", (outputs,), "weight"), plan.tensor("w", (outputs, inputs), "weight")
    w = replace(w, shape=(inputs, outputs), strides=(1, inputs))
    flat = replace(x, shape=(rows, inputs), strides=(inputs, 1))
    y = plan.add("addmm", (bias, flat, w), (rows, outputs), beta=1, alpha=1)
    return contiguous(y.storage, (*outer, outputs))


def _normed(plan: Plan, x: Tensor) -> Tensor:
    width = x.shape[-1]
    scales = tuple(plan.tensor(key, (width,), "weight") for key in "wb")
    return plan.add("native_layer_norm", (x, *scales), x.shape, normalized_shape=(width,), eps=1e-5)


def _attended(plan: Plan, x: Tensor) -> Tensor:
    """softmax(Q K') V of x[batch, steps, width], all three by one product; copied back if steps > 1."""
    batch, steps, width = x.shape
    heads, row = width // HEAD, 3 * width
    packed = _linear(plan, x, row)
    shape, strides = (batch, heads, steps, HEAD), (steps * row, HEAD, row, 1)
    q, k, v = (replace(packed, shape=shape, strides=strides, offset=i * width) for i in range(3))
    sizes: dict[str, Attribute] = {"dropout_p": 0.0, "is_causal": False, "scale": None}
    sizes |= {"attn_mask": None, "enable_gqa": False}
    y = plan.add("torch.scaled_dot_product_attention", (q, k, v), shape, **sizes)
    if steps == 1:
        return contiguous(y.storage, x.shape)
    turned = replace(y, shape=(batch, steps, heads, HEAD), strides=(steps * width, HEAD, steps * HEAD, 1))
    copied = plan.add("clone", (turned,), turned.shape)
    return contiguous(copied.storage, x.shape)


def _causal(plan: Plan, x: Tensor, kernel: int, dilation: int) -> Tensor:
    """A convolution along steps with a bias, padded on both sides; what sticks out at the end is cut off."""
    batch, channels, steps = x.shape
    padding = (kernel - 1) * dilation
    w = plan.tensor("w", (channels, channels, kernel), "weight")
    b = plan.tensor("b", (channels,), "weight")
    sizes: dict[str, Attribute] = {"stride": (1,), "padding": (padding,), "dilation": (dilation,)}
    sizes |= {"output_padding": (0,), "transposed": False, "groups": 1}
    y = plan.add("convolution", (x, w, b), (batch, channels, steps + padding), **sizes)
    return replace(y, shape=x.shape)


def _sum(plan: Plan, x: Tensor, y: Tensor, activation: str = "") -> Tensor:
    total = plan.add("add", (x, y), x.shape, alpha=1)
    return plan.add(activation, (total,), x.shape) if activation else total


LAYERS: Final[Mapping[str, Callable[..., Trace]]] = {
    **{kind: partial(recurrent, kind) for kind in ("lstm", "gru", "rnn_tanh")},
    "lstm_cells": lstm_cells,
    "tcn": tcn,
    "dilated_tcn": dilated,
    "transformer": transformer,
    "mlp_relu": partial(mlp, activation="relu", is_last_bare=True),
    "mlp_gelu": partial(mlp, activation="gelu", is_last_bare=False),
    "residual": residual,
    "bottleneck": bottleneck,
    "stem": stem,
    "separable": separable,
}
"""By the names of torch_cpu.csv."""
