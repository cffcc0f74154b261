"""Attention in every way to write it.

N sequences, n queries, m keys, width E: scores N*n*m*E and their product with the values as much again,
whatever the number of heads; each projection of the queries N*n*E*E.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .case import Case, Written, case, x

# Below N = 2, n = 6, E = 8, 4 heads of 2, m = 5 keys where they are not the queries.
SELF = 2 * 6 * 4 * 64 + 2 * 2 * 6 * 6 * 8  # three projections in, one out, two products
CROSS = 2 * (6 * 2 + 5 * 2) * 64 + 2 * 2 * 6 * 5 * 8  # q and out over 6, k and v over 5


def mha(**options: object) -> nn.MultiheadAttention:
    return nn.MultiheadAttention(8, 4, batch_first=True, **options)


def self_attention() -> Case:
    q = x(2, 6, 8)
    return case(mha(), q, q, q, macs=SELF)


def self_attention_without_weights() -> Case:
    q = x(2, 6, 8)
    return case(mha(), q, q, q, need_weights=False, macs=SELF)


def self_attention_with_weights_of_each_head() -> Case:
    q = x(2, 6, 8)
    return case(mha(bias=False), q, q, q, average_attn_weights=False, macs=SELF)


def self_attention_sequence_first() -> Case:
    q = x(6, 2, 8)
    return case(nn.MultiheadAttention(8, 4), q, q, q, macs=SELF)


def self_attention_without_batch() -> Case:
    """Half of it: N 1."""
    q = x(6, 8)
    return case(nn.MultiheadAttention(8, 4), q, q, q, macs=SELF // 2)


def cross_attention() -> Case:
    keys = x(2, 5, 8)
    return case(mha(), x(2, 6, 8), keys, keys, macs=CROSS)


def cross_attention_of_other_widths() -> Case:
    """k from 3 and v from 7: 2*5*8*(3 + 7) instead of 2*5*8*(8 + 8)."""
    macs = 2 * 6 * 2 * 64 + 2 * 5 * 8 * (3 + 7) + 2 * 2 * 6 * 5 * 8
    return case(mha(kdim=3, vdim=7), x(2, 6, 8), x(2, 5, 3), x(2, 5, 7), macs=macs)


def attention_with_learnt_key() -> Case:
    """add_bias_kv appends a key after the projections: 7 keys in the products."""
    q = x(2, 6, 8)
    macs = 2 * 6 * 4 * 64 + 2 * 2 * 6 * 7 * 8
    return case(mha(add_bias_kv=True), q, q, q, macs=macs)


def attention_with_a_key_of_zeros_and_a_learnt_one() -> Case:
    """8 keys in the products."""
    q = x(2, 6, 8)
    macs = 2 * 6 * 4 * 64 + 2 * 2 * 6 * 8 * 8
    return case(mha(add_bias_kv=True, add_zero_attn=True), q, q, q, need_weights=False, macs=macs)


def attention_with_masks() -> Case:
    """Masks leave the dense count as it is."""
    q = x(2, 6, 8)
    masks = {
        "attn_mask": torch.ones(6, 6).triu(1).bool(),
        "key_padding_mask": torch.zeros(2, 6, dtype=torch.bool),
    }
    return case(mha(), q, q, q, **masks, need_weights=False, macs=SELF)


def attention_with_a_mask_of_numbers_and_weights() -> Case:
    q = x(2, 6, 8)
    return case(mha(), q, q, q, attn_mask=x(6, 6), macs=SELF)


# Feed-forward 8 -> 16 -> 8 over 2 * 6 positions.
FEED_FORWARD = 2 * 6 * 2 * 8 * 16


def encoder_layer() -> Case:
    return case(nn.TransformerEncoderLayer(8, 4, 16, batch_first=True), x(2, 6, 8), macs=SELF + FEED_FORWARD)


def encoder_layer_in_eval_mode() -> Case:
    """The fast path counts as its parts."""
    model = nn.TransformerEncoderLayer(8, 4, 16, batch_first=True).eval()
    return case(model, x(2, 6, 8), macs=SELF + FEED_FORWARD)


def encoder_layer_norm_first_with_gelu() -> Case:
    model = nn.TransformerEncoderLayer(8, 4, 16, batch_first=True, norm_first=True, activation="gelu")
    return case(model, x(2, 6, 8), macs=SELF + FEED_FORWARD)


def encoder_with_padding_and_causal_mask() -> Case:
    """Two layers; nothing is skipped."""
    layer = nn.TransformerEncoderLayer(8, 4, 16, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    padding = torch.zeros(2, 6, dtype=torch.bool)
    return case(
        model,
        x(2, 6, 8),
        mask=mask,
        src_key_padding_mask=padding.float(),
        is_causal=True,
        macs=2 * (SELF + FEED_FORWARD),
    )


def decoder_layer() -> Case:
    model = nn.TransformerDecoderLayer(8, 4, 16, batch_first=True)
    return case(model, x(2, 6, 8), x(2, 5, 8), macs=SELF + CROSS + FEED_FORWARD)


def transformer() -> Case:
    """Source 5, target 6. Encoder: 2*5*4*64 + 4*5*5*8 + feed-forward over 10; decoder as above."""
    encoder = 2 * 5 * 4 * 64 + 2 * 2 * 5 * 5 * 8 + 2 * 5 * 2 * 8 * 16
    model = nn.Transformer(8, 4, 1, 1, 16, batch_first=True)
    return case(model, x(2, 5, 8), x(2, 6, 8), macs=encoder + SELF + CROSS + FEED_FORWARD)


def sdpa(**options: object) -> Written:
    return Written(lambda _, *parts: F.scaled_dot_product_attention(*parts, **options))


def scaled_dot_product() -> Case:
    """N 2, 4 heads, n 6, m 5, d 3, dv 7: 2*4*6*5*(3 + 7)."""
    return case(sdpa(), x(2, 4, 6, 3), x(2, 4, 5, 3), x(2, 4, 5, 7), macs=2400)


def scaled_dot_product_causal() -> Case:
    """Dense: 2*4*6*6*(3 + 3)."""
    q = x(2, 4, 6, 3)
    return case(sdpa(is_causal=True), q, q, q, macs=1728)


def scaled_dot_product_masked() -> Case:
    q = x(2, 4, 6, 3)
    return case(sdpa(), q, q, q, torch.ones(6, 6, dtype=torch.bool), macs=1728)


def grouped_queries() -> Case:
    """8 query heads on 2 of keys: the products are those of 8 heads, 2*8*6*5*(3 + 3)."""
    return case(sdpa(enable_gqa=True), x(2, 8, 6, 3), x(2, 2, 5, 3), x(2, 2, 5, 3), macs=2880)


def one_query_over_a_cache() -> Case:
    """Decoding: n 1, m 100, 8 heads of 3: 8*100*(3 + 3)."""
    return case(sdpa(enable_gqa=True), x(1, 8, 1, 3), x(1, 2, 100, 3), x(1, 2, 100, 3), macs=4800)


def attention_without_heads() -> Case:
    """[n, d] = [6, 3] alone: 6*5*(3 + 3)."""
    return case(sdpa(), x(6, 3), x(5, 3), x(5, 3), macs=180)


def attention_with_matmul() -> Case:
    """As the op: 2*4*6*5*(3 + 7)."""

    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return torch.softmax(torch.matmul(q, k.transpose(-2, -1)) * 3**-0.5, -1).matmul(v)

    return case(Written(forward), x(2, 4, 6, 3), x(2, 4, 5, 3), x(2, 4, 5, 7), macs=2400)


def attention_with_the_at_sign() -> Case:
    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return ((q @ k.mT) / 3**0.5).masked_fill(torch.ones(6, 5).triu(1).bool(), -1e9).softmax(-1) @ v

    return case(Written(forward), x(2, 4, 6, 3), x(2, 4, 5, 3), x(2, 4, 5, 7), macs=2400)


def attention_with_einsum() -> Case:
    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        scores = torch.einsum("bnhd,bmhd->bhnm", q, k)
        return torch.einsum("bhnm,bmhe->bnhe", scores.softmax(-1), v)

    return case(Written(forward), x(2, 6, 4, 3), x(2, 5, 4, 3), x(2, 5, 4, 7), macs=2400)


def attention_with_bmm() -> Case:
    """Heads folded into the batch of 8; baddbmm adds a bias to the scores."""

    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        scores = torch.baddbmm(torch.zeros(8, 6, 5), q, k.transpose(1, 2), alpha=0.5)
        return torch.bmm(scores.softmax(-1), v)

    return case(Written(forward), x(8, 6, 3), x(8, 5, 3), x(8, 5, 7), macs=2400)


def linear_attention() -> Case:
    """K^T V first: 8 * (5*3*7 + 6*3*7); the normaliser q . sum(k): 8 * 6*3."""

    def forward(_: Written, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        q, k = F.elu(q) + 1, F.elu(k) + 1
        total = torch.bmm(q, k.sum(1).unsqueeze(-1))
        return torch.bmm(q, torch.bmm(k.transpose(1, 2), v)) / total

    return case(Written(forward), x(8, 6, 3), x(8, 5, 3), x(8, 5, 7), macs=8 * (105 + 126 + 18))


def additive_attention() -> Case:
    """Bahdanau: W q over 2, U k over 10 (8 -> 8 each), v over 10 scores, weighted sum 2*5*8."""

    def forward(self: Written, q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        scores = self.v(torch.tanh(self.w(q).unsqueeze(1) + self.u(k)))
        return (scores.softmax(1).transpose(1, 2) @ k).squeeze(1)

    model = Written(forward, w=nn.Linear(8, 8), u=nn.Linear(8, 8), v=nn.Linear(8, 1))
    return case(model, x(2, 8), x(2, 5, 8), macs=2 * 64 + 10 * 64 + 10 * 8 + 80)
