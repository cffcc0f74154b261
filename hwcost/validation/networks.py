"""Whole networks of published tables as traces, layer by layer, made without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Final

from hwcost.graph import Attribute, Tensor, Trace, contiguous
from hwcost.validation.plan import Plan, conv


def network(name: str, batch: int, dtype: str, *, is_eager: bool, is_training: bool = False) -> Trace:
    """One forward pass of a network of NETWORKS over a batch of images, in training mode or not."""
    side, layers = NETWORKS[name]
    plan = Plan(dtype=dtype, is_eager=is_eager, is_training=is_training)
    layers(plan, plan.tensor("x", (batch, 3, side, side), "input"))
    ops = tuple(plan.ops)
    return Trace(
        model=f"{name.removesuffix('_late')}, batch {batch}",
        parameters=0,
        weight_bytes=0,
        dtype=dtype,
        items=ops,
    )


def _depthwise(plan: Plan, x: Tensor, kernel: int, stride: int = 1, *, activation: str = "relu") -> Tensor:
    channels = x.shape[1]
    return conv(plan, x, channels, kernel, stride, groups=channels, activation=activation)


def _pool(plan: Plan, x: Tensor, kernel: int, stride: int, padding: int = 0) -> Tensor:
    """Max pool whose last window may stick out, as networks of Caffe have it."""
    n, channels, *image = x.shape
    height, width = (-(-(size + 2 * padding - kernel) // stride) + 1 for size in image)
    sizes: dict[str, Attribute] = {
        "kernel_size": (kernel, kernel),
        "stride": (stride, stride),
        "padding": (padding, padding),
        "dilation": (1, 1),
    }
    return plan.add("max_pool2d", (x,), (n, channels, height, width), **sizes)


def _mean(plan: Plan, x: Tensor) -> Tensor:
    return plan.add("adaptive_avg_pool2d", (x,), (*x.shape[:2], 1, 1), output_size=(1, 1))


def _linear(plan: Plan, x: Tensor, outputs: int) -> Tensor:
    batch, inputs = x.shape[0], prod(x.shape[1:])
    flat = contiguous(x.storage, (batch, inputs))
    w = plan.tensor("w", (outputs, inputs), "weight")
    return plan.add("linear", (flat, w), (batch, outputs), bias=None)


def _sum(plan: Plan, x: Tensor, y: Tensor, *, activation: str = "") -> Tensor:
    total = plan.add("add", (x, y), x.shape, alpha=1)
    return plan.add(activation, (total,), x.shape) if activation and plan.is_eager else total


def _classes(plan: Plan, x: Tensor) -> None:
    _linear(plan, _mean(plan, x), 1000)


def squeezenet(plan: Plan, x: Tensor) -> None:
    """SqueezeNet 1.1: Iandola et al., arXiv:1602.07360."""
    x = _pool(plan, conv(plan, x, 64, 3, 2, padding=0, has_norm=False), 3, 2)
    for index, (squeezed, expanded) in enumerate(
        ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
    ):
        if index in (2, 4):
            x = _pool(plan, x, 3, 2)
        narrow = conv(plan, x, squeezed, 1, has_norm=False)
        parts = tuple(conv(plan, narrow, expanded, kernel, has_norm=False) for kernel in (1, 3))
        x = plan.add("cat", parts, (x.shape[0], 2 * expanded, *x.shape[2:]), dim=1)
    _mean(plan, conv(plan, x, 1000, 1, has_norm=False))


def mobilenet(plan: Plan, x: Tensor) -> None:
    """MobileNet: Howard et al., arXiv:1704.04861, table 1."""
    x = conv(plan, x, 32, 3, 2)
    for filters, stride in (
        *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
        *((512, 1),) * 5,
        *((1024, 2), (1024, 1)),
    ):
        x = conv(plan, _depthwise(plan, x, 3, stride), filters, 1)
    _classes(plan, x)


def _inverted(plan: Plan, x: Tensor, wide: int, filters: int, kernel: int, stride: int) -> Tensor:
    """An inverted residual: Sandler et al., arXiv:1801.04381, figure 3."""
    y = x if wide == x.shape[1] else conv(plan, x, wide, 1)
    y = conv(plan, _depthwise(plan, y, kernel, stride), filters, 1, activation="")
    return _sum(plan, x, y) if y.shape == x.shape else y


def mobilenet_v2(plan: Plan, x: Tensor) -> None:
    """MobileNet v2: Sandler et al., arXiv:1801.04381, table 2."""
    x = conv(plan, x, 32, 3, 2)
    for factor, filters, repeats, first in (
        *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
        *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
    ):
        for index in range(repeats):
            x = _inverted(plan, x, factor * x.shape[1], filters, 3, 1 if index else first)
    _classes(plan, conv(plan, x, 1280, 1))


def mnasnet(plan: Plan, x: Tensor) -> None:
    """MnasNet B1 without squeeze-and-excite: Tan et al., arXiv:1807.11626, as in torchvision."""
    x = conv(plan, x, 32, 3, 2)
    x = conv(plan, _depthwise(plan, x, 3), 16, 1, activation="")
    for factor, filters, repeats, first, kernel in (
        *((3, 24, 3, 2, 3), (3, 40, 3, 2, 5), (6, 80, 3, 2, 5)),
        *((6, 96, 2, 1, 3), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)),
    ):
        for index in range(repeats):
            x = _inverted(plan, x, factor * x.shape[1], filters, kernel, 1 if index else first)
    _classes(plan, conv(plan, x, 1280, 1))


def googlenet(plan: Plan, x: Tensor) -> None:
    """GoogLeNet: Szegedy et al., arXiv:1409.4842, table 1, without its local response norms."""
    x = _pool(plan, conv(plan, x, 64, 7, 2, has_norm=False), 3, 2)
    x = conv(plan, conv(plan, x, 64, 1, has_norm=False), 192, 3, has_norm=False)
    for stage in (
        ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
        (
            *((192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64)),
            *((112, 144, 288, 32, 64, 64), (256, 160, 320, 32, 128, 128)),
        ),
        ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
    ):
        x = _pool(plan, x, 3, 2)
        for filters in stage:
            x = _inception(plan, x, *filters)
    _classes(plan, x)


def _inception(plan: Plan, x: Tensor, f1: int, r3: int, f3: int, r5: int, f5: int, fp: int) -> Tensor:
    """Four ways side by side; r3 and r5 are the narrow ones before 3 x 3 and 5 x 5, fp follows the pool."""
    ways = (
        conv(plan, x, f1, 1, has_norm=False),
        conv(plan, conv(plan, x, r3, 1, has_norm=False), f3, 3, has_norm=False),
        conv(plan, conv(plan, x, r5, 1, has_norm=False), f5, 5, has_norm=False),
        conv(plan, _pool(plan, x, 3, 1, 1), fp, 1, has_norm=False),
    )
    return plan.add("cat", ways, (x.shape[0], f1 + f3 + f5 + fp, *x.shape[2:]), dim=1)


def alexnet(plan: Plan, x: Tensor) -> None:
    """AlexNet: Krizhevsky et al., NeurIPS 2012, as in Caffe, without its local response norms."""
    x = _pool(plan, conv(plan, x, 96, 11, 4, padding=0, has_norm=False), 3, 2)
    x = _pool(plan, conv(plan, x, 256, 5, groups=2, has_norm=False), 3, 2)
    x = conv(plan, x, 384, 3, has_norm=False)
    for filters in (384, 256):
        x = conv(plan, x, filters, 3, groups=2, has_norm=False)
    x = _pool(plan, x, 3, 2)
    for outputs in (4096, 4096, 1000):
        x = _linear(plan, x, outputs)


def _vgg(*repeats: int) -> Callable[[Plan, Tensor], None]:
    """Simonyan and Zisserman, arXiv:1409.1556, table 1."""

    def layers(plan: Plan, x: Tensor) -> None:
        for filters, count in zip((64, 128, 256, 512, 512), repeats, strict=True):
            for _ in range(count):
                x = conv(plan, x, filters, 3, has_norm=False)
            x = _pool(plan, x, 2, 2)
        for outputs in (4096, 4096, 1000):
            x = _linear(plan, x, outputs)

    return layers


def _basic(plan: Plan, x: Tensor, filters: int, stride: int) -> Tensor:
    y = conv(plan, conv(plan, x, filters, 3, stride), filters, 3, activation="")
    if y.shape != x.shape:
        x = conv(plan, x, filters, 1, stride, activation="")
    return _sum(plan, x, y, activation="relu")


def _bottleneck(plan: Plan, x: Tensor, filters: int, stride: int) -> Tensor:
    """A bottleneck as it was published: the stride is in the first convolution."""
    return _narrowed(plan, x, filters, (stride, 1))


def _late_bottleneck(plan: Plan, x: Tensor, filters: int, stride: int) -> Tensor:
    """A bottleneck as most libraries have it since: the stride is in the convolution of 3 x 3."""
    return _narrowed(plan, x, filters, (1, stride))


def _narrowed(plan: Plan, x: Tensor, filters: int, strides: tuple[int, int]) -> Tensor:
    stride = max(strides)
    y = conv(plan, conv(plan, x, filters, 1, strides[0]), filters, 3, strides[1])
    y = conv(plan, y, 4 * filters, 1, activation="")
    if y.shape != x.shape:
        x = conv(plan, x, 4 * filters, 1, stride, activation="")
    return _sum(plan, x, y, activation="relu")


def _resnet(
    block: Callable[[Plan, Tensor, int, int], Tensor], *repeats: int
) -> Callable[[Plan, Tensor], None]:
    """He et al., arXiv:1512.03385, table 1."""

    def layers(plan: Plan, x: Tensor) -> None:
        x = _pool(plan, conv(plan, x, 64, 7, 2), 3, 2)
        for stage, count in enumerate(repeats):
            for index in range(count):
                x = block(plan, x, 64 << stage, 2 if stage and not index else 1)
        _classes(plan, x)

    return layers


NETWORKS: Final[Mapping[str, tuple[int, Callable[[Plan, Tensor], None]]]] = {
    "squeezenet": (227, squeezenet),
    "mobilenet": (224, mobilenet),
    "mobilenet_v2": (224, mobilenet_v2),
    "mnasnet": (224, mnasnet),
    "googlenet": (224, googlenet),
    "resnet18": (224, _resnet(_basic, 2, 2, 2, 2)),
    "alexnet": (227, alexnet),
    "vgg16": (224, _vgg(2, 2, 3, 3, 3)),
    "vgg19": (224, _vgg(2, 2, 4, 4, 4)),
    "resnet50": (224, _resnet(_bottleneck, 3, 4, 6, 3)),
    "resnet50_late": (224, _resnet(_late_bottleneck, 3, 4, 6, 3)),
    "resnet34": (224, _resnet(_basic, 3, 4, 6, 3)),
    "resnet101_late": (224, _resnet(_late_bottleneck, 3, 4, 23, 3)),
    "resnet152_late": (224, _resnet(_late_bottleneck, 3, 8, 36, 3)),
}
"""By name: the side of an image, and the layers."""
