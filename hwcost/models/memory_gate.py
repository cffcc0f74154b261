"""Attention over a memory that keeps a vector only when it differs from those that it already holds.

It is a transformer encoder with causal attention, sized as `transformer_encoder`, whose layers attend to a
share of the positions. Of T vectors of width d, a share s is kept; a layer then costs, in
multiply-accumulates,

    gate        T * s*T * d               each vector against those kept
    attention   2 * T * s*T * d           scores and weighted sum over those kept
    products    (2 + 2*s) * T * d^2       queries and output of all, keys and values of those kept
    feed-forward  2 * T * d * d_ff

where full attention has 2*T*T*d and 4*T*d^2: the gate pays where s is below 2/3, however long T is. As
everywhere, products that causality would mask count in full. Which vectors are kept depends on the
data and is not known: kept ones are taken as evenly spread, the first one among them.
"""

from __future__ import annotations

from math import ceil
from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.errors import ModelError
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most, is_share

CITATION: Final = (
    "the idea: Culurciello 2018, The fall of RNN / LSTM; the layer: Vaswani et al. 2017, arXiv:1706.03762"
)

PARAMETERS: Final = 18_914_304

PUBLISHED: Final = None

WIDTH: Final = ("d_model", "d_ff")

WIDTH_MULTIPLE_OF: Final = "heads"

REACH: Final = "attention"


Kept = tuple[Tensor, Tensor, Tensor, Tensor]
"""Of the kept positions: vectors of length 1, keys, values, and whether each differed when it came."""


class GatedMemory(nn.Module):
    """softmax(Q K^T / sqrt(d)) V with keys and values of the kept positions alone."""

    def __init__(self, *, d_model: int, heads: int, kept: float, threshold: float) -> None:
        super().__init__()
        self.heads = heads
        self.kept = kept
        self.threshold = threshold
        self.query = nn.Linear(d_model, d_model)
        self.key_value = nn.Linear(d_model, 2 * d_model)
        self.out_projection = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, seq_len, d_model] -> y of the same shape."""
        times = torch.arange(x.shape[1], device=x.device)
        slots = torch.arange(ceil(self.kept * x.shape[1]), device=x.device)
        slots = slots * x.shape[1] // slots.shape[0]
        stored = x.index_select(1, slots)
        is_new = self.differs(x, stored, times.unsqueeze(1) > slots).index_select(1, slots)
        mask = (times.unsqueeze(1) >= slots) & is_new.unsqueeze(1)
        queries = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        keys, values = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.key_value(stored).chunk(2, -1)
        )
        y = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask.unsqueeze(1))
        projected: Tensor = self.out_projection(y.transpose(1, 2).flatten(2))
        return projected

    def differs(self, x: Tensor, stored: Tensor, is_earlier: Tensor) -> Tensor:
        """Whether the cosine of x[b, t] to each vector stored earlier is below the threshold."""
        cosines = functional.normalize(x, dim=-1) @ functional.normalize(stored, dim=-1).transpose(1, 2)
        return self.is_below(cosines, is_earlier)

    def is_below(self, cosines: Tensor, is_earlier: Tensor) -> Tensor:
        """Whether all cosines to earlier vectors are below the threshold."""
        return cosines.masked_fill(~is_earlier, -1.0).amax(-1) < self.threshold

    def slots(self, steps: int) -> list[int]:
        """The positions among the first `steps` that the memory keeps."""
        return [int(slot / self.kept) for slot in range(ceil(self.kept * steps))]

    def initial_state(self, *, batch: int, past: int) -> Kept:
        """The memory after `past` steps."""
        d_model, kept = self.query.weight.shape[0], len(self.slots(past))
        vectors = self.query.weight.new_zeros(batch, kept, d_model)
        heads = vectors.new_zeros(batch, self.heads, kept, d_model // self.heads)
        return vectors, heads, heads.clone(), vectors.new_zeros(batch, kept, dtype=torch.bool)

    def step(self, x: Tensor, state: Kept, past: int) -> tuple[Tensor, Kept]:
        """The next positions x[batch, n, d_model] after `past` ones, and the memory after them.

        Keys and values of every vector are computed, those that are kept are stored.
        """
        slots = self.slots(past + x.shape[1])
        new = torch.tensor([slot - past for slot in slots if slot >= past], dtype=torch.int64)
        times = past + torch.arange(x.shape[1]).unsqueeze(1)
        unit = functional.normalize(x, dim=-1)
        vectors = torch.cat((state[0], unit.index_select(1, new)), 1)
        differs = self.is_below(unit @ vectors.transpose(1, 2), times > torch.tensor(slots))
        keys, values = (
            torch.cat((before, part.unflatten(-1, (self.heads, -1)).transpose(1, 2).index_select(2, new)), 2)
            for before, part in zip(state[1:3], self.key_value(x).chunk(2, -1), strict=True)
        )
        is_new = torch.cat((state[3], differs.index_select(1, new)), 1)
        mask = (times >= torch.tensor(slots)) & is_new.unsqueeze(1)
        queries = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        y = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask.unsqueeze(1))
        projected: Tensor = self.out_projection(y.transpose(1, 2).flatten(2))
        return projected, (vectors, keys, values, is_new)


class MemoryLayer(nn.Module):
    """y = norm(x + memory(x)); z = norm(y + linear2(relu(linear1(y))))."""

    def __init__(self, *, d_model: int, heads: int, d_ff: int, kept: float, threshold: float) -> None:
        super().__init__()
        self.memory = GatedMemory(d_model=d_model, heads=heads, kept=kept, threshold=threshold)
        self.norm1 = nn.LayerNorm(d_model)
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.norm2 = nn.LayerNorm(d_model)

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, seq_len, d_model] -> z of the same shape."""
        return self.after(x, self.memory(x))

    def after(self, x: Tensor, found: Tensor) -> Tensor:
        """Z from x and what the memory gave."""
        y = self.norm1(x + found)
        z: Tensor = self.norm2(y + self.linear2(torch.relu(self.linear1(y))))
        return z


