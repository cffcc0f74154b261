"""The AWD-LSTM language model: three LSTM layers between an embedding and the same matrix as output.

It is the network that ULMFiT starts from. Its dropouts (on words, on activations, on recurrent
weights) act in training alone and are not built: they change neither sizes nor the cost of inference.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.models.card import Published
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "Merity, Keskar and Socher 2017, arXiv:1708.02182, Penn Treebank"

PARAMETERS: Final = 24_221_600

PUBLISHED: Final = (
    Published(
        source="AWD-LSTM on Penn Treebank, Merity et al. 2017, arXiv:1708.02182 table 1",
        settings={"seq_len": 1},
        parameters=24_000_000,
        rounded_to=1_000_000,
    ),
)

WIDTH: Final = ("hidden_size", "embedding_size")

REACH: Final = "state"


class AwdLstm(nn.Module):
    """ids[seq_len, batch] -> scores[seq_len, batch, vocab_size]."""

    def __init__(self, *, vocab_size: int, embedding_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.layers = nn.ModuleList(
            nn.LSTM(
                hidden_size if layer else embedding_size,
                hidden_size if layer < num_layers - 1 else embedding_size,
            )
            for layer in range(num_layers)
        )
        self.output_bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, ids: Tensor) -> Tensor:
        """One score per word at every step; the output matrix is the embedding."""
        x = self.embedding(ids)
        for layer in self.layers:
            x, _ = layer(x)
        return functional.linear(x, self.embedding.weight, self.output_bias)


def build(
    *,
    seq_len: int = 70,
    batch: int = 1,
    vocab_size: int = 10_000,
    embedding_size: int = 400,
    hidden_size: int = 1150,
    num_layers: int = 3,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The language model on the meta device, and ids[seq_len, batch].

    Args:
        seq_len: Words; the trace is of one size whatever their number.
        batch: Sequences side by side.
        vocab_size: Words that it knows: 10,000 for Penn Treebank, 33,278 for WikiText-2.
        embedding_size: Features of a word, and width of the last layer.
        hidden_size: Width of every layer but the last.
        num_layers: Layers on top of each other.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, vocab_size=vocab_size, embedding_size=embedding_size)
    at_least(1, hidden_size=hidden_size, num_layers=num_layers)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    with torch.device("meta"):
        model = AwdLstm(
            vocab_size=vocab_size,
            embedding_size=embedding_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
        )
        return model.eval(), (torch.empty(seq_len, batch, dtype=torch.int64),)
