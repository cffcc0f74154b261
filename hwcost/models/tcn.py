"""A temporal convolutional network: residual blocks of two dilated causal convolutions each.

Its default is the setting of Bai et al. for words of the Penn Treebank, without the embedding and the
output layer: features in, features out. The weight normalisation of the paper is folded into the
weights, as it is for inference. A convolution pads its input on the left by (k - 1) * dilation, so that
it computes seq_len positions; the paper's code pads both ends and throws the surplus away.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.models.card import Published
from hwcost.models.settings import at_least, at_most, is_share

CITATION: Final = "Bai, Kolter and Koltun 2018, arXiv:1803.01271"

PARAMETERS: Final = 8_644_800

PUBLISHED: Final = (
    Published(
        source="adding problem T=600, Bai et al. 2018, arXiv:1803.01271 tables 1 and 2",
        settings={"seq_len": 600, "input_size": 2, "hidden_size": 24, "levels": 8, "kernel_size": 8},
        parameters=70_000,
        rounded_to=10_000,
        beside=25,
        beside_what="output layer, 24 + 1",
    ),
    Published(
        source="sequential MNIST, Bai et al. 2018, arXiv:1803.01271 tables 1 and 2",
        settings={"seq_len": 784, "input_size": 1, "hidden_size": 25, "levels": 8, "kernel_size": 7},
        parameters=70_000,
        rounded_to=10_000,
        beside=260,
        beside_what="output layer, 25 * 10 + 10",
    ),
)

WIDTH: Final = ("hidden_size", "input_size")

REACH: Final = "1 + 2 * (kernel_size - 1) * (2**levels - 1)"

REACH_BY: Final = "levels"

LEVELS_AT_MOST: Final = 32
"""Level l is dilated by 2^l: at 32 a block already looks back further than any sequence is long."""


class CausalConvolution(nn.Conv1d):
    """y[n, out, t] from x[n, in, t - j * dilation], j = 0 .. kernel_size - 1."""

    def forward(self, x: Tensor) -> Tensor:
        """As many positions out as in; what lies before the first one is zero."""
        past = (self.kernel_size[0] - 1) * self.dilation[0]
        return super().forward(functional.pad(x, (past, 0)))


class ResidualBlock(nn.Module):
    """y = relu(x + f(x)), f two convolutions with ReLU and dropout; 1 x 1 on x where widths differ."""

    def __init__(
        self, *, input_size: int, hidden_size: int, kernel_size: int, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.conv1 = CausalConvolution(input_size, hidden_size, kernel_size, dilation=dilation)
        self.conv2 = CausalConvolution(hidden_size, hidden_size, kernel_size, dilation=dilation)
        self.dropout = nn.Dropout(dropout)
        self.shortcut = nn.Identity() if input_size == hidden_size else nn.Conv1d(input_size, hidden_size, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, input_size, seq_len] -> y[batch, hidden_size, seq_len]."""
        y = self.dropout(torch.relu(self.conv1(x)))
        y = self.dropout(torch.relu(self.conv2(y)))
        return torch.relu(y + self.shortcut(x))


def build(
    *,
    seq_len: int = 1000,
    batch: int = 1,
    input_size: int = 600,
    hidden_size: int = 600,
    levels: int = 4,
    kernel_size: int = 3,
    dropout: float = 0.5,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The blocks on the meta device, and x[batch, input_size, seq_len].

    Args:
        seq_len: Time steps.
        batch: Sequences side by side.
        input_size: Features of a step of the input.
        hidden_size: Features of every block.
        levels: Blocks; block l = 0, 1, ... is dilated by 2^l.
        kernel_size: Taps of each convolution.
        dropout: Share of activations dropped in training; the model comes in eval mode.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, input_size=input_size, hidden_size=hidden_size)
    at_least(1, levels=levels, kernel_size=kernel_size)
    at_most(LEVELS_AT_MOST, levels=levels)
    is_share(dropout=dropout)
    with torch.device("meta"):
        blocks = (
            ResidualBlock(
                input_size=hidden_size if level else input_size,
                hidden_size=hidden_size,
                kernel_size=kernel_size,
                dilation=2**level,
                dropout=dropout,
            )
            for level in range(levels)
        )
        return nn.Sequential(*blocks).eval(), (torch.empty(batch, input_size, seq_len),)
