"""Bands of masks: which key - query a trace says that a mask lets through."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.graph import Loop, Op, leaves
from hwcost.tracing.roll import rolled
from hwcost.tracing.tracer import trace

N = 6


class Masked(nn.Module):
    def __init__(self, masking: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.masking = masking

    def forward(self, scores: Tensor) -> Tensor:
        return self.masking(scores)


def bands(masking: Callable[[Tensor], Tensor]) -> list[object]:
    items = trace(Masked(masking), torch.empty(2, N, N, device="meta")).items
    return [op.attributes["band"] for op, _ in leaves(items) if "band" in op.attributes]


LOWER = torch.ones(N, N, dtype=torch.bool).tril()
NEAR = LOWER & torch.ones(N, N, dtype=torch.bool).triu(-2)  # i - 2 <= j <= i


@pytest.mark.parametrize(
    "masking",
    [
        lambda s: s.masked_fill(~NEAR, -math.inf),
        lambda s: s.masked_fill(~NEAR, torch.tensor(-1e9)),
        lambda s: s.masked_fill_(~NEAR, 0.0),
        lambda s: torch.where(NEAR, s, -math.inf),
        lambda s: torch.where(~NEAR, torch.tensor(-1e9), s),
        lambda s: s + torch.zeros(N, N).masked_fill(~NEAR, -math.inf),
        lambda s: torch.zeros(N, N).masked_fill(~NEAR, torch.finfo(torch.float32).min) + s,
        lambda s: s * NEAR,
        lambda s: functional.scaled_dot_product_attention(s, s, s, attn_mask=NEAR),
        lambda s: functional.scaled_dot_product_attention(
            s, s, s, attn_mask=torch.zeros(2, N, N).masked_fill(~NEAR, -math.inf)
        ),
    ],
)
def test_a_window_of_three(masking: Callable[[Tensor], Tensor]) -> None:
    assert (-2, 0) in bands(masking)


@pytest.mark.parametrize(
    "masking",
    [
        lambda s: s.masked_fill(s > 0, -math.inf),  # depends on the scores
        lambda s: s.masked_fill(LOWER[:1], -math.inf),  # hides keys whatever the query
        lambda s: s.masked_fill(~NEAR, s.sum()),  # the value is not known
        lambda s: torch.where(NEAR, s, 1.0),
        lambda s: s + torch.ones(N, N),  # a bias
        lambda s: s * torch.arange(N * N, dtype=torch.float32).view(N, N),  # no mask of 0 and 1
        lambda s: s + s,
    ],
)
def test_what_is_no_mask_has_no_band(masking: Callable[[Tensor], Tensor]) -> None:
    assert bands(masking) == []


def test_a_band_holds_for_every_row_of_the_batch() -> None:
    both = torch.stack((LOWER, LOWER.T))
    both[1, 0, 3:] = False  # row 0 of the second sees up to key 2; row 1 still up to key 5, which is 4 on
    assert bands(lambda s: s.masked_fill(~both, -math.inf)) == [(1 - N, 4)]


def test_a_mask_that_is_written_anew_is_read_anew() -> None:
    def masking(s: Tensor) -> Tensor:
        mask = LOWER.clone()
        s = s.masked_fill(~mask, -math.inf)
        mask[:, 0] = False
        mask[2, 2] = False
        return torch.where(mask, s, -math.inf)

    assert bands(masking) == [(1 - N, 0), (2 - N, 0)]


def test_rounds_of_a_loop_keep_a_band_that_holds_for_all() -> None:
    def op(band: tuple[int, int] | None) -> Op:
        attributes = {} if band is None else {"band": band}
        return Op(name="aten.masked_fill", attributes=attributes)

    (loop,) = rolled([op((-step, 0)) for step in range(1, 9)])
    assert isinstance(loop, Loop)
    assert loop.body[0].attributes == {"band": (-8, 0)}
    (loop,) = rolled([op((-1, 0))] * 4 + [op(None)] * 4)
    assert isinstance(loop, Loop)
    assert loop.body[0].attributes == {}
