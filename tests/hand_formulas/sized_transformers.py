"""Transformers of practical width, where biases, norms and activations weigh little beside the products."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .case import Case, Written, case, x

WIDTH, HEADS, INNER = 128, 4, 512
"""Of every transformer below; head width 32."""


def attended(batch: int, n: int, m: int) -> int:
    """q and out of n, k and v of m positions, scores, and their product with the values."""
    return 2 * batch * (n + m) * WIDTH**2 + 2 * batch * n * m * WIDTH


def fed_forward(rows: int) -> int:
    return 2 * rows * WIDTH * INNER


def encoder_layer() -> Case:
    model = nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, batch_first=True)
    return case(model, x(2, 48, WIDTH), macs=attended(2, 48, 48) + fed_forward(96))


def decoder_layer() -> Case:
    model = nn.TransformerDecoderLayer(WIDTH, HEADS, INNER, batch_first=True)
    macs = attended(2, 48, 48) + attended(2, 48, 32) + fed_forward(96)
    return case(model, x(2, 48, WIDTH), x(2, 32, WIDTH), macs=macs)


def whole_transformer() -> Case:
    """Two layers each, sequence first."""
    encoder = attended(2, 32, 32) + fed_forward(64)
    decoder = attended(2, 48, 48) + attended(2, 48, 32) + fed_forward(96)
    model = nn.Transformer(WIDTH, HEADS, 2, 2, INNER)
    return case(model, x(32, 2, WIDTH), x(48, 2, WIDTH), macs=2 * (encoder + decoder))


def language_model() -> Case:
    """Causal, two layers, its table of 1000 words tied: 96*128*1000."""

    def forward(self: Written, ids: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        return F.linear(self.layers(self.table(ids), mask=mask, is_causal=True), self.table.weight)

    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, batch_first=True, norm_first=True)
    model = Written(
        forward,
        table=nn.Embedding(1000, WIDTH),
        layers=nn.TransformerEncoder(layer, 2, enable_nested_tensor=False),
    )
    macs = 2 * (attended(2, 48, 48) + fed_forward(96)) + 96 * WIDTH * 1000
    return case(model, torch.ones(2, 48, dtype=torch.int64), macs=macs)


class Grouped(nn.Module):
    """Attention with 4 heads of queries on 2 of keys, then a gated feed-forward part, as Llama has them."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.out = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(2))
        self.k, self.v = (nn.Linear(WIDTH, WIDTH // 2, bias=False) for _ in range(2))
        self.gate, self.up = (nn.Linear(WIDTH, INNER, bias=False) for _ in range(2))
        self.down = nn.Linear(INNER, WIDTH, bias=False)
        self.norm1, self.norm2 = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)

    def forward(
        self, a: torch.Tensor, cache: tuple[torch.Tensor, torch.Tensor] | None = None
    ) -> torch.Tensor:
        b = self.norm1(a)
        q, k, v = (
            part(b).unflatten(-1, (-1, WIDTH // HEADS)).transpose(1, 2) for part in (self.q, self.k, self.v)
        )
        if cache is not None:
            k, v = (torch.cat([old, new], 2) for old, new in zip(cache, (k, v), strict=True))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None, enable_gqa=True)
        a = a + self.out(mixed.transpose(1, 2).flatten(2))
        b = self.norm2(a)
        return a + self.down(F.silu(self.gate(b)) * self.up(b))


GROUPED_PER_WORD = 3 * WIDTH**2 + 3 * WIDTH * INNER
"""q and out whole, k and v half; three matrices of the feed-forward part."""


def block_with_grouped_queries() -> Case:
    return case(Grouped(), x(2, 48, WIDTH), macs=96 * GROUPED_PER_WORD + 2 * 2 * 48 * 48 * WIDTH)


def block_with_grouped_queries_decoding() -> Case:
    """One word after 63 in a cache."""
    cache = x(2, 2, 63, 32), x(2, 2, 63, 32)
    return case(Grouped(), x(2, 1, WIDTH), cache, macs=2 * GROUPED_PER_WORD + 2 * 2 * 64 * WIDTH)


def vision_transformer() -> Case:
    """64x64 in patches of 8: 64*192*128; 65 tokens, two layers; 100 classes."""

    def forward(self: Written, image: torch.Tensor) -> torch.Tensor:
        patches = self.patch(image).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(1, -1, -1), patches], 1) + self.place
        return self.classes(self.layers(tokens)[:, 0])

    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, batch_first=True, activation="gelu")
    model = Written(
        forward,
        patch=nn.Conv2d(3, WIDTH, 8, stride=8),
        token=x(1, 1, WIDTH),
        place=x(1, 65, WIDTH),
        layers=nn.TransformerEncoder(layer, 2),
        classes=nn.Linear(WIDTH, 100),
    )
    macs = 64 * 192 * WIDTH + 2 * (attended(1, 65, 65) + fed_forward(65)) + WIDTH * 100
    return case(model, x(1, 3, 64, 64), macs=macs)
