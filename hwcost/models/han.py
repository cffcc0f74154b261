"""A hierarchical attention network for documents: words make sentences, sentences make the document.

On each of the two levels a bidirectional GRU gives every vector its context, and attention with one learned
query sums them into one vector. The document is cut into sentences of equal length; the last is filled up
with zeros. It takes word vectors; its scores are those of the classes of a document.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.models.settings import at_least

CITATION: Final = "Yang et al. 2016, Hierarchical attention networks, NAACL, doi:10.18653/v1/N16-1174"

PARAMETERS: Final = 142_105

PUBLISHED: Final = None

WIDTH: Final = ("hidden_size", "context_size")

REACH: Final = "state"


class Level(nn.Module):
    """h = GRU(x) in both directions; a = softmax(query . tanh(W h + b)); y = sum a h."""

    def __init__(self, *, input_size: int, hidden_size: int, context_size: int) -> None:
        super().__init__()
        self.gru = nn.GRU(input_size, hidden_size, batch_first=True, bidirectional=True)
        self.projection = nn.Linear(2 * hidden_size, context_size)
        self.query = nn.Linear(context_size, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x[sequences, length, input_size] -> y[sequences, 2 * hidden_size]."""
        h, _ = self.gru(x)
        weights = torch.softmax(self.query(torch.tanh(self.projection(h))), 1)
        return torch.bmm(weights.transpose(1, 2), h).squeeze(1)


class HierarchicalAttentionNetwork(nn.Module):
    """x[batch, seq_len, input_size] -> scores[batch, classes]."""

    def __init__(
        self, *, sentence_len: int, input_size: int, hidden_size: int, context_size: int, classes: int
    ) -> None:
        super().__init__()
        self.sentence_len = sentence_len
        self.words = Level(input_size=input_size, hidden_size=hidden_size, context_size=context_size)
        self.sentences = Level(input_size=2 * hidden_size, hidden_size=hidden_size, context_size=context_size)
        self.classes = nn.Linear(2 * hidden_size, classes)

    def forward(self, x: Tensor) -> Tensor:
        """One score per class of the document."""
        batch, seq_len, width = x.shape
        x = functional.pad(x, (0, 0, 0, -seq_len % self.sentence_len))
        vectors = self.words(x.reshape(-1, self.sentence_len, width))
        scores: Tensor = self.classes(self.sentences(vectors.view(batch, -1, vectors.shape[1])))
        return scores


def build(
    *,
    seq_len: int = 1000,
    batch: int = 1,
    sentence_len: int = 20,
    input_size: int = 200,
    hidden_size: int = 50,
    context_size: int = 100,
    classes: int = 5,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The network on the meta device, and x[batch, seq_len, input_size].

    Args:
        seq_len: Words of a document.
        batch: Documents side by side.
        sentence_len: Words of a sentence; the paper's corpora have about 20 on average.
        input_size: Features of a word.
        hidden_size: Width of a GRU's state, in each direction.
        context_size: Width of the query, and of what it is compared with.
        classes: Scores that it gives; 5 are the stars of a review.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, sentence_len=sentence_len, input_size=input_size)
    at_least(1, hidden_size=hidden_size, context_size=context_size, classes=classes)
    with torch.device("meta"):
        model = HierarchicalAttentionNetwork(
            sentence_len=sentence_len,
            input_size=input_size,
            hidden_size=hidden_size,
            context_size=context_size,
            classes=classes,
        )
        return model.eval(), (torch.empty(batch, seq_len, input_size),)
