"""A stack of GRU layers: three gates, each with a product over the input and one over the state.

It is the recurrent stack alone, features in and features out, so that the formulas of the field
apply to it exactly: 3H(I + H) multiply-accumulates per step, layer and direction. As in cuDNN and
torch, the reset gate acts after the recurrent product, which is why that product has a bias of its own.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "Cho et al. 2014, arXiv:1406.1078; as torch.nn.GRU"

PARAMETERS: Final = 3_151_872

PUBLISHED: Final = None

WIDTH: Final = ("hidden_size", "input_size")

REACH: Final = "state"


class GruStack(nn.Module):
    """x[seq_len, batch, input_size] -> y[seq_len, batch, directions * hidden_size]."""

    def __init__(self, *, input_size: int, hidden_size: int, num_layers: int, bidirectional: bool) -> None:
        super().__init__()
        self.gru = nn.GRU(input_size, hidden_size, num_layers, bidirectional=bidirectional)

    def forward(self, x: Tensor) -> Tensor:
        """The outputs of the last layer at every step, from a state of zeros."""
        y: Tensor
        y, _ = self.gru(x)
        return y


def build(
    *,
    seq_len: int = 1000,
    batch: int = 1,
    input_size: int = 512,
    hidden_size: int = 512,
    num_layers: int = 2,
    bidirectional: bool = False,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The stack on the meta device, and x[seq_len, batch, input_size].

    Args:
        seq_len: Time steps.
        batch: Sequences side by side.
        input_size: Features of a step of the input.
        hidden_size: Width of the state.
        num_layers: Layers on top of each other.
        bidirectional: Whether a second stack runs backwards beside the first.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, input_size=input_size, hidden_size=hidden_size)
    at_least(1, num_layers=num_layers)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    with torch.device("meta"):
        model = GruStack(
            input_size=input_size, hidden_size=hidden_size, num_layers=num_layers, bidirectional=bidirectional
        )
        return model.eval(), (torch.empty(seq_len, batch, input_size),)
