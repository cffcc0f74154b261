"""Translation by a bidirectional GRU encoder and a GRU decoder that attends to its annotations.

It is RNNsearch: word ids in, one score per word of the target language out, decoded with the target
given (teacher forcing). The decoder's step is a Python loop over a cell; the source's part of the attention
scores is computed once, before it, and the output layer once, after it. Every step attends to all
annotations, so that this part grows with the product of both lengths.

The reset gate acts after its product, as in torch.nn.GRU, where the paper has it before; sizes and
multiply-accumulates are the same. Each gate has torch's two biases.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from hwcost.models.settings import at_least

CITATION: Final = "Bahdanau, Cho and Bengio 2015, arXiv:1409.0473, RNNsearch"

PARAMETERS: Final = 80_451_000

PUBLISHED: Final = None

WIDTH: Final = ("hidden_size", "embedding_size", "attention_size", "maxout_size")

REACH: Final = "state"

POOL: Final = 2
"""Candidates of which maxout keeps the greater (Bahdanau et al. 2015, appendix A.2.2)."""


class AdditiveAttention(nn.Module):
    """e_j = v . tanh(W s + U h_j); context = sum over j of softmax(e)_j * h_j."""

    def __init__(self, *, state_size: int, memory_size: int, attention_size: int) -> None:
        super().__init__()
        self.query = nn.Linear(state_size, attention_size, bias=False)
        self.key = nn.Linear(memory_size, attention_size, bias=False)
        self.score = nn.Linear(attention_size, 1, bias=False)

    def forward(self, state: Tensor, keys: Tensor, memory: Tensor) -> Tensor:
        """state[b, state_size], keys U h[b, n, attention_size], memory h[b, n, m] -> context[b, m]."""
        scores = self.score(torch.tanh(self.query(state).unsqueeze(1) + keys))
        return torch.bmm(torch.softmax(scores, 1).transpose(1, 2), memory).squeeze(1)


class Decoder(nn.Module):
    """Target ids[seq_len, batch] and annotations[batch, n, 2 * hidden_size] -> scores of every word."""

    def __init__(
        self, *, vocab_size: int, embedding_size: int, hidden_size: int, attention_size: int, maxout_size: int
    ) -> None:
        super().__init__()
        memory_size = 2 * hidden_size
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.initial = nn.Linear(hidden_size, hidden_size)
        self.attention = AdditiveAttention(
            state_size=hidden_size, memory_size=memory_size, attention_size=attention_size
        )
        self.cell = nn.GRUCell(embedding_size + memory_size, hidden_size)
        self.deep = nn.Linear(hidden_size + embedding_size + memory_size, POOL * maxout_size)
        self.output = nn.Linear(maxout_size, vocab_size)

    def forward(self, ids: Tensor, memory: Tensor, backward: Tensor) -> Tensor:
        """Each step takes the word before it (given as ids); backward[batch, hidden_size] starts it."""
        words = self.embedding(ids)
        keys = self.attention.key(memory)
        state = torch.tanh(self.initial(backward))
        states, contexts = [], []
        for word in words:
            context = self.attention(state, keys, memory)
            states.append(state)
            contexts.append(context)
            state = self.cell(torch.cat((word, context), -1), state)
        features = torch.cat((torch.stack(states), words, torch.stack(contexts)), -1)
        pooled = self.deep(features).unflatten(-1, (-1, POOL)).amax(-1)
        scores: Tensor = self.output(pooled)
        return scores


class Seq2seqAttention(nn.Module):
    """source[source_len, batch], target[seq_len, batch] -> scores[seq_len, batch, vocab_size]."""

    def __init__(
        self, *, vocab_size: int, embedding_size: int, hidden_size: int, attention_size: int, maxout_size: int
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.encoder = nn.GRU(embedding_size, hidden_size, bidirectional=True)
        self.decoder = Decoder(
            vocab_size=vocab_size,
            embedding_size=embedding_size,
            hidden_size=hidden_size,
            attention_size=attention_size,
            maxout_size=maxout_size,
        )

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """The decoder starts from the backward state of the first word."""
        annotations, last = self.encoder(self.embedding(source))
        scores: Tensor = self.decoder(target, annotations.transpose(0, 1), last[1])
        return scores


def build(
    *,
    seq_len: int = 50,
    batch: int = 1,
    source_len: int = 0,
    vocab_size: int = 30_000,
    embedding_size: int = 620,
    hidden_size: int = 1000,
    attention_size: int = 1000,
    maxout_size: int = 500,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The model on the meta device, and the ids source[source_len, batch], target[seq_len, batch].

    Args:
        seq_len: Words of the target.
        batch: Sentences side by side.
        source_len: Words of the source; 0: as many as the target has.
        vocab_size: Words of either language.
        embedding_size: Features of a word.
        hidden_size: Width of the decoder's state, and of either direction of the encoder.
        attention_size: Hidden width of the network that scores annotations.
        maxout_size: Features that maxout leaves before the output layer.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, vocab_size=vocab_size, embedding_size=embedding_size)
    at_least(0, source_len=source_len)
    at_least(1, hidden_size=hidden_size, attention_size=attention_size, maxout_size=maxout_size)
    with torch.device("meta"):
        model = Seq2seqAttention(
            vocab_size=vocab_size,
            embedding_size=embedding_size,
            hidden_size=hidden_size,
            attention_size=attention_size,
            maxout_size=maxout_size,
        )
        ids = (torch.empty(n, batch, dtype=torch.int64) for n in (source_len or seq_len, seq_len))
        return model.eval(), tuple(ids)
