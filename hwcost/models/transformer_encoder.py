"""The encoder of the Transformer: layers of self-attention and a feed-forward network, normalised after.

It is the stack alone, features in and features out: no embedding and no positional encoding. Products,
biases and order are those of torch.nn.TransformerEncoder (the paper's projections of attention have no bias).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from hwcost.models.blocks.attention import EncoderLayer, SelfAttention, divided_by_heads
from hwcost.models.card import Published
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most, is_share

CITATION: Final = "Vaswani et al. 2017, arXiv:1706.03762, base model"

PARAMETERS: Final = 18_914_304

PUBLISHED: Final = (
    Published(
        source="80 M - 36 M, rows C with N = 8 and N = 2, Vaswani et al. 2017, arXiv:1706.03762 table 3",
        settings={"num_layers": 6},
        parameters=44_000_000,
        rounded_to=1_000_000,
        beside=25_224_192,
        beside_what="6 decoder layers, 6 * (2 * 1050624 + 2099712 + 3 * 1024)",
    ),
)

WIDTH: Final = ("d_model", "d_ff")

WIDTH_MULTIPLE_OF: Final = "heads"

REACH: Final = "attention"


def build(
    *,
    seq_len: int = 1000,
    batch: int = 1,
    d_model: int = 512,
    num_layers: int = 6,
    heads: int = 8,
    d_ff: int = 2048,
    dropout: float = 0.1,
    causal: bool = False,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The layers on the meta device, and x[batch, seq_len, d_model].

    Args:
        seq_len: Positions.
        batch: Sequences side by side.
        d_model: Features of a position.
        num_layers: Layers on top of each other.
        heads: Heads of attention; they divide d_model.
        d_ff: Inner width of the feed-forward network.
        dropout: Share of activations dropped in training; the model comes in eval mode.
        causal: Whether a position sees only itself and those before it.

    Raises:
        ModelError: A size is out of range, or heads do not divide d_model.
    """
    at_least(1, seq_len=seq_len, batch=batch, d_model=d_model, num_layers=num_layers, heads=heads, d_ff=d_ff)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    is_share(dropout=dropout)
    divided_by_heads(d_model=d_model, heads=heads)
    with torch.device("meta"):
        layers = (
            EncoderLayer(
                SelfAttention(d_model=d_model, heads=heads, dropout=dropout, causal=causal),
                d_model=d_model,
                d_ff=d_ff,
                dropout=dropout,
            )
            for _ in range(num_layers)
        )
        return nn.Sequential(*layers).eval(), (torch.empty(batch, seq_len, d_model),)
