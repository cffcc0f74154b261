"""Google's translation system: an encoder and a decoder of eight LSTM layers each, joined by attention.

Word ids in, one score per word out, decoded with the target given (teacher forcing). The first encoder
layer runs in both directions; from the third layer on the input of a layer is added to its output.
Attention is asked by the lowest decoder layer and read by all of them one step later, so that only that
layer and the attention are a Python loop over a cell; the seven above it see whole sequences. Every step
attends to the whole source: this part grows with the product of both lengths.

Each gate has torch's two biases; the initial attention context is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from hwcost.models.card import Published
from hwcost.models.seq2seq_attention import AdditiveAttention
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "Wu et al. 2016, arXiv:1609.08144, 8 + 8 layers of 1024"

PARAMETERS: Final = 280_928_512

PUBLISHED: Final = (
    Published(
        source="GNMT (8+8x1024), Shazeer et al. 2017, arXiv:1701.06538 tables 2 and 3",
        # Its figures differ by two of the three vocabulary matrices, 278 M - 214 M = 2 * 1024 * V; with
        # the rounding V is 30,762 to 31,738, and 31,000 is the round number in it ("32K" in Wu et al.).
        settings={"seq_len": 1, "vocab_size": 31_000},
        parameters=278_000_000,
        macs=214_000_000,
        rounded_to=1_000_000,
    ),
)

WIDTH: Final = "hidden_size"

REACH: Final = "state"

RESIDUAL_FROM: Final = 2
"""Layers counted from 0: those before it are not added to their input (Wu et al. 2016, section 3.1)."""


def stacked(layers: Sequence[nn.Module], x: Tensor, context: Tensor | None, *, first: int) -> Tensor:
    """Layer number `first` and those above it: y = LSTM([x, context]), plus x where residual."""
    for number, layer in enumerate(layers, start=first):
        y, _ = layer(x if context is None else torch.cat((x, context), -1))
        x = x + y if number >= RESIDUAL_FROM else y
    return x


class Encoder(nn.Module):
    """ids[seq_len, batch] -> [seq_len, batch, hidden_size]."""

    def __init__(self, *, vocab_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, hidden_size)
        self.both_ways = nn.LSTM(hidden_size, hidden_size, bidirectional=True)
        self.layers = nn.ModuleList(
            nn.LSTM(hidden_size if layer else 2 * hidden_size, hidden_size) for layer in range(num_layers - 1)
        )

    def forward(self, ids: Tensor) -> Tensor:
        """The output of the highest layer."""
        x, _ = self.both_ways(self.embedding(ids))
        return stacked(list(self.layers), x, None, first=1)


class Decoder(nn.Module):
    """Target ids[seq_len, batch] and memory[batch, n, hidden_size] -> [seq_len, batch, hidden_size]."""

    def __init__(self, *, vocab_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, hidden_size)
        self.cell = nn.LSTMCell(2 * hidden_size, hidden_size)
        self.attention = AdditiveAttention(
            state_size=hidden_size, memory_size=hidden_size, attention_size=hidden_size
        )
        self.layers = nn.ModuleList(nn.LSTM(2 * hidden_size, hidden_size) for _ in range(num_layers - 1))

    def forward(self, ids: Tensor, memory: Tensor) -> Tensor:
        """Each step takes the word before it, given as ids."""
        words = self.embedding(ids)
        keys = self.attention.key(memory)
        state = cell_state = context = torch.zeros_like(words[0])
        states, contexts = [], []
        for word in words:
            contexts.append(context)
            state, cell_state = self.cell(torch.cat((word, context), -1), (state, cell_state))
            states.append(state)
            context = self.attention(state, keys, memory)
        return stacked(list(self.layers), torch.stack(states), torch.stack(contexts), first=1)


class Gnmt(nn.Module):
    """source[source_len, batch], target[seq_len, batch] -> scores[seq_len, batch, vocab_size]."""

    def __init__(self, *, vocab_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.encoder = Encoder(vocab_size=vocab_size, hidden_size=hidden_size, num_layers=num_layers)
        self.decoder = Decoder(vocab_size=vocab_size, hidden_size=hidden_size, num_layers=num_layers)
        self.output = nn.Linear(hidden_size, vocab_size)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """One score per word of the target language at every step."""
        memory = self.encoder(source).transpose(0, 1)
        scores: Tensor = self.output(self.decoder(target, memory))
        return scores


def build(
    *,
    seq_len: int = 50,
    batch: int = 1,
    source_len: int = 0,
    vocab_size: int = 32_000,
    hidden_size: int = 1024,
    num_layers: int = 8,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The model on the meta device, and the ids source[source_len, batch], target[seq_len, batch].

    Args:
        seq_len: Word pieces of the target.
        batch: Sentences side by side.
        source_len: Word pieces of the source; 0: as many as the target has.
        vocab_size: Word pieces of either language.
        hidden_size: Width of every layer, of an embedding, and of the attention's hidden layer.
        num_layers: Layers of the encoder, and of the decoder.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, vocab_size=vocab_size, hidden_size=hidden_size)
    at_least(0, source_len=source_len)
    at_least(1, num_layers=num_layers)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    with torch.device("meta"):
        model = Gnmt(vocab_size=vocab_size, hidden_size=hidden_size, num_layers=num_layers)
        ids = (torch.empty(n, batch, dtype=torch.int64) for n in (source_len or seq_len, seq_len))
        return model.eval(), tuple(ids)
