"""The micro-benchmarks of convolutions: shapes for each of the ways that torch takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch

from hwcost.calibration.bench import Bench
from hwcost.devices.kernels import LAYS_OUT

FLOAT_BYTES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A square image or, with flat, a sequence of `side`; kernel, stride and dilation in each direction."""

    inputs: int
    outputs: int
    side: int
    kernel: int = 3
    batch: int = 1
    stride: int = 1
    dilation: int = 1
    flat: bool = False

    @property
    def results(self) -> int:
        """Positions of the output, batch included."""
        reach = self.dilation * (self.kernel - 1)
        side = (self.side + 2 * (reach // 2) - reach - 1) // self.stride + 1
        return self.batch * (side if self.flat else side**2)

    @property
    def window(self) -> int:
        return self.kernel if self.flat else self.kernel**2

    @property
    def inputs_elements(self) -> int:
        return self.batch * self.inputs * (self.side if self.flat else self.side**2)


SHAPES: Final[Mapping[str, tuple[Shape, ...]]] = {
    "conv": (
        Shape(inputs=48, outputs=48, side=40),
        Shape(inputs=96, outputs=192, side=24),
        Shape(inputs=320, outputs=320, side=10),
        Shape(inputs=640, outputs=640, side=6),
        Shape(inputs=160, outputs=160, side=12, batch=4),
        Shape(inputs=3, outputs=32, side=160, stride=2),
        Shape(inputs=3, outputs=48, side=128, kernel=7, stride=2),
        Shape(inputs=32, outputs=32, side=48, kernel=5),
        Shape(inputs=80, outputs=128, side=400, flat=True),
        Shape(inputs=384, outputs=384, side=100, flat=True),
        Shape(inputs=128, outputs=128, side=40, batch=6, dilation=2, flat=True),
    ),
    "conv_im2col": (
        Shape(inputs=64, outputs=64, side=8),
        Shape(inputs=128, outputs=128, side=10),
        Shape(inputs=32, outputs=32, side=20),
        Shape(inputs=320, outputs=320, side=6),
        Shape(inputs=96, outputs=96, side=120, flat=True),
        Shape(inputs=48, outputs=96, side=300, flat=True),
        Shape(inputs=32, outputs=48, side=80, kernel=5, flat=True),
    ),
    "conv_dilated": (
        Shape(inputs=64, outputs=64, side=120, dilation=2, flat=True),
        Shape(inputs=32, outputs=32, side=400, dilation=4, flat=True),
        Shape(inputs=96, outputs=96, side=150, dilation=8, flat=True),
        Shape(inputs=160, outputs=160, side=100, dilation=2, flat=True),
        Shape(inputs=32, outputs=32, side=16, dilation=2),
    ),
    "conv_pointwise": (
        Shape(inputs=32, outputs=32, side=56, kernel=1),
        Shape(inputs=96, outputs=192, side=28, kernel=1),
        Shape(inputs=192, outputs=48, side=36, kernel=1),
        Shape(inputs=640, outputs=320, side=14, kernel=1),
        Shape(inputs=960, outputs=160, side=7, kernel=1),
        Shape(inputs=320, outputs=320, side=80, kernel=1, flat=True),
    ),
    "depthwise": (
        Shape(inputs=32, outputs=32, side=80),
        Shape(inputs=96, outputs=96, side=40),
        Shape(inputs=240, outputs=240, side=20),
        Shape(inputs=480, outputs=480, side=10),
        Shape(inputs=96, outputs=96, side=28, kernel=5, stride=2),
    ),
    "depthwise_flat": (
        Shape(inputs=256, outputs=256, side=100, kernel=15, flat=True),
        Shape(inputs=144, outputs=144, side=200, kernel=31, flat=True),
        Shape(inputs=512, outputs=512, side=50, flat=True),
        Shape(inputs=64, outputs=64, side=500, kernel=9, flat=True),
        Shape(inputs=256, outputs=256, side=300, kernel=5, flat=True),
    ),
}
"""By kernel of `hwcost.devices.kernels`: shapes for which torch on CPU goes that way."""


def convolution_benches(device: str) -> Iterator[Bench]:
    """A call of each shape: sizes (elements laid out, bytes of weights, place in its tuple), work FLOP."""
    for kind, shapes in SHAPES.items():
        for place, shape in enumerate(shapes):
            groups = shape.inputs if kind.startswith("depthwise") else 1
            per_result = shape.window * shape.inputs // groups
            read = shape.results * per_result if kind in LAYS_OUT else shape.inputs_elements
            yield Bench(
                kind=kind,
                sizes=(
                    read + shape.results * shape.outputs,
                    FLOAT_BYTES * per_result * shape.outputs,
                    place,
                ),
                work=2 * shape.results * per_result * shape.outputs,
                make=partial(_convolution, device, shape, groups),
            )


def _convolution(device: str, shape: Shape, groups: int) -> Callable[[], object]:
    make = torch.nn.Conv1d if shape.flat else torch.nn.Conv2d
    layer = make(
        shape.inputs,
        shape.outputs,
        shape.kernel,
        stride=shape.stride,
        padding=shape.dilation * (shape.kernel - 1) // 2,
        dilation=shape.dilation,
        groups=groups,
    )
    sides = (shape.side,) if shape.flat else (shape.side, shape.side)
    return partial(layer.to(device).eval(), torch.randn(shape.batch, shape.inputs, *sides, device=device))
