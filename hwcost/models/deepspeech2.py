"""Deep Speech 2: convolutions over the spectrogram, bidirectional recurrent layers, one score per letter.

Its default is Baidu's released model for English: two convolutions, three GRU layers of 1024 in either
direction. A third convolution, other cells and the sum of both directions (as in the paper) are settings.
Time is halved by the first convolution. Recurrent layers are normalised on W x, before the recurrence:
for inference that is a scale and a shift, folded into W and its bias, as torch's layers have them.
The paper's directions share W; torch's have one each.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from hwcost.errors import ModelError
from hwcost.models.card import Published
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "Amodei et al. 2015, arXiv:1512.02595; as Baidu's released model for English"

PARAMETERS: Final = 52_448_509

PUBLISHED: Final = (
    Published(
        source="Deep Speech 2 Trained on Baidu English Data, Wolfram Neural Net Repository",
        settings={},
        parameters=52_504_416,
        beside=55_907,
        beside_what="normalisation of the recurrent layers before it is folded, 3 * 6 * 3072; running "
        "statistics of the convolutions', 2 * 64; and 483, which the source does not explain (3 * 161)",
    ),
)

WIDTH: Final = "hidden_size"

REACH: Final = "state"

CONVOLUTIONS: Final = ((32, (41, 11), (2, 2)), (32, (21, 11), (2, 1)), (96, (21, 11), (2, 1)))
"""Channels, kernel and stride over (frequency, time) (Amodei et al. 2015, table 5)."""

CLIP: Final = 20.0
"""Where the clipped ReLU ends (Amodei et al. 2015, section 3.1)."""

CELLS: Final = ("gru", "lstm", "rnn")


class Recurrent(nn.Module):
    """x[seq_len, batch, input_size] -> both directions, added or side by side."""

    def __init__(self, *, input_size: int, hidden_size: int, cell: str, add_directions: bool) -> None:
        super().__init__()
        self.add_directions = add_directions
        if cell == "rnn":
            self.layer: nn.RNNBase = nn.RNN(input_size, hidden_size, nonlinearity="relu", bidirectional=True)
        else:
            layer = nn.GRU if cell == "gru" else nn.LSTM
            self.layer = layer(input_size, hidden_size, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """The outputs at every step."""
        y: Tensor
        y, _ = self.layer(x)
        forwards, backwards = y.chunk(2, -1)
        return forwards + backwards if self.add_directions else y


class DeepSpeech2(nn.Module):
    """spectrogram[batch, 1, frequencies, seq_len] -> scores[seq_len / 2, batch, classes]."""

    def __init__(
        self,
        *,
        frequencies: int,
        convolutions: int,
        hidden_size: int,
        num_layers: int,
        cell: str,
        add_directions: bool,
        classes: int,
    ) -> None:
        super().__init__()
        self.convolutions = nn.Sequential()
        channels = 1
        for outputs, kernel, stride in CONVOLUTIONS[:convolutions]:
            padding = (kernel[0] // 2, kernel[1] // 2)
            self.convolutions.append(nn.Conv2d(channels, outputs, kernel, stride, padding, bias=False))
            self.convolutions.append(nn.BatchNorm2d(outputs))
            self.convolutions.append(nn.Hardtanh(0.0, CLIP))
            channels = outputs
            frequencies = -(-frequencies // stride[0])
        width = hidden_size if add_directions else 2 * hidden_size
        self.recurrent = nn.Sequential(
            *(
                Recurrent(
                    input_size=width if layer else channels * frequencies,
                    hidden_size=hidden_size,
                    cell=cell,
                    add_directions=add_directions,
                )
                for layer in range(num_layers)
            )
        )
        self.output = nn.Linear(width, classes)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """One score per letter at every other frame."""
        x = self.convolutions(spectrogram).flatten(1, 2).permute(2, 0, 1)
        scores: Tensor = self.output(self.recurrent(x))
        return scores


def build(
    *,
    seq_len: int = 1000,
    batch: int = 1,
    frequencies: int = 161,
    convolutions: int = 2,
    hidden_size: int = 1024,
    num_layers: int = 3,
    cell: str = "gru",
    add_directions: bool = False,
    classes: int = 29,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The network on the meta device, and spectrogram[batch, 1, frequencies, seq_len].

    Args:
        seq_len: Frames of the spectrogram, of 10 ms; the trace is of one size whatever their number.
        batch: Recordings side by side.
        frequencies: Bins of a frame.
        convolutions: How many of the paper's three convolutions there are.
        hidden_size: Width of the state of either direction.
        num_layers: Recurrent layers on top of each other.
        cell: `gru`, `lstm`, or `rnn` (with ReLU).
        add_directions: Whether the two directions are added, or else both handed on.
        classes: Letters, and the blank.

    Raises:
        ModelError: A size is out of range, or the cell is another word.
    """
    at_least(1, seq_len=seq_len, batch=batch, frequencies=frequencies, convolutions=convolutions)
    at_least(1, hidden_size=hidden_size, num_layers=num_layers, classes=classes)
    at_most(len(CONVOLUTIONS), convolutions=convolutions)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    if cell not in CELLS:
        raise ModelError(f"cell is {cell}", mend=f"it must be one of {', '.join(CELLS)}")
    with torch.device("meta"):
        model = DeepSpeech2(
            frequencies=frequencies,
            convolutions=convolutions,
            hidden_size=hidden_size,
            num_layers=num_layers,
            cell=cell,
            add_directions=add_directions,
            classes=classes,
        )
        return model.eval(), (torch.empty(batch, 1, frequencies, seq_len),)
