"""WaveNet: a model of raw audio, of dilated causal convolutions with gates, residuals and skips.

Dilations are 1, 2, 4 ... 512, three times over, so that a sample depends on itself and on the 3,070
before it. The paper names no widths; these (64 residual, 256 skip channels) are those of Deep Voice's largest
WaveNet (Arik et al. 2017, arXiv:1702.07825). What conditions it on text or speaker is left out. The last
layer has no residual convolution, since nothing would read it.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "van den Oord et al. 2016, arXiv:1609.03499"

PARAMETERS: Final = 1_279_616

PUBLISHED: Final = None

WIDTH: Final = ("skip", "residual")

REACH: Final = "1 + (kernel_size - 1) * (1 + stacks * (2**levels - 1))"

REACH_BY: Final = "levels"

LEVELS_AT_MOST: Final = 32
"""Layer l of a stack is dilated by 2^l: at 32 it already looks back further than any recording is long."""


class CausalConvolution(nn.Conv1d):
    """y[n, out, t] from x[n, in, t - j * dilation], j = 0 .. kernel_size - 1."""

    def forward(self, x: Tensor) -> Tensor:
        """As many positions out as in; what lies before the first one is zero."""
        past = (self.kernel_size[0] - 1) * self.dilation[0]
        return super().forward(functional.pad(x, (past, 0)))


class Layer(nn.Module):
    """z = tanh(W_f * x) sigmoid(W_g * x), * a dilated convolution; x + 1 x 1 of z goes on, 1 x 1 of z out."""

    def __init__(self, *, residual: int, skip: int, kernel_size: int, dilation: int, is_last: bool) -> None:
        super().__init__()
        self.dilated = CausalConvolution(residual, 2 * residual, kernel_size, dilation=dilation)
        self.residual = None if is_last else nn.Conv1d(residual, residual, 1)
        self.skip = nn.Conv1d(residual, skip, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x[batch, residual, seq_len] -> what the next layer reads, and what the output sums."""
        content, gate = self.dilated(x).chunk(2, 1)
        z = torch.tanh(content) * torch.sigmoid(gate)
        return x if self.residual is None else x + self.residual(z), self.skip(z)


class WaveNet(nn.Module):
    """x[batch, classes, seq_len], one-hot samples -> scores of the next sample, of the same shape."""

    def __init__(
        self, *, stacks: int, levels: int, residual: int, skip: int, kernel_size: int, classes: int
    ) -> None:
        super().__init__()
        self.first = CausalConvolution(classes, residual, kernel_size)
        self.layers = nn.ModuleList(
            Layer(
                residual=residual,
                skip=skip,
                kernel_size=kernel_size,
                dilation=2 ** (layer % levels),
                is_last=layer + 1 == stacks * levels,
            )
            for layer in range(stacks * levels)
        )
        self.output1 = nn.Conv1d(skip, skip, 1)
        self.output2 = nn.Conv1d(skip, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of every sample in one pass, each from those before it."""
        x = self.first(x)
        x, total = self.layers[0](x)
        for layer in list(self.layers)[1:]:
            x, skip = layer(x)
            total = total + skip
        scores: Tensor = self.output2(torch.relu(self.output1(torch.relu(total))))
        return scores


def build(
    *,
    seq_len: int = 16_000,
    batch: int = 1,
    stacks: int = 3,
    levels: int = 10,
    residual: int = 64,
    skip: int = 256,
    kernel_size: int = 2,
    classes: int = 256,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The model on the meta device, and x[batch, classes, seq_len].

    Args:
        seq_len: Samples; the default is one second at 16 kHz.
        batch: Recordings side by side.
        stacks: Times that the dilations start again at 1.
        levels: Layers of a stack, dilated by 1, 2, 4 and so on.
        residual: Channels between layers, and of each of the two halves of a gate.
        skip: Channels that every layer hands to the output.
        kernel_size: Taps of each dilated convolution.
        classes: Values that a sample may take.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, stacks=stacks, levels=levels, residual=residual, skip=skip)
    at_least(1, kernel_size=kernel_size, classes=classes)
    at_most(LEVELS_AT_MOST, levels=levels)
    at_most(LAYERS_AT_MOST // LEVELS_AT_MOST, stacks=stacks)
    with torch.device("meta"):
        model = WaveNet(
            stacks=stacks,
            levels=levels,
            residual=residual,
            skip=skip,
            kernel_size=kernel_size,
            classes=classes,
        )
        return model.eval(), (torch.empty(batch, classes, seq_len),)
