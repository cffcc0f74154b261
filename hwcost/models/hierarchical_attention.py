"""A hierarchical attention encoder: attention over a window of vectors, and levels above over such windows.

Level 1 attends over the 100 most recent vectors. Level 2 attends over 100 outputs of level 1, each 100
positions before the next, which is 100 modules that touch but do not overlap: 100 x 100 = 10,000 vectors in
two hops; each further level multiplies the reach by the window again. Of the ways to read the sentence
"layers above can look at 100 of these attention modules" this one is taken because every position then has
the whole reach at any time (summaries of fixed blocks would give a block's first position none of it), and
because it gives one vector per vector, like a dilated convolution and like the Transformer's encoder, of
which each level has one layer. Per position and level it costs at most 2 * window - 1 scores, so that its
cost grows linearly with seq_len: queries are taken in blocks of `window`, each against the 2 * window - 1
keys that it needs, and a mask leaves each query the `window` of its own.
"""

from __future__ import annotations

from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.errors import OrderError
from hwcost.models.blocks.attention import EncoderLayer, divided_by_heads, in_heads
from hwcost.models.settings import at_least, at_most, is_share

CITATION: Final = "Culurciello 2018, The fall of RNN / LSTM; layers as Vaswani et al. 2017, arXiv:1706.03762"

PARAMETERS: Final = 6_304_768

PUBLISHED: Final = None

WIDTH: Final = ("d_model", "d_ff")

WIDTH_MULTIPLE_OF: Final = "heads"

REACH: Final = "1 + (window - 1 if causal else window // 2) * (window**levels - 1) // (window - 1)"

REACH_BY: Final = ("levels", "window")

LEVELS_AT_MOST: Final = 32
"""What level l attends over lies window^l apart: even windows of 2 then reach beyond any sequence."""

WINDOW_AT_MOST: Final = 2**31
"""No sequence is as long; distances between positions stay within 64 bits."""


