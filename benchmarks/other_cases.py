"""Models of other shapes and kinds than those of `cases`: what a calibration is worth beyond them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import torch
from torch import nn

from benchmarks.cases import Case, Residual, TransformerLayer

RECURRENT = (
    (80, 384, 1, 100, 1, False),
    (40, 192, 4, 30, 1, False),
    (512, 768, 1, 20, 1, False),
    (256, 1536, 2, 10, 1, False),
    (640, 640, 1, 25, 2, False),
    (300, 300, 1, 60, 1, True),
    (1280, 1280, 8, 10, 1, False),
)
"""Inputs, hidden size, batch, steps, layers, whether in both directions."""

CELLS = ((256, 256, 1, 30), (1024, 1024, 1, 10), (80, 512, 8, 20))
TRANSFORMERS = ((384, 64, 1), (768, 32, 1), (768, 256, 1), (512, 1, 1), (1024, 1, 4), (512, 512, 1))
"""Width, tokens, batch."""

MLPS = (
    ((784, 512, 512, 10), 1),
    ((4096, 4096, 1000), 1),
    ((1536, 1536, 1536), 4),
    ((512, 2048, 512), 16),
    ((3000, 3000), 2),
    ((640, 128, 128, 8, 128, 128, 640), 1),
)
TCNS = ((32, 3, 6, 1, 400), (96, 5, 4, 2, 150), (192, 3, 4, 1, 1000), (512, 3, 3, 1, 100))
"""Channels, kernel, levels, batch, steps."""


def other_cases() -> Iterator[Case]:
    """LSTM, GRU, RNN, cells in a loop, transformer layers, MLP, TCN, convolutional blocks: 50 in all."""
    for layer in (nn.LSTM, nn.GRU, nn.RNN):
        for shape in RECURRENT:
            yield _case(layer.__name__, shape, _recurrent(layer, *shape))
    for shape in CELLS:
        yield _case("LSTM cells", shape, partial(_cells, *shape))
    for width, tokens, batch in TRANSFORMERS:
        make = partial(_with, TransformerLayer, (width,), (batch, tokens, width))
        yield _case("transformer", (width, tokens, batch), make)
    for widths, batch in MLPS:
        yield _case("MLP", (*widths, batch), partial(_with, Mlp, (widths,), (batch, widths[0])))
    for channels, kernel, levels, batch, steps in TCNS:
        make = partial(_with, Dilated, (channels, kernel, levels), (batch, channels, steps))
        yield _case("TCN", (channels, kernel, levels, batch, steps), make)
    yield from _image_cases()


def _image_cases() -> Iterator[Case]:
    for channels, side, batch in ((96, 40, 1), (160, 20, 2)):
        make = partial(_with, Residual, (channels,), (batch, channels, side, side))
        yield _case("ResNet", (channels, side, batch), make)
    for channels, narrow, stride, side in ((256, 64, 1, 56), (1024, 256, 1, 14), (512, 128, 2, 28)):
        make = partial(_with, Bottleneck, (channels, narrow, stride), (1, channels, side, side))
        yield _case("bottleneck", (channels, side), make)
    yield _case("stem", (224,), partial(_with, Stem, (), (1, 3, 224, 224)))
    for channels, side in ((32, 112), (128, 56), (512, 14), (256, 28)):
        make = partial(_with, Separable, (channels,), (1, channels, side, side))
        yield _case("separable", (channels, side), make)


def _case(
    family: str, shape: tuple[int | bool, ...], make: Callable[[], tuple[nn.Module, torch.Tensor]]
) -> Case:
    return Case(family=family, name=f"{family} {'-'.join(str(int(n)) for n in shape)}", make=make)


def _with(
    kind: Callable[..., nn.Module], arguments: tuple[object, ...], shape: tuple[int, ...]
) -> tuple[nn.Module, torch.Tensor]:
    return kind(*arguments), torch.randn(*shape)


def _recurrent(
    layer: Callable[..., nn.Module],
    inputs: int,
    hidden: int,
    batch: int,
    steps: int,
    layers: int,
    is_bidirectional: bool,
) -> Callable[[], tuple[nn.Module, torch.Tensor]]:
    make = partial(layer, num_layers=layers, bidirectional=is_bidirectional)
    return partial(_with, make, (inputs, hidden), (steps, batch, inputs))


class Cells(nn.Module):
    """An LSTM written as a loop over its cell."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(inputs, hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x.new_zeros(x.shape[1], self.cell.hidden_size)
        c = h
        for part in x:
            h, c = self.cell(part, (h, c))
        return h


def _cells(inputs: int, hidden: int, batch: int, steps: int) -> tuple[nn.Module, torch.Tensor]:
    return Cells(inputs, hidden), torch.randn(steps, batch, inputs)


class Mlp(nn.Sequential):
    """Linear layers, each with a GELU."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__(*(part for i, o in pairwise(widths) for part in (nn.Linear(i, o), nn.GELU())))


class Dilated(nn.Module):
    """Causal convolutions with residuals, each with twice the dilation of the one before."""

    def __init__(self, channels: int, kernel: int, levels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) * 2**level, dilation=2**level)
            for level in range(levels)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = torch.relu(x + layer(x)[..., : x.shape[-1]])
        return x


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1 (He et al., arXiv:1512.03385); with a stride, the path beside the sum."""

    def __init__(self, channels: int, narrow: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, narrow, 1, bias=False)
        self.second = nn.Conv2d(narrow, narrow, 3, stride, 1, bias=False)
        self.third = nn.Conv2d(narrow, channels, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in (narrow, narrow, channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norms[0](self.first(x)))
        y = torch.relu(self.norms[1](self.second(y)))
        y = self.norms[2](self.third(y))
        return torch.relu(x + y) if y.shape == x.shape else y


class Stem(nn.Sequential):
    """The first convolution and pooling of a ResNet."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )


class Separable(nn.Sequential):
    """A block of MobileNet (Howard et al., arXiv:1704.04861) that doubles the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU6(),
            nn.Conv2d(channels, 2 * channels, 1, bias=False),
            nn.BatchNorm2d(2 * channels),
            nn.ReLU6(),
        )
