"""GPT-1: a causal language model of Transformer layers, with the vocabulary that it reads and predicts.

Each layer is masked self-attention and a feed-forward network with GELU in its tanh form, each added to its
input and normalised after. The output layer shares its weights with the embedding.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.errors import ModelError
from hwcost.models.blocks.attention import EncoderLayer, SelfAttention, divided_by_heads
from hwcost.models.card import Published
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most, is_share

CITATION: Final = "Radford et al. 2018, GPT-1; a decoder alone, as Liu et al. 2018, arXiv:1801.10198"

PARAMETERS: Final = 116_534_784

PUBLISHED: Final = (
    Published(
        source="117 M, size of the original GPT, Radford et al. 2019 (GPT-2) table 2",
        settings={},
        parameters=117_000_000,
        rounded_to=1_000_000,
    ),
    Published(
        source="openai-gpt as transformers builds it, OpenAIGPTConfig at its defaults",
        settings={},
        parameters=116_534_784,
    ),
)

WIDTH: Final = ("d_model", "d_ff")

WIDTH_MULTIPLE_OF: Final = "heads"

REACH: Final = "attention"

REACH_BY: Final = "context"


class Gpt1(nn.Module):
    """ids[batch, seq_len] -> scores[batch, seq_len, vocabulary] of the token after each."""

    def __init__(
        self,
        *,
        d_model: int,
        num_layers: int,
        heads: int,
        d_ff: int,
        vocabulary: int,
        context: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, d_model)
        self.positions = nn.Embedding(context, d_model)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.Sequential(
            *(
                EncoderLayer(
                    SelfAttention(d_model=d_model, heads=heads, dropout=dropout, causal=True),
                    d_model=d_model,
                    d_ff=d_ff,
                    dropout=dropout,
                    activation=partial(functional.gelu, approximate="tanh"),
                )
                for _ in range(num_layers)
            )
        )

    def forward(self, ids: Tensor) -> Tensor:
        """Scores of every position in one pass, as in training or in reading a prompt."""
        x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
        y = self.layers(self.dropout(x))
        return functional.linear(y, self.tokens.weight)


def build(
    *,
    seq_len: int = 512,
    batch: int = 1,
    d_model: int = 768,
    num_layers: int = 12,
    heads: int = 12,
    d_ff: int = 3072,
    vocabulary: int = 40_478,
    context: int = 512,
    dropout: float = 0.1,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The model on the meta device, and ids[batch, seq_len].

    Args:
        seq_len: Tokens; no more than context.
        batch: Sequences side by side.
        d_model: Features of a token.
        num_layers: Layers on top of each other.
        heads: Heads of attention; they divide d_model.
        d_ff: Inner width of the feed-forward network.
        vocabulary: Tokens that it knows: 40,000 merges and 478 characters and marks.
        context: Positions that have an embedding.
        dropout: Share of activations dropped in training; the model comes in eval mode.

    Raises:
        ModelError: A size is out of range, heads do not divide d_model, or seq_len exceeds context.
    """
    at_least(1, seq_len=seq_len, batch=batch, d_model=d_model, num_layers=num_layers, heads=heads, d_ff=d_ff)
    at_least(1, vocabulary=vocabulary, context=context)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    is_share(dropout=dropout)
    divided_by_heads(d_model=d_model, heads=heads)
    if seq_len > context:
        raise ModelError(
            f"seq_len is {seq_len}", mend=f"it must be at most context, which is {context}, or raise context"
        )
    with torch.device("meta"):
        model = Gpt1(
            d_model=d_model,
            num_layers=num_layers,
            heads=heads,
            d_ff=d_ff,
            vocabulary=vocabulary,
            context=context,
            dropout=dropout,
        )
        return model.eval(), (torch.empty(batch, seq_len, dtype=torch.int64),)
