"""Convolutional sequence to sequence: translation by an encoder and a decoder of gated convolutions.

Every layer is a convolution with a gated linear unit and a residual; every layer of the decoder also
attends over the whole source, in one step. Sizes are those of the authors' code for WMT English-German
(9 layers of 512, 4 of 1024, 2 of 2048 features on each side); the paper's text has 10 of 512, 3 of 768 and 2
of 2048. It takes embedded words (their positions added), reads a whole target as in training, and gives
scores over the target vocabulary. Weight normalisation is folded into the weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.models.card import Published
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "Gehring et al. 2017, arXiv:1705.03122; sizes of fairseq's fconv_wmt_en_de"

PARAMETERS: Final = 148_318_876

PUBLISHED: Final = (
    Published(
        source="216 M, as Wu et al. 2019, arXiv:1901.10430, list Gehring et al. 2017 on WMT English-German",
        settings={},
        parameters=216_000_000,
        rounded_to=1_000_000,
        beside=67_561_728,
        beside_what="embeddings of 42,243 source and 43,676 target words and of 1026 positions each, of 768",
    ),
)

WIDTH: Final = ("hidden_size", "middle_size", "last_size", "d_output", "d_embedding")

REACH: Final = "source"

HALF: Final = math.sqrt(0.5)
"""Keeps the variance of a sum of two equal ones (Gehring et al. 2017, section 3.5)."""


class GatedConvolution(nn.Module):
    """y = (c + shortcut(x)) sqrt(0.5), c = a sigmoid(b), (a, b) a convolution of x."""

    def __init__(self, *, inputs: int, outputs: int, kernel_size: int, causal: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(inputs, 2 * outputs, kernel_size)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Linear(inputs, outputs)
        before = kernel_size - 1 if causal else (kernel_size - 1) // 2
        self.padding = (before, kernel_size - 1 - before)

    def gated(self, x: Tensor) -> Tensor:
        """c[batch, length, outputs] of x[batch, length, inputs]."""
        padded = functional.pad(x.transpose(1, 2), self.padding)
        return functional.glu(self.convolution(padded).transpose(1, 2), -1)

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, length, inputs] -> y[batch, length, outputs]."""
        y: Tensor = (self.gated(x) + self.shortcut(x)) * HALF
        return y


class AttendingConvolution(nn.Module):
    """As GatedConvolution; before the residual, c is led through attention over the source."""

    def __init__(self, *, inputs: int, outputs: int, kernel_size: int, d_embedding: int) -> None:
        super().__init__()
        self.layer = GatedConvolution(inputs=inputs, outputs=outputs, kernel_size=kernel_size, causal=True)
        self.query = nn.Linear(outputs, d_embedding)
        self.context = nn.Linear(d_embedding, outputs)

    def forward(self, x: Tensor, target: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """x[batch, n, inputs], target[batch, n, e], keys and values[batch, m, e] -> y[batch, n, outputs]."""
        c = self.layer.gated(x)
        queries = (self.query(c) + target) * HALF
        weights = torch.softmax(torch.bmm(queries, keys.transpose(1, 2)), -1)
        # m sqrt(1 / m) undoes what averaging over m vectors does to the variance.
        found = torch.bmm(weights, values) * math.sqrt(keys.shape[1])
        c = (self.context(found) + c) * HALF
        y: Tensor = (c + self.layer.shortcut(x)) * HALF
        return y


class ConvS2S(nn.Module):
    """source[batch, m, e], target[batch, n, e] -> scores[batch, n, vocabulary], e = d_embedding.

    sizes: outputs and kernel size of each layer, alike in encoder and decoder.
    """

    def __init__(
        self, sizes: tuple[tuple[int, int], ...], *, d_embedding: int, d_output: int, vocabulary: int
    ) -> None:
        super().__init__()
        first, last = sizes[0][0], sizes[-1][0]
        self.encoder_in = nn.Linear(d_embedding, first)
        self.encoder = nn.Sequential(
            *(
                GatedConvolution(inputs=inputs, outputs=outputs, kernel_size=kernel_size, causal=False)
                for inputs, outputs, kernel_size in with_inputs(sizes)
            )
        )
        self.encoder_out = nn.Linear(last, d_embedding)
        self.decoder_in = nn.Linear(d_embedding, first)
        self.decoder = nn.ModuleList(
            AttendingConvolution(
                inputs=inputs, outputs=outputs, kernel_size=kernel_size, d_embedding=d_embedding
            )
            for inputs, outputs, kernel_size in with_inputs(sizes)
        )
        self.decoder_out = nn.Linear(last, d_output)
        self.scores = nn.Linear(d_output, vocabulary)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Scores of all target words in one pass, each from those before it."""
        keys = self.encoder_out(self.encoder(self.encoder_in(source)))
        values = (keys + source) * HALF
        y = self.decoder_in(target)
        for layer in self.decoder:
            y = layer(y, target, keys, values)
        scores: Tensor = self.scores(self.decoder_out(y))
        return scores


def with_inputs(sizes: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int, int]]:
    """(inputs, outputs, kernel size) of each layer; the first reads as many features as it gives."""
    inputs = sizes[0][0]
    for outputs, kernel_size in sizes:
        yield inputs, outputs, kernel_size
        inputs = outputs


def build(
    *,
    seq_len: int = 50,
    batch: int = 1,
    source_len: int = 0,
    d_embedding: int = 768,
    hidden_size: int = 512,
    num_layers: int = 9,
    middle_size: int = 1024,
    middle_layers: int = 4,
    last_size: int = 2048,
    last_layers: int = 2,
    kernel_size: int = 3,
    d_output: int = 512,
    vocabulary: int = 43_676,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The network on the meta device, and source[batch, source_len, e], target[batch, seq_len, e].

    Args:
        seq_len: Words of the target.
        batch: Pairs of sentences side by side.
        source_len: Words of the source; 0: as many as the target has.
        d_embedding: Features e of a word.
        hidden_size: Features of the first layers.
        num_layers: How many of them.
        middle_size: Features of the layers after them.
        middle_layers: How many of them.
        last_size: Features of the last layers, which see one word only.
        last_layers: How many of them.
        kernel_size: Words that a convolution of the other layers spans.
        d_output: Features from which the scores are made.
        vocabulary: Words of the target language.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, d_embedding=d_embedding, hidden_size=hidden_size)
    at_least(1, num_layers=num_layers, middle_size=middle_size, last_size=last_size)
    at_least(1, kernel_size=kernel_size, d_output=d_output, vocabulary=vocabulary)
    at_least(0, source_len=source_len, middle_layers=middle_layers, last_layers=last_layers)
    at_most(LAYERS_AT_MOST, num_layers=num_layers, middle_layers=middle_layers, last_layers=last_layers)
    sizes = (
        *((hidden_size, kernel_size),) * num_layers,
        *((middle_size, kernel_size),) * middle_layers,
        *((last_size, 1),) * last_layers,
    )
    with torch.device("meta"):
        model = ConvS2S(sizes, d_embedding=d_embedding, d_output=d_output, vocabulary=vocabulary)
        words = (torch.empty(batch, n, d_embedding) for n in (source_len or seq_len, seq_len))
        return model.eval(), tuple(words)
