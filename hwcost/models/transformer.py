"""The encoder of the Transformer: layers of self-attention and a feed-forward network, normalised after.

It is the stack alone, features in and features out: no embedding and no positional encoding. Products,
biases and order are those of torch.nn.TransformerEncoder (the paper's projections of attention have no bias).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.errors import ModelError
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


class SelfAttention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V over `heads` heads of width d = d_model / heads."""

    def __init__(self, *, d_model: int, heads: int, dropout: float, causal: bool) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.causal = causal
        self.in_projection = nn.Linear(d_model, 3 * d_model)
        self.out_projection = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, seq_len, d_model] -> y of the same shape."""
        queries, keys, values = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.in_projection(x).chunk(3, -1)
        )
        y = functional.scaled_dot_product_attention(
            queries, keys, values, dropout_p=self.dropout if self.training else 0.0, is_causal=self.causal
        )
        projected: Tensor = self.out_projection(y.transpose(1, 2).flatten(2))
        return projected


class EncoderLayer(nn.Module):
    """y = norm(x + attention(x)); z = norm(y + linear2(relu(linear1(y))))."""

    def __init__(self, *, d_model: int, heads: int, d_ff: int, dropout: float, causal: bool) -> None:
        super().__init__()
        self.attention = SelfAttention(d_model=d_model, heads=heads, dropout=dropout, causal=causal)
        self.norm1 = nn.LayerNorm(d_model)
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, seq_len, d_model] -> z of the same shape."""
        y = self.norm1(x + self.dropout(self.attention(x)))
        inner = self.dropout(torch.relu(self.linear1(y)))
        z: Tensor = self.norm2(y + self.dropout(self.linear2(inner)))
        return z


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
    if d_model % heads:
        raise ModelError(f"heads is {heads}", mend=f"it must divide d_model, which is {d_model}")
    with torch.device("meta"):
        layers = (
            EncoderLayer(d_model=d_model, heads=heads, d_ff=d_ff, dropout=dropout, causal=causal)
            for _ in range(num_layers)
        )
        return nn.Sequential(*layers).eval(), (torch.empty(batch, seq_len, d_model),)
