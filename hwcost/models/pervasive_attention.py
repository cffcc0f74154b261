"""Pervasive attention: translation by one 2-D convolutional network over source x target.

Position (i, j) of the grid starts as the vectors of source word j and of target word i, side by side. A
DenseNet of 24 layers, whose convolutions see no later target word, re-codes every source word in view of
the target so far; the maximum over the source gives one vector per target word. Where the authors mask the
later rows of a k x k kernel, this one has ceil(k / 2) rows: what is masked is neither kept nor computed.
It takes embedded words, and gives the vector from which a target word is predicted.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most, is_share

CITATION: Final = "Elbayad, Besacier and Verbeek 2018, arXiv:1808.03867; settings of the authors' l24"

PARAMETERS: Final = 3_522_688

PUBLISHED: Final = None

WIDTH: Final = ("d_embedding", "growth_rate")

REACH: Final = "source"

BOTTLENECK: Final = 4
"""Channels after the 1 x 1 convolution of a dense layer, over its growth rate (the authors' bn_size)."""


class MaskedConvolution(nn.Conv2d):
    """A k x k convolution that reads rows (target words) up to its own only, ceil(k / 2) of them."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int) -> None:
        super().__init__(inputs, outputs, (kernel_size // 2 + 1, kernel_size), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, inputs, target, source] -> y[batch, outputs, target, source]."""
        rows, columns = self.kernel_size
        before = (columns - 1) // 2
        return super().forward(functional.pad(x, (before, columns - 1 - before, rows - 1, 0)))


class DenseLayer(nn.Module):
    """y = (x, conv2(relu(norm2(conv1(relu(norm1(x))))))): adds growth_rate channels to those it reads."""

    def __init__(self, *, inputs: int, growth_rate: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        inner = BOTTLENECK * growth_rate
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv2 = MaskedConvolution(inner, growth_rate, kernel_size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, inputs, target, source] -> y[batch, inputs + growth_rate, target, source]."""
        y = self.conv1(torch.relu(self.norm1(x)))
        y = self.conv2(torch.relu(self.norm2(y)))
        return torch.cat((x, self.dropout(y)), 1)


class PervasiveAttention(nn.Module):
    """source[batch, m, d_embedding], target[batch, n, d_embedding] -> y[batch, n, d_embedding]."""

    def __init__(
        self, *, d_embedding: int, num_layers: int, growth_rate: int, kernel_size: int, dropout: float
    ) -> None:
        super().__init__()
        grown = d_embedding + num_layers * growth_rate
        self.first = nn.Conv2d(2 * d_embedding, d_embedding, 1)
        self.layers = nn.Sequential(
            *(
                DenseLayer(
                    inputs=d_embedding + layer * growth_rate,
                    growth_rate=growth_rate,
                    kernel_size=kernel_size,
                    dropout=dropout,
                )
                for layer in range(num_layers)
            )
        )
        self.norm1 = nn.BatchNorm2d(grown)
        self.transition = nn.Conv2d(grown, grown // 2, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(grown // 2)
        self.output = nn.Linear(grown // 2, d_embedding)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """The vectors of all target words in one pass, as in training."""
        n, m = target.shape[1], source.shape[1]
        pairs = (source.unsqueeze(1).expand(-1, n, -1, -1), target.unsqueeze(2).expand(-1, -1, m, -1))
        x = self.layers(self.first(torch.cat(pairs, 3).permute(0, 3, 1, 2)))
        x = torch.relu(self.norm2(self.transition(torch.relu(self.norm1(x)))))
        y: Tensor = self.output(x.amax(3).transpose(1, 2))
        return y


def build(
    *,
    seq_len: int = 50,
    batch: int = 1,
    source_len: int = 0,
    d_embedding: int = 128,
    num_layers: int = 24,
    growth_rate: int = 32,
    kernel_size: int = 5,
    dropout: float = 0.2,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The network on the meta device, and source[batch, source_len, e], target[batch, seq_len, e].

    Args:
        seq_len: Words of the target.
        batch: Pairs of sentences side by side.
        source_len: Words of the source; 0: as many as the target has. The grid has source x target positions.
        d_embedding: Features e of a word.
        num_layers: Dense layers.
        growth_rate: Channels that each dense layer adds.
        kernel_size: Words that a convolution spans, of the source; of the target the half that is past.
        dropout: Share of activations dropped in training; the model comes in eval mode.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, d_embedding=d_embedding, num_layers=num_layers)
    at_least(1, growth_rate=growth_rate, kernel_size=kernel_size)
    at_least(0, source_len=source_len)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    is_share(dropout=dropout)
    with torch.device("meta"):
        model = PervasiveAttention(
            d_embedding=d_embedding,
            num_layers=num_layers,
            growth_rate=growth_rate,
            kernel_size=kernel_size,
            dropout=dropout,
        )
        words = (torch.empty(batch, n, d_embedding) for n in (source_len or seq_len, seq_len))
        return model.eval(), tuple(words)
