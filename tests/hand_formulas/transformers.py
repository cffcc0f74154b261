"""Transformer layers in every mode, decoding from a cache, grouped queries, attention of other shapes.

N sequences, n queries, m keys, width 8 in 4 heads, feed-forward 16.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention.bias import causal_lower_right
from torch.nn.attention.flex_attention import flex_attention

from .case import Case, Written, case, x


def of_self(batch: int, n: int) -> int:
    """Four projections of each position, scores and their product with the values."""
    return batch * n * 4 * 64 + 2 * batch * n * n * 8


def across(batch: int, n: int, m: int) -> int:
    """q and out over the queries, k and v over the keys."""
    return 2 * batch * (n + m) * 64 + 2 * batch * n * m * 8


def fed_forward(batch: int, n: int) -> int:
    return batch * n * 2 * 8 * 16


def whole(source: int, target: int) -> int:
    """Two encoder and three decoder layers at N 2."""
    encoder = 2 * (of_self(2, source) + fed_forward(2, source))
    return encoder + 3 * (of_self(2, target) + across(2, target, source) + fed_forward(2, target))


def transformer_batch_first() -> Case:
    model = nn.Transformer(8, 4, 2, 3, 16, batch_first=True, activation="gelu", bias=False)
    return case(model, x(2, 5, 8), x(2, 6, 8), macs=whole(5, 6))


def transformer_sequence_first_norm_first() -> Case:
    return case(nn.Transformer(8, 4, 2, 3, 16, norm_first=True), x(5, 2, 8), x(6, 2, 8), macs=whole(5, 6))


def transformer_in_eval_mode_with_masks() -> Case:
    """No mask makes it less: counts are dense."""
    padding = torch.zeros(2, 5, dtype=torch.bool)
    masks = {
        "tgt_mask": torch.ones(6, 6, dtype=torch.bool).triu(1),
        "src_key_padding_mask": padding,
        "memory_key_padding_mask": padding,
    }
    model = nn.Transformer(8, 4, 2, 3, 16, batch_first=True).eval()
    return case(model, x(2, 5, 8), x(2, 6, 8), **masks, tgt_is_causal=True, macs=whole(5, 6))


def encoder_that_could_nest() -> Case:
    """In eval mode, padding makes torch nest its tensors; the count stays that of all positions."""
    layer = nn.TransformerEncoderLayer(8, 4, 16, batch_first=True)
    padding = torch.tensor([[False] * 6, [False] * 4 + [True] * 2])
    macs = 2 * (of_self(2, 6) + fed_forward(2, 6))
    return case(nn.TransformerEncoder(layer, 2).eval(), x(2, 6, 8), src_key_padding_mask=padding, macs=macs)


def decoder_of_two_layers() -> Case:
    model = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 4, 16), 2, norm=nn.LayerNorm(8))
    macs = 2 * (of_self(2, 6) + across(2, 6, 5) + fed_forward(2, 6))
    return case(model, x(6, 2, 8), x(5, 2, 8), macs=macs)


def one_layer_used_four_times() -> Case:
    """A universal transformer shares its weights over depth."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        for _ in range(4):
            a = self.layer(a)
        return a

    model = Written(forward, layer=nn.TransformerEncoderLayer(8, 4, 16, batch_first=True))
    return case(model, x(2, 6, 8), macs=4 * (of_self(2, 6) + fed_forward(2, 6)))


def language_model_with_tied_table() -> Case:
    """Table [50, 8] looked up for 12 words, then their classifier: 12*8*50."""

    def forward(self: Written, ids: torch.Tensor) -> torch.Tensor:
        return F.linear(self.layer(self.table(ids)), self.table.weight)

    layer = nn.TransformerEncoderLayer(8, 4, 16, batch_first=True)
    model = Written(forward, table=nn.Embedding(50, 8), layer=layer)
    ids = torch.ones(2, 6, dtype=torch.int64)
    return case(model, ids, macs=of_self(2, 6) + fed_forward(2, 6) + 4800)


