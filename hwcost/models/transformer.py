"""The whole Transformer: an encoder and a decoder of attention, which translate a sequence.

The target is given (as in training), so that all its positions are computed in one pass. One matrix of
`vocabulary` rows embeds source and target and makes the scores. Defaults are those of the base model;
`d_model=1024 heads=16 d_ff=4096 dropout=0.3` is the big one. Projections have biases, as in torch.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.models.blocks.attention import CrossAttention, EncoderLayer, SelfAttention, divided_by_heads
from hwcost.models.card import Published
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most, is_share

CITATION: Final = "Vaswani et al. 2017, arXiv:1706.03762, base model with its decoder"

PARAMETERS: Final = 63_082_496

_TABLE: Final = "Vaswani et al. 2017, arXiv:1706.03762 table 3, with the 41,000 tokens that its rows imply"

PUBLISHED: Final = (
    Published(
        source=f"base, {_TABLE}",
        settings={"vocabulary": 41_000},
        parameters=65_000_000,
        rounded_to=1_000_000,
    ),
    Published(
        source="big, Vaswani et al. 2017, arXiv:1706.03762 table 3, with the 36,000 tokens that it implies",
        settings={"vocabulary": 36_000, "d_model": 1024, "heads": 16, "d_ff": 4096},
        parameters=213_000_000,
        rounded_to=1_000_000,
    ),
    Published(
        source=f"row C, N = 2, {_TABLE}",
        settings={"vocabulary": 41_000, "num_layers": 2},
        parameters=36_000_000,
        rounded_to=1_000_000,
    ),
    Published(
        source=f"row C, N = 4, {_TABLE}",
        settings={"vocabulary": 41_000, "num_layers": 4},
        parameters=50_000_000,
        rounded_to=1_000_000,
    ),
    Published(
        source=f"row C, N = 8, {_TABLE}",
        settings={"vocabulary": 41_000, "num_layers": 8},
        parameters=80_000_000,
        rounded_to=1_000_000,
    ),
    Published(
        source=f"row C, d_model = 256, {_TABLE}",
        settings={"vocabulary": 41_000, "d_model": 256},
        parameters=28_000_000,
        rounded_to=1_000_000,
    ),
    Published(
        source=f"row C, d_model = 1024, {_TABLE}",
        settings={"vocabulary": 41_000, "d_model": 1024},
        parameters=168_000_000,
        rounded_to=1_000_000,
    ),
    Published(
        source=f"row C, d_ff = 1024, {_TABLE}",
        settings={"vocabulary": 41_000, "d_ff": 1024},
        parameters=53_000_000,
        rounded_to=1_000_000,
    ),
    Published(
        source=f"row C, d_ff = 4096, {_TABLE}",
        settings={"vocabulary": 41_000, "d_ff": 4096},
        parameters=90_000_000,
        rounded_to=1_000_000,
    ),
)

WIDTH: Final = ("d_model", "d_ff")

WIDTH_MULTIPLE_OF: Final = "heads"

REACH: Final = "attention"


class DecoderLayer(nn.Module):
    """As EncoderLayer, but masked, and with attention over the encoder's output in the middle."""

    def __init__(self, *, d_model: int, heads: int, d_ff: int, dropout: float) -> None:
        super().__init__()
        self.attention = SelfAttention(d_model=d_model, heads=heads, dropout=dropout, causal=True)
        self.norm1 = nn.LayerNorm(d_model)
        self.cross_attention = CrossAttention(d_model=d_model, heads=heads, dropout=dropout)
        self.norm2 = nn.LayerNorm(d_model)
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.norm3 = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """x[batch, n, d_model], memory[batch, m, d_model] -> z[batch, n, d_model]."""
        x = self.norm1(x + self.dropout(self.attention(x)))
        y = self.norm2(x + self.dropout(self.cross_attention(x, memory)))
        inner = self.dropout(torch.relu(self.linear1(y)))
        z: Tensor = self.norm3(y + self.dropout(self.linear2(inner)))
        return z


class Transformer(nn.Module):
    """source[batch, m], target[batch, n] -> scores[batch, n, vocabulary] of the token after each."""

    positions: Tensor

    def __init__(
        self,
        *,
        positions: int,
        d_model: int,
        num_layers: int,
        heads: int,
        d_ff: int,
        vocabulary: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, d_model)
        # Sines and cosines that depend on the position alone: made once, not in every pass.
        self.register_buffer("positions", torch.empty(positions, d_model), persistent=False)
        self.dropout = nn.Dropout(dropout)
        layers = range(num_layers)
        self.encoder = nn.Sequential(
            *(
                EncoderLayer(
                    SelfAttention(d_model=d_model, heads=heads, dropout=dropout, causal=False),
                    d_model=d_model,
                    d_ff=d_ff,
                    dropout=dropout,
                )
                for _ in layers
            )
        )
        self.decoder = nn.ModuleList(
            DecoderLayer(d_model=d_model, heads=heads, d_ff=d_ff, dropout=dropout) for _ in layers
        )

    def embedded(self, ids: Tensor) -> Tensor:
        """ids[batch, n] -> x[batch, n, d_model]: tokens times sqrt(d_model), plus positions."""
        scale = math.sqrt(self.tokens.embedding_dim)
        x: Tensor = self.dropout(self.tokens(ids) * scale + self.positions[: ids.shape[1]])
        return x

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Scores of all target positions in one pass, each from those before it and the whole source."""
        memory = self.encoder(self.embedded(source))
        y = self.embedded(target)
        for layer in self.decoder:
            y = layer(y, memory)
        return functional.linear(y, self.tokens.weight)


def build(
    *,
    seq_len: int = 50,
    batch: int = 1,
    source_len: int = 0,
    d_model: int = 512,
    num_layers: int = 6,
    heads: int = 8,
    d_ff: int = 2048,
    vocabulary: int = 37_000,
    dropout: float = 0.1,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The model on the meta device, and the ids source[batch, source_len], target[batch, seq_len].

    Args:
        seq_len: Tokens of the target.
        batch: Pairs of sequences side by side.
        source_len: Tokens of the source; 0: as many as the target has.
        d_model: Features of a token.
        num_layers: Layers of the encoder, and of the decoder.
        heads: Heads of attention; they divide d_model.
        d_ff: Inner width of the feed-forward networks.
        vocabulary: Tokens that it knows, shared by both languages.
        dropout: Share of activations dropped in training; the model comes in eval mode.

    Raises:
        ModelError: A size is out of range, or heads do not divide d_model.
    """
    at_least(1, seq_len=seq_len, batch=batch, d_model=d_model, num_layers=num_layers, heads=heads, d_ff=d_ff)
    at_least(1, vocabulary=vocabulary)
    at_least(0, source_len=source_len)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    is_share(dropout=dropout)
    divided_by_heads(d_model=d_model, heads=heads)
    with torch.device("meta"):
        model = Transformer(
            positions=max(seq_len, source_len),
            d_model=d_model,
            num_layers=num_layers,
            heads=heads,
            d_ff=d_ff,
            vocabulary=vocabulary,
            dropout=dropout,
        )
        ids = (torch.empty(batch, n, dtype=torch.int64) for n in (source_len or seq_len, seq_len))
        return model.eval(), tuple(ids)
