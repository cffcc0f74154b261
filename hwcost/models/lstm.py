"""A stack of LSTM layers: four gates, each with a product over the input and one over the state.

It is the recurrent stack alone, features in and features out, so that the formulas of the field
apply to it exactly: 4H(I + H) multiply-accumulates per step, layer and direction.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from hwcost.errors import ModelError
from hwcost.models.card import Published
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; as torch.nn.LSTM"

PARAMETERS: Final = 4_202_496

PUBLISHED: Final = (
    Published(
        source="4xLSTM-512, Shazeer et al. 2017, arXiv:1701.06538 table 7",
        settings={"seq_len": 1, "num_layers": 4},
        parameters=8_400_000,
        macs=8_400_000,
        rounded_to=100_000,
    ),
    Published(
        source="LSTM-2048-512, Shazeer et al. 2017, arXiv:1701.06538 table 7",
        settings={"seq_len": 1, "hidden_size": 2048, "num_layers": 1, "proj_size": 512},
        macs=9_400_000,
        rounded_to=100_000,
    ),
    Published(
        source="2xLSTM-8192-1024, Shazeer et al. 2017, arXiv:1701.06538 table 7",
        settings={
            "seq_len": 1,
            "input_size": 1024,
            "hidden_size": 8192,
            "num_layers": 2,
            "proj_size": 1024,
        },
        macs=151_000_000,
        rounded_to=100_000,
    ),
)

WIDTH: Final = ("hidden_size", "input_size")

REACH: Final = "state"


class LstmStack(nn.Module):
    """x[seq_len, batch, input_size] -> y[seq_len, batch, directions * (proj_size or hidden_size)]."""

    def __init__(
        self, *, input_size: int, hidden_size: int, num_layers: int, bidirectional: bool, proj_size: int
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            input_size, hidden_size, num_layers, bidirectional=bidirectional, proj_size=proj_size
        )

    def forward(self, x: Tensor) -> Tensor:
        """The outputs of the last layer at every step, from a state of zeros."""
        y: Tensor
        y, _ = self.lstm(x)
        return y


def build(
    *,
    seq_len: int = 1000,
    batch: int = 1,
    input_size: int = 512,
    hidden_size: int = 512,
    num_layers: int = 2,
    bidirectional: bool = False,
    proj_size: int = 0,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The stack on the meta device, and x[seq_len, batch, input_size].

    Args:
        seq_len: Time steps.
        batch: Sequences side by side.
        input_size: Features of a step of the input.
        hidden_size: Width of the cell, and of the state where there is no projection.
        num_layers: Layers on top of each other.
        bidirectional: Whether a second stack runs backwards beside the first.
        proj_size: Width to which the state is projected, smaller than hidden_size; 0 for none.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, input_size=input_size, hidden_size=hidden_size)
    at_least(1, num_layers=num_layers)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    at_least(0, proj_size=proj_size)
    if proj_size >= hidden_size:
        raise ModelError(
            f"proj_size is {proj_size}", mend=f"it must be below hidden_size, which is {hidden_size}"
        )
    with torch.device("meta"):
        model = LstmStack(
            input_size=input_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            proj_size=proj_size,
        )
        return model.eval(), (torch.empty(seq_len, batch, input_size),)