def cross_attention_of_other_widths_with_two_more_keys() -> Case:
    """k from 3 and v from 7, then a learnt key and one of zeros: 7 keys in the products."""
    model = nn.MultiheadAttention(8, 4, kdim=3, vdim=7, add_bias_kv=True, add_zero_attn=True)
    macs = 2 * 6 * 2 * 64 + 2 * 5 * 8 * (3 + 7) + 2 * 2 * 6 * 7 * 8
    return case(model, x(6, 2, 8), x(5, 2, 3), x(5, 2, 7), macs=macs)


def step_with_a_cache() -> Case:
    """Decoding, N 2: four projections of one word each, 9 + 1 keys: 2*4*64 + 2*2*10*8."""

    def forward(self: Written, word: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        def heads(part: torch.Tensor) -> torch.Tensor:
            return part.view(2, 1, 4, 2).transpose(1, 2)

        q, k, v = F.linear(word, self.part.in_proj_weight, self.part.in_proj_bias).chunk(3, -1)
        keys, values = torch.cat([keys, heads(k)], 2), torch.cat([values, heads(v)], 2)
        mixed = F.scaled_dot_product_attention(heads(q), keys, values)
        return self.part.out_proj(mixed.transpose(1, 2).reshape(2, 1, 8))

    model = Written(forward, part=nn.MultiheadAttention(8, 4, batch_first=True))
    return case(model, x(2, 1, 8), x(2, 4, 9, 2), x(2, 4, 9, 2), macs=512 + 320)


def step_with_a_cache_of_fixed_size_and_grouped_queries() -> Case:
    """4 query heads of 4 on 2 of keys, 20 places: q and out 16*16, k and v 16*8, products 4*20*(4+4)."""

    def forward(
        self: Written, word: torch.Tensor, at: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        keys = keys.index_copy(2, at, self.k(word).view(1, 2, 1, 4))
        values = values.index_copy(2, at, self.v(word).view(1, 2, 1, 4))
        mixed = F.scaled_dot_product_attention(self.q(word).view(1, 4, 1, 4), keys, values, enable_gqa=True)
        return self.out(mixed.view(1, 16))

    model = Written(
        forward, q=nn.Linear(16, 16), k=nn.Linear(16, 8), v=nn.Linear(16, 8), out=nn.Linear(16, 16)
    )
    cache = x(1, 2, 20, 4)
    return case(model, x(1, 16), torch.tensor([3]), cache, cache.clone(), macs=2 * 256 + 2 * 128 + 640)


# 2*8 query heads, n 6, m 5, d = dv = 3: 16*6*5*(3 + 3).
GROUPED = 2880


def grouped_queries_by_repeating() -> Case:
    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k.repeat_interleave(4, 1), v.repeat_interleave(4, 1))

    return case(Written(forward), x(2, 8, 6, 3), x(2, 2, 5, 3), x(2, 2, 5, 3), macs=GROUPED)


def grouped_queries_by_einsum() -> Case:
    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        scores = torch.einsum("bgrnd,bgmd->bgrnm", q.view(2, 2, 4, 6, 3), k)
        return torch.einsum("bgrnm,bgmd->bgrnd", scores.softmax(-1), v)

    return case(Written(forward), x(2, 8, 6, 3), x(2, 2, 5, 3), x(2, 2, 5, 3), macs=GROUPED)


def one_head_of_keys_for_all() -> Case:
    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)

    return case(Written(forward), x(2, 8, 6, 3), x(2, 1, 5, 3), x(2, 1, 5, 3), macs=GROUPED)


