"""A stack of bidirectional LSTM layers: each reads the sequence forwards and backwards, and hands on both.

Its default is the network CTC-3l-250h of Graves et al., speech features in and one score per phoneme
and step out. Peephole weights are left out, and each gate has torch's two biases instead of one.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from hwcost.models.card import Published
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "Graves, Mohamed and Hinton 2013, arXiv:1303.5778, CTC-3l-250h"

PARAMETERS: Final = 3_789_062

PUBLISHED: Final = (
    Published(
        source="CTC-3l-250h, Graves et al. 2013, arXiv:1303.5778 table 1",
        settings={"seq_len": 1},
        parameters=3_800_000,
        rounded_to=100_000,
    ),
)

WIDTH: Final = "hidden_size"

REACH: Final = "state"


class BidirectionalLstm(nn.Module):
    """x[seq_len, batch, input_size] -> scores[seq_len, batch, classes]."""

    def __init__(self, *, input_size: int, hidden_size: int, num_layers: int, classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, bidirectional=True)
        self.output = nn.Linear(2 * hidden_size, classes)

    def forward(self, x: Tensor) -> Tensor:
        """One score per class at every step, from states of zeros at both ends."""
        y, _ = self.lstm(x)
        scores: Tensor = self.output(y)
        return scores


def build(
    *,
    seq_len: int = 1000,
    batch: int = 1,
    input_size: int = 123,
    hidden_size: int = 250,
    num_layers: int = 3,
    classes: int = 62,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The network on the meta device, and x[seq_len, batch, input_size].

    Args:
        seq_len: Time steps; the trace is of one size whatever their number.
        batch: Sequences side by side.
        input_size: Features of a step of the input.
        hidden_size: Width of the state of either direction.
        num_layers: Layers on top of each other.
        classes: Scores of a step.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, input_size=input_size, hidden_size=hidden_size)
    at_least(1, num_layers=num_layers, classes=classes)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    with torch.device("meta"):
        model = BidirectionalLstm(
            input_size=input_size, hidden_size=hidden_size, num_layers=num_layers, classes=classes
        )
        return model.eval(), (torch.empty(seq_len, batch, input_size),)