class MemoryStack(nn.Sequential):
    """Layers on top of each other; a stream keeps the memory of each."""

    def initial_state(self, *, batch: int, past: int) -> tuple[int, list[Kept]]:
        """The number of steps so far, and the memory of each layer."""
        return past, [layer.memory.initial_state(batch=batch, past=past) for layer in self.layers()]

    def step(self, x: Tensor, state: tuple[int, list[Kept]]) -> tuple[Tensor, tuple[int, list[Kept]]]:
        """The next positions x[batch, n, d_model] -> y of the same shape, and the state after them."""
        past, memories = state
        steps, after = x.shape[1], []
        for layer, before in zip(self.layers(), memories, strict=True):
            found, kept = layer.memory.step(x, before, past)
            x = layer.after(x, found)
            after.append(kept)
        return x, (past + steps, after)

    def layers(self) -> list[MemoryLayer]:
        """The layers, by their type."""
        return cast("list[MemoryLayer]", list(self))


def build(
    *,
    seq_len: int = 1000,
    batch: int = 1,
    d_model: int = 512,
    num_layers: int = 6,
    heads: int = 8,
    d_ff: int = 2048,
    kept: float = 0.25,
    threshold: float = 0.9,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The layers on the meta device, and x[batch, seq_len, d_model].

    Args:
        seq_len: Positions.
        batch: Sequences side by side.
        d_model: Features of a position.
        num_layers: Layers on top of each other, each with its memory.
        heads: Heads of attention; they divide d_model.
        d_ff: Inner width of the feed-forward network.
        kept: Share of the positions that the memory keeps, above 0; at least one is kept.
        threshold: Cosine from which two vectors count as the same; it changes no cost.

    Raises:
        ModelError: A size is out of range, or heads do not divide d_model.
    """
    at_least(1, seq_len=seq_len, batch=batch, d_model=d_model, num_layers=num_layers, heads=heads, d_ff=d_ff)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    is_share(kept=kept, threshold=threshold)
    if not kept:
        raise ModelError("kept is 0", mend="a memory that keeps nothing cannot be attended to")
    if d_model % heads:
        raise ModelError(f"heads is {heads}", mend=f"it must divide d_model, which is {d_model}")
    with torch.device("meta"):
        layers = (
            MemoryLayer(d_model=d_model, heads=heads, d_ff=d_ff, kept=kept, threshold=threshold)
            for _ in range(num_layers)
        )
        return MemoryStack(*layers).eval(), (torch.empty(batch, seq_len, d_model),)
