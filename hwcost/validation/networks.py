"""Published networks for images as traces, layer by layer and made without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Final

from hwcost.graph import Attribute, Op, Storage, Tensor, Trace, contiguous
from hwcost.validation import traces

IMAGE: Final = (3, 224, 224)
CLASSES: Final = 1000

VGG: Final[Mapping[str, tuple[int, ...]]] = {
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
"""Convolutions of 3 x 3 per stage (Simonyan and Zisserman, arXiv:1409.1556, table 1, D and E)."""

VGG_WIDTHS: Final = (64, 128, 256, 512, 512)
VGG_HIDDEN: Final = 4096

RESNET: Final[Mapping[str, tuple[int, ...]]] = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}
"""Blocks per stage (He et al., arXiv:1512.03385, table 1)."""

RESNET_WIDTHS: Final = (64, 128, 256, 512)
EXPANSION: Final = 4
"""Width of what a bottleneck gives over its inner width."""

BASIC: Final = ("resnet18", "resnet34")
"""Whose blocks are two convolutions of 3 x 3; those of the others are bottlenecks."""


@dataclass(slots=True, kw_only=True)
class _Chain:
    """Ops in order, and the tensor that the next one takes.

    is_training: batch norms take the statistics of the batch.
    """

    x: Tensor
    is_training: bool
    ops: list[Op] = field(default_factory=list)

    def append(self, op: Op) -> None:
        self.ops.append(op)
        self.x = op.outputs[0]


def network(name: str, batch: int, dtype: str, *, is_training: bool) -> Trace:
    """One forward pass of a network of VGG or RESNET over `batch` images, in training mode or not."""
    chain = _Chain(x=traces.first((batch, *IMAGE), dtype), is_training=is_training)
    (_vgg if name in VGG else _resnet)(chain, name)
    return traces.chain(f"{name}, batch {batch}", tuple(chain.ops), dtype)


def _vgg(chain: _Chain, name: str) -> None:
    for width, layers in zip(VGG_WIDTHS, VGG[name], strict=True):
        for _ in range(layers):
            _convolve(chain, width, 3, 1)
            _rectify(chain)
        _pool(chain, 2, 2, 0)
    flat = chain.x.shape
    chain.x = contiguous(chain.x.storage, (flat[0], prod(flat[1:])))
    for width in (VGG_HIDDEN, VGG_HIDDEN):
        _connect(chain, width)
        _rectify(chain)
    _connect(chain, CLASSES)


def _resnet(chain: _Chain, name: str) -> None:
    _convolve(chain, RESNET_WIDTHS[0], 7, 2)
    _normalise(chain)
    _rectify(chain)
    _pool(chain, 3, 2, 1)
    block = _basic if name in BASIC else _bottleneck
    for stage, (width, blocks) in enumerate(zip(RESNET_WIDTHS, RESNET[name], strict=True)):
        for index in range(blocks):
            block(chain, width, 2 if stage and not index else 1)
    chain.append(_to(chain, "aten.mean", chain.x.shape[:2], {"dim": (2, 3), "keepdim": False}))
    _connect(chain, CLASSES)


def _basic(chain: _Chain, width: int, stride: int) -> None:
    before = chain.x
    _convolve(chain, width, 3, stride)
    _normalise(chain)
    _rectify(chain)
    _convolve(chain, width, 3, 1)
    _normalise(chain)
    _join(chain, before, width, stride)


def _bottleneck(chain: _Chain, width: int, stride: int) -> None:
    """The stride is that of the 3 x 3, as torchvision and fb.resnet.torch have it."""
    before = chain.x
    _convolve(chain, width, 1, 1)
    _normalise(chain)
    _rectify(chain)
    _convolve(chain, width, 3, stride)
    _normalise(chain)
    _rectify(chain)
    _convolve(chain, EXPANSION * width, 1, 1)
    _normalise(chain)
    _join(chain, before, EXPANSION * width, stride)


def _join(chain: _Chain, before: Tensor, width: int, stride: int) -> None:
    """Adds what went past the block, through a convolution of 1 x 1 where it changes its shape."""
    after, chain.x = chain.x, before
    if before.shape != after.shape:
        _convolve(chain, width, 1, stride)
        _normalise(chain)
    past, chain.x = chain.x, after
    chain.append(_to(chain, "aten.add", after.shape, {"alpha": 1}, past))
    _rectify(chain)


def _convolve(chain: _Chain, filters: int, side: int, stride: int) -> None:
    padding = side // 2
    key = f"{len(chain.ops)}."
    op = traces.convolution_op(
        chain.x, filters, (side, side), (padding, padding), (stride, stride), key, "activation"
    )
    chain.append(op)


def _connect(chain: _Chain, outputs: int) -> None:
    chain.append(traces.linear_op(chain.x, outputs, f"{len(chain.ops)}.", "activation"))


def _normalise(chain: _Chain) -> None:
    channels = chain.x.shape[1]
    given = tuple(
        contiguous(
            Storage(id=f"n{len(chain.ops)}.{i}", elements=channels, dtype=chain.x.dtype, role="weight"),
            (channels,),
        )
        for i in range(4)
    )
    attributes = {"training": chain.is_training, "momentum": 0.1, "eps": 1e-5}
    chain.append(_to(chain, "aten.native_batch_norm", chain.x.shape, attributes, *given))


def _rectify(chain: _Chain) -> None:
    """In place, as both sources have it."""
    chain.append(Op(name="aten.relu_", inputs=(chain.x,), outputs=(chain.x,)))


def _pool(chain: _Chain, side: int, stride: int, padding: int) -> None:
    batch, channels, *image = chain.x.shape
    reduced = tuple((size + 2 * padding - side) // stride + 1 for size in image)
    attributes = {
        "kernel_size": (side, side),
        "stride": (stride, stride),
        "padding": (padding, padding),
        "dilation": (1, 1),
    }
    chain.append(_to(chain, "aten.max_pool2d", (batch, channels, *reduced), attributes))


def _to(
    chain: _Chain,
    name: str,
    shape: tuple[int, ...],
    attributes: Mapping[str, Attribute],
    *more: Tensor,
) -> Op:
    storage = Storage(id=f"y{len(chain.ops)}.", elements=prod(shape), dtype=chain.x.dtype, role="activation")
    return Op(
        name=name, inputs=(chain.x, *more), outputs=(contiguous(storage, shape),), attributes=dict(attributes)
    )
