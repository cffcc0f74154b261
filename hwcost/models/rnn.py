"""A stack of simple recurrent layers: one product over the input, one over the state, one tanh or ReLU.

It is the recurrent stack alone, features in and features out, so that the formulas of the field
apply to it exactly: H(I + H) multiply-accumulates per step, layer and direction.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from hwcost.errors import ModelError
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "Elman 1990, doi:10.1207/s15516709cog1402_1; as torch.nn.RNN"

PARAMETERS: Final = 1_050_624

PUBLISHED: Final = None

WIDTH: Final = ("hidden_size", "input_size")

REACH: Final = "state"


class RnnStack(nn.Module):
    """x[seq_len, batch, input_size] -> y[seq_len, batch, directions * hidden_size]."""

    def __init__(
        self, *, input_size: int, hidden_size: int, num_layers: int, bidirectional: bool, nonlinearity: str
    ) -> None:
        super().__init__()
        self.rnn = nn.RNN(
            input_size, hidden_size, num_layers, nonlinearity=nonlinearity, bidirectional=bidirectional
        )

    def forward(self, x: Tensor) -> Tensor:
        """The outputs of the last layer at every step, from a state of zeros."""
        y: Tensor
        y, _ = self.rnn(x)
        return y


def build(
    *,
    seq_len: int = 1000,
    batch: int = 1,
    input_size: int = 512,
    hidden_size: int = 512,
    num_layers: int = 2,
    bidirectional: bool = False,
    nonlinearity: str = "tanh",
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The stack on the meta device, and x[seq_len, batch, input_size].

    Args:
        seq_len: Time steps.
        batch: Sequences side by side.
        input_size: Features of a step of the input.
        hidden_size: Width of the state.
        num_layers: Layers on top of each other.
        bidirectional: Whether a second stack runs backwards beside the first.
        nonlinearity: `tanh` or `relu`.

    Raises:
        ModelError: A size is out of range, or the nonlinearity is another word.
    """
    at_least(1, seq_len=seq_len, batch=batch, input_size=input_size, hidden_size=hidden_size)
    at_least(1, num_layers=num_layers)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    if nonlinearity not in ("tanh", "relu"):
        raise ModelError(f"nonlinearity is {nonlinearity}", mend="it must be tanh or relu")
    with torch.device("meta"):
        model = RnnStack(
            input_size=input_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            nonlinearity=nonlinearity,
        )
        return model.eval(), (torch.empty(seq_len, batch, input_size),)