def attend(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return F.scaled_dot_product_attention(q, k, v)


def keys_shared_by_the_batch() -> Case:
    return case(Written(attend), x(2, 8, 6, 3), x(1, 8, 5, 3), x(1, 8, 5, 3), macs=GROUPED)


def queries_shared_by_the_batch() -> Case:
    """The queries broadcast over the batch of the keys."""
    return case(Written(attend), x(1, 8, 6, 3), x(2, 8, 5, 3), x(2, 8, 5, 3), macs=GROUPED)


def queries_without_a_batch() -> Case:
    return case(Written(attend), x(8, 6, 3), x(2, 8, 5, 3), x(2, 8, 5, 3), macs=GROUPED)


def causal_bias_for_a_cache() -> Case:
    """torch's own bias object, made on the way: 2*4*6*8*(4 + 4)."""

    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=causal_lower_right(6, 8))

    return case(Written(forward), x(2, 4, 6, 4), x(2, 4, 8, 4), x(2, 4, 8, 4), macs=3072)


def attention_with_a_score_function() -> Case:
    """flex_attention with grouped queries, dense: 2*4*6*5*(4 + 4)."""

    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        def distance(
            score: torch.Tensor, _b: torch.Tensor, _h: torch.Tensor, i: torch.Tensor, j: torch.Tensor
        ) -> torch.Tensor:
            return score + (i - j)

        return flex_attention(q, k, v, score_mod=distance, enable_gqa=True)

    return case(Written(forward), x(2, 4, 6, 4), x(2, 2, 5, 4), x(2, 2, 5, 4), macs=1920)


def attention_in_a_window() -> Case:
    """Three keys around each of 6 places, d 4: two products of 2*6*3*4."""

    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        k, v = (F.pad(part, (0, 0, 1, 1)).unfold(1, 3, 1) for part in (k, v))
        return torch.einsum("bnw,bndw->bnd", torch.einsum("bnd,bndw->bnw", q, k).softmax(-1), v)

    return case(Written(forward), x(2, 6, 4), x(2, 6, 4), x(2, 6, 4), macs=288)


def attention_in_blocks_of_queries() -> Case:
    """Two queries at a time, 2*4 heads, m 5, d 3: the same 8*6*5*6."""

    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return torch.cat([F.scaled_dot_product_attention(part, k, v) for part in q.split(2, 2)], 2)

    return case(Written(forward), x(2, 4, 6, 3), x(2, 4, 5, 3), x(2, 4, 5, 3), macs=1440)


def attention_with_relative_places() -> Case:
    """Transformer-XL: scores by content and by place, then the values: 3 * 2*4*36*3."""

    def forward(self: Written, q: torch.Tensor, k: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        content = torch.einsum("bhid,bhjd->bhij", q + self.u, k)
        place = torch.einsum("bhid,hjd->bhij", q + self.v, places)
        return (content + place).softmax(-1) @ k

    model = Written(forward, u=x(4, 1, 3), v=x(4, 1, 3))
    return case(model, x(2, 4, 6, 3), x(2, 4, 6, 3), x(4, 6, 3), macs=2592)


def latent_attention() -> Case:
    """Keys of 3 and values of 5 per head from a code of 4; 12 words: 8*4 + 4*12 + 4*20 + 8*12 + 20*8 each."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        code = self.code(a)
        k, v = self.k(code).view(2, 6, 4, 3), self.v(code).view(2, 6, 4, 5)
        q, k, v = (part.transpose(1, 2) for part in (self.q(a).view(2, 6, 4, 3), k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(2, 6, 20))

    parts = {"code": (8, 4), "k": (4, 12), "v": (4, 20), "q": (8, 12), "out": (20, 8)}
    model = Written(forward, **{name: nn.Linear(*sizes) for name, sizes in parts.items()})
    return case(model, x(2, 6, 8), macs=12 * 416 + 2 * 4 * 36 * 8)


def perceiver() -> Case:
    """3 learnt queries over 50 places."""
    model = Written(
        lambda self, a: self.part(self.latent.expand(2, -1, -1), a, a)[0],
        part=nn.MultiheadAttention(8, 4, batch_first=True),
        latent=x(1, 3, 8),
    )
    return case(model, x(2, 50, 8), macs=across(2, 3, 50))
