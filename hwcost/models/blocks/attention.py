"""Attention between vectors of width d_model, in heads, and the layer that is built around it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.errors import ModelError


def divided_by_heads(*, d_model: int, heads: int) -> None:
    """Raise ModelError if heads do not divide d_model."""
    if d_model % heads:
        raise ModelError(f"heads is {heads}", mend=f"it must divide d_model, which is {d_model}")


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
        queries, keys, values = (in_heads(part, self.heads) for part in self.in_projection(x).chunk(3, -1))
        y = functional.scaled_dot_product_attention(
            queries, keys, values, dropout_p=self.dropout if self.training else 0.0, is_causal=self.causal
        )
        projected: Tensor = self.out_projection(y.transpose(1, 2).flatten(2))
        return projected


class CrossAttention(nn.Module):
    """As SelfAttention, but keys and values come from a memory, which is projected by weights of its own."""

    def __init__(self, *, d_model: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query_projection = nn.Linear(d_model, d_model)
        self.memory_projection = nn.Linear(d_model, 2 * d_model)
        self.out_projection = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """x[batch, n, d_model], memory[batch, m, d_model] -> y[batch, n, d_model]."""
        queries = in_heads(self.query_projection(x), self.heads)
        keys, values = (in_heads(part, self.heads) for part in self.memory_projection(memory).chunk(2, -1))
        y = functional.scaled_dot_product_attention(
            queries, keys, values, dropout_p=self.dropout if self.training else 0.0
        )
        projected: Tensor = self.out_projection(y.transpose(1, 2).flatten(2))
        return projected


class EncoderLayer(nn.Module):
    """y = norm1(x + attention(x)); z = norm2(y + linear2(f(linear1(y)))), f a ReLU unless told otherwise."""

    def __init__(
        self,
        attention: nn.Module,
        *,
        d_model: int,
        d_ff: int,
        dropout: float,
        activation: Callable[[Tensor], Tensor] = torch.relu,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.norm1 = nn.LayerNorm(d_model)
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, seq_len, d_model] -> z of the same shape."""
        return self.after(x, self.attention(x))

    def after(self, x: Tensor, attended: Tensor) -> Tensor:
        """Z from x and what attention made of it."""
        y = self.norm1(x + self.dropout(attended))
        inner = self.dropout(self.activation(self.linear1(y)))
        z: Tensor = self.norm2(y + self.dropout(self.linear2(inner)))
        return z


def in_heads(x: Tensor, heads: int) -> Tensor:
    """x[batch, n, heads * d] -> a view [batch, heads, n, d]."""
    return x.view(*x.shape[:-1], heads, x.shape[-1] // heads).transpose(1, 2)
