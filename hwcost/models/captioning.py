"""Show, Attend and Tell: an LSTM that writes a caption and looks at another part of the image for each word.

Image and word ids in, one score per word out, decoded with the caption given (teacher forcing). VGG makes
14 x 14 annotations of 512 features from the image, once. Each word then is one round of a Python loop:
soft attention over the annotations, its gate, and an LSTM cell. The output layer runs once, after the loop.
The trace of a longer caption has the same size; making it takes time in proportion to its words.

Sizes are those with which the authors' code reproduces COCO. The LSTM has torch's two biases.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor, nn

from hwcost.errors import ModelError
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "Xu et al. 2015, arXiv:1502.03044, soft attention on COCO with VGG-19"

PARAMETERS: Final = 55_365_034

PUBLISHED: Final = None

WIDTH: Final = ("hidden_size", "embedding_size")

REACH: Final = "state"

IMAGE_SIZE: Final = 224
"""Height and width of an image (Simonyan and Zisserman 2014, arXiv:1409.1556)."""

FEATURES: Final = 512
"""Channels of the last stage, which are the features of an annotation."""

STAGES: Final = {
    "vgg16": ((64, 2), (128, 2), (256, 3), (512, 3), (FEATURES, 3)),
    "vgg19": ((64, 2), (128, 2), (256, 4), (512, 4), (FEATURES, 4)),
}
"""Channels and 3 x 3 convolutions of each stage (Simonyan and Zisserman 2014, table 1, D and E)."""


def vgg(name: str) -> nn.Sequential:
    """image[batch, 3, 224, 224] -> [batch, 512, 14, 14]: all convolutions, without the last pooling."""

    def layers() -> Iterator[nn.Module]:
        inputs = 3
        for stage, (channels, count) in enumerate(STAGES[name]):
            if stage:
                yield nn.MaxPool2d(2)
            for _ in range(count):
                yield nn.Conv2d(inputs, channels, 3, padding=1)
                yield nn.ReLU(inplace=True)
                inputs = channels

    return nn.Sequential(*layers())


class GatedAttention(nn.Module):
    """context = sigmoid(g . h) * sum over i of softmax(e)_i * a_i.

    e_i = u . f(tanh(W a_i + V h)), f further layers of the same width, each with a tanh.
    """

    def __init__(self, *, hidden_size: int, attention_layers: int) -> None:
        super().__init__()
        self.key = nn.Linear(FEATURES, FEATURES)
        self.query = nn.Linear(hidden_size, FEATURES, bias=False)
        self.layers = nn.ModuleList(nn.Linear(FEATURES, FEATURES) for _ in range(attention_layers - 1))
        self.score = nn.Linear(FEATURES, 1)
        self.gate = nn.Linear(hidden_size, 1)

    def forward(self, state: Tensor, keys: Tensor, annotations: Tensor) -> Tensor:
        """state[b, hidden_size], keys W a[b, 196, 512], annotations a[b, 196, 512] -> context[b, 512]."""
        hidden = torch.tanh(keys + self.query(state).unsqueeze(1))
        for layer in self.layers:
            hidden = torch.tanh(layer(hidden))
        weights = torch.softmax(self.score(hidden), 1)
        context = torch.bmm(weights.transpose(1, 2), annotations).squeeze(1)
        return torch.sigmoid(self.gate(state)) * context


class Captioning(nn.Module):
    """image[batch, 3, 224, 224], ids[seq_len, batch] -> scores[seq_len, batch, vocab_size]."""

    def __init__(
        self, *, encoder: str, vocab_size: int, embedding_size: int, hidden_size: int, attention_layers: int
    ) -> None:
        super().__init__()
        self.encoder = vgg(encoder)
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.initial = nn.Linear(FEATURES, FEATURES)
        self.initial_state = nn.Linear(FEATURES, hidden_size)
        self.initial_cell = nn.Linear(FEATURES, hidden_size)
        self.attention = GatedAttention(hidden_size=hidden_size, attention_layers=attention_layers)
        self.cell = nn.LSTMCell(embedding_size + FEATURES, hidden_size)
        self.state_to_output = nn.Linear(hidden_size, embedding_size)
        self.context_to_output = nn.Linear(FEATURES, embedding_size)
        self.output = nn.Linear(embedding_size, vocab_size)

    def forward(self, image: Tensor, ids: Tensor) -> Tensor:
        """Each step takes the word before it, given as ids."""
        annotations = self.encoder(image).flatten(2).transpose(1, 2)
        keys = self.attention.key(annotations)
        mean = torch.relu(self.initial(annotations.mean(1)))
        state, cell_state = torch.tanh(self.initial_state(mean)), torch.tanh(self.initial_cell(mean))
        words = self.embedding(ids)
        states, contexts = [], []
        for word in words:
            context = self.attention(state, keys, annotations)
            state, cell_state = self.cell(torch.cat((word, context), -1), (state, cell_state))
            states.append(state)
            contexts.append(context)
        features = self.state_to_output(torch.stack(states)) + words
        features = features + self.context_to_output(torch.stack(contexts))
        scores: Tensor = self.output(torch.tanh(features))
        return scores


def build(
    *,
    seq_len: int = 20,
    batch: int = 1,
    encoder: str = "vgg19",
    vocab_size: int = 10_000,
    embedding_size: int = 512,
    hidden_size: int = 1800,
    attention_layers: int = 2,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The model on the meta device, image[batch, 3, 224, 224] and ids[seq_len, batch].

    Args:
        seq_len: Words of the caption.
        batch: Images side by side.
        encoder: `vgg19` or `vgg16`.
        vocab_size: Words that it knows.
        embedding_size: Features of a word.
        hidden_size: Width of the LSTM's state.
        attention_layers: Hidden layers of the network that scores annotations.

    Raises:
        ModelError: A size is out of range, or the encoder is another word.
    """
    at_least(1, seq_len=seq_len, batch=batch, vocab_size=vocab_size, embedding_size=embedding_size)
    at_least(1, hidden_size=hidden_size, attention_layers=attention_layers)
    at_most(LAYERS_AT_MOST, attention_layers=attention_layers)
    if encoder not in STAGES:
        raise ModelError(f"encoder is {encoder}", mend="it must be vgg16 or vgg19")
    with torch.device("meta"):
        model = Captioning(
            encoder=encoder,
            vocab_size=vocab_size,
            embedding_size=embedding_size,
            hidden_size=hidden_size,
            attention_layers=attention_layers,
        )
        image = torch.empty(batch, 3, IMAGE_SIZE, IMAGE_SIZE)
        return model.eval(), (image, torch.empty(seq_len, batch, dtype=torch.int64))