class WindowAttention(nn.Module):
    """Attention of position t over t - k * dilation, k = 0 .. window - 1, or as many around t."""

    def __init__(
        self, *, d_model: int, heads: int, window: int, dilation: int, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        self.dilation = dilation
        self.dropout = dropout
        self.before = window - 1 if causal else window // 2
        self.in_projection = nn.Linear(d_model, 3 * d_model)
        self.out_projection = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, seq_len, d_model] -> y of the same shape."""
        batch, seq_len, d_model = x.shape
        phases = min(self.dilation, seq_len)
        rows = -(-seq_len // phases)
        projected = functional.pad(self.in_projection(x), (0, 0, 0, rows * phases - seq_len))
        # Positions that are a dilation apart see each other only: each phase is a sequence of its own.
        in_phases = projected.view(batch, rows, phases, -1).transpose(1, 2).reshape(-1, rows, 3 * d_model)
        y = self.in_windows(*(in_heads(part, self.heads) for part in in_phases.chunk(3, -1)), rows=rows)
        y = y.reshape(batch, phases, rows, d_model).transpose(1, 2).reshape(batch, -1, d_model)
        result: Tensor = self.out_projection(y[:, :seq_len])
        return result

    def initial_state(self, *, batch: int, past: int) -> tuple[Tensor, Tensor]:
        """The keys and values that are kept after `past` steps, [batch, heads, kept, d].

        Raises:
            OrderError: it is not causal.
        """
        if self.before < self.window - 1:
            raise OrderError("its windows reach beyond their position", mend="--set causal=true")
        weight = self.out_projection.weight
        kept = min(past, self.before * self.dilation)
        shape = (batch, self.heads, kept, weight.shape[0] // self.heads)
        return weight.new_zeros(shape), weight.new_zeros(shape)

    def step(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The next positions x[batch, n, d_model] against the keys of their windows; and the state after."""
        queries, *new = (in_heads(part, self.heads) for part in self.in_projection(x).chunk(3, -1))
        keys, values = (torch.cat(pair, 2) for pair in zip(state, new, strict=True))
        found = []
        for row in range(x.shape[1]):
            newest = keys.shape[2] - x.shape[1] + row
            oldest = newest - min(newest // self.dilation, self.before) * self.dilation
            window = slice(oldest, newest + 1, self.dilation)
            query = queries[:, :, row : row + 1]
            found.append(
                functional.scaled_dot_product_attention(query, keys[:, :, window], values[:, :, window])
            )
        y: Tensor = self.out_projection(torch.cat(found, 2).transpose(1, 2).flatten(2))
        kept = self.before * self.dilation
        return y, (keys[:, :, -kept:], values[:, :, -kept:])

    def in_windows(self, queries: Tensor, keys: Tensor, values: Tensor, *, rows: int) -> Tensor:
        """Three of [n, heads, rows, d] -> [n, rows, heads * d], in blocks of at most `window` queries."""
        size = min(self.window, rows)
        blocks = -(-rows // size)
        before, span = (0, rows) if blocks == 1 else (self.before, size + self.window - 1)
        padding = (0, 0, before, (blocks - 1) * size + span - before - rows)
        keys, values = (
            functional.pad(part, padding).unfold(2, span, size).transpose(3, 4) for part in (keys, values)
        )
        queries = functional.pad(queries, (0, 0, 0, blocks * size - rows))
        y = functional.scaled_dot_product_attention(
            queries.view(*queries.shape[:2], blocks, size, queries.shape[3]),
            keys,
            values,
            attn_mask=self.mask(rows=rows, blocks=blocks, size=size, before=before, span=span, like=queries),
            dropout_p=self.dropout if self.training else 0.0,
        )
        return y.flatten(2, 3)[:, :, :rows].transpose(1, 2).flatten(2)

    def mask(self, *, rows: int, blocks: int, size: int, before: int, span: int, like: Tensor) -> Tensor:
        """[blocks, size, span]: whether a key lies in the window of a query, and in the sequence."""
        starts = size * torch.arange(blocks, device=like.device)[:, None, None]
        query = starts + torch.arange(size, device=like.device)[:, None]
        key = starts - before + torch.arange(span, device=like.device)
        distance = query - key
        is_near = (distance <= self.before) & (distance > self.before - self.window)
        return is_near & (key >= 0) & (key < rows)


class Levels(nn.Sequential):
    """The levels on top of each other; a stream keeps each level's keys and values as far as it reaches."""

    def initial_state(self, *, batch: int, past: int) -> list[tuple[Tensor, Tensor]]:
        """What each level keeps after `past` steps."""
        return [attention.initial_state(batch=batch, past=past) for _, attention in self.levels()]

    def step(
        self, x: Tensor, state: list[tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """The next positions x[batch, n, d_model] -> y of the same shape, and the state after them."""
        after = []
        for (layer, attention), before in zip(self.levels(), state, strict=True):
            attended, kept = attention.step(x, before)
            x = layer.after(x, attended)
            after.append(kept)
        return x, after

    def levels(self) -> list[tuple[EncoderLayer, WindowAttention]]:
        """Each level with its attention."""
        layers = cast("list[EncoderLayer]", list(self))
        return [(layer, cast("WindowAttention", layer.attention)) for layer in layers]


def build(
    *,
    seq_len: int = 1000,
    batch: int = 1,
    window: int = 100,
    levels: int = 2,
    d_model: int = 512,
    heads: int = 8,
    d_ff: int = 2048,
    dropout: float = 0.1,
    causal: bool = True,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The levels on the meta device, and x[batch, seq_len, d_model].

    Args:
        seq_len: Positions.
        batch: Sequences side by side.
        window: Vectors that one module of attention looks at, itself among them.
        levels: Levels on top of each other; they reach window^levels vectors.
        d_model: Features of a position.
        heads: Heads of attention; they divide d_model.
        d_ff: Inner width of the feed-forward network.
        dropout: Share of activations dropped in training; the model comes in eval mode.
        causal: Whether a window ends at its position, or has it in its middle.

    Raises:
        ModelError: A size is out of range, or heads do not divide d_model.
    """
    at_least(1, seq_len=seq_len, batch=batch, levels=levels, d_model=d_model, heads=heads, d_ff=d_ff)
    at_least(2, window=window)
    at_most(WINDOW_AT_MOST, window=window)
    at_most(LEVELS_AT_MOST, levels=levels)
    is_share(dropout=dropout)
    divided_by_heads(d_model=d_model, heads=heads)
    with torch.device("meta"):
        modules = (
            EncoderLayer(
                WindowAttention(
                    d_model=d_model,
                    heads=heads,
                    window=window,
                    dilation=window**level,
                    dropout=dropout,
                    causal=causal,
                ),
                d_model=d_model,
                d_ff=d_ff,
                dropout=dropout,
            )
            for level in range(levels)
        )
        return Levels(*modules).eval(), (torch.empty(batch, seq_len, d_model),)
