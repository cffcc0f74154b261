"""Models that a calibration of this machine is held against, each with its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
from torch import nn

STEPS: Final = 50
BATCHES: Final = (1, 8)
HIDDEN: Final = (128, 256, 512, 1024, 2048)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """family: whose residuals are shown together. make: the module and its input."""

    family: str
    name: str
    make: Callable[[], tuple[nn.Module, torch.Tensor]]


def cases() -> Iterator[Case]:
    """LSTM, GRU, TCN, transformer layers, MLP, ResNet blocks: 75 in all."""
    yield from _recurrent_cases()
    for channels in (64, 128, 256):
        for batch in BATCHES:
            yield Case(
                family="TCN",
                name=f"TCN channels {channels} batch {batch} steps 200",
                make=partial(_tcn, channels, batch, 200),
            )
    for width in (256, 512, 1024):
        for tokens in (16, 128):
            for batch in BATCHES:
                yield Case(
                    family="transformer",
                    name=f"transformer layer width {width} tokens {tokens} batch {batch}",
                    make=partial(_transformer, width, tokens, batch),
                )
    for width in (256, 1024, 2048):
        for batch in (1, 8, 64):
            yield Case(
                family="MLP", name=f"MLP width {width} batch {batch}", make=partial(_mlp, width, batch)
            )
    for channels, side in ((64, 56), (128, 28), (256, 14), (512, 7)):
        for batch in (1, 4):
            yield Case(
                family="ResNet",
                name=f"ResNet block channels {channels} side {side} batch {batch}",
                make=partial(_residual, channels, side, batch),
            )


def _recurrent_cases() -> Iterator[Case]:
    for family, layer in (("LSTM", nn.LSTM), ("GRU", nn.GRU)):
        for hidden in HIDDEN:
            for batch in BATCHES:
                for steps in (1, STEPS):
                    yield Case(
                        family=family,
                        name=f"{family} hidden {hidden} batch {batch} steps {steps}",
                        make=partial(_recurrent, layer, hidden, batch, steps),
                    )


def _recurrent(
    layer: Callable[..., nn.Module], hidden: int, batch: int, steps: int
) -> tuple[nn.Module, torch.Tensor]:
    return layer(hidden, hidden), torch.randn(steps, batch, hidden)


class Tcn(nn.Module):
    """Dilated causal convolutions with residuals (Bai et al., arXiv:1803.01271), four levels, kernel 3."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        dilations = (1, 1, 2, 2, 4, 4, 8, 8)
        self.layers = nn.ModuleList(
            nn.Conv1d(channels, channels, 3, padding=2 * d, dilation=d) for d in dilations
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for first, second in zip(self.layers[::2], self.layers[1::2], strict=True):
            y = x
            for layer in (first, second):
                y = torch.relu(layer(y)[..., : x.shape[-1]])
            x = torch.relu(x + y)
        return x


def _tcn(channels: int, batch: int, steps: int) -> tuple[nn.Module, torch.Tensor]:
    return Tcn(channels), torch.randn(batch, channels, steps)


class TransformerLayer(nn.Module):
    """Attention and feed-forward after normalisation, 64 wide heads, 4 times as wide inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // 64
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, t, width = x.shape
        parts = self.qkv(self.before(x)).view(n, t, 3, self.heads, 64).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(parts[0], parts[1], parts[2])
        x = x + self.out(y.transpose(1, 2).reshape(n, t, width))
        return x + self.outer(nn.functional.gelu(self.inner(self.between(x))))


def _transformer(width: int, tokens: int, batch: int) -> tuple[nn.Module, torch.Tensor]:
    return TransformerLayer(width), torch.randn(batch, tokens, width)


def _mlp(width: int, batch: int) -> tuple[nn.Module, torch.Tensor]:
    layers = (nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
    return nn.Sequential(*layers), torch.randn(batch, width)


class Residual(nn.Module):
    """The basic block of ResNet (He et al., arXiv:1512.03385)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norms = nn.ModuleList((nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norms[0](self.first(x)))
        return torch.relu(x + self.norms[1](self.second(y)))


def _residual(channels: int, side: int, batch: int) -> tuple[nn.Module, torch.Tensor]:
    return Residual(channels), torch.randn(batch, channels, side, side)
