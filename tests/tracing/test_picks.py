"""Indices that a trace keeps: dimensions that are picked from, and positions where they are known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from hwcost.graph import Loop, Op, leaves
from hwcost.tracing.picks import PICKS_AT_MOST
from hwcost.tracing.roll import rolled
from hwcost.tracing.tracer import trace


class Picking(nn.Module):
    def __init__(self, picking: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.picking = picking

    def forward(self, x: Tensor) -> Tensor:
        return self.picking(x)


def kept(picking: Callable[[Tensor], Tensor]) -> dict[str, object]:
    items = trace(Picking(picking), torch.empty(2, 9, 4, device="meta")).items
    (op,) = [op for op, _ in leaves(items) if op.name in ("aten.index", "aten.index_select")]
    return {key: op.attributes[key] for key in ("indexed", "positions") if key in op.attributes}


@pytest.mark.parametrize(
    ("picking", "expected"),
    [
        (lambda x: x[:, [7, 0, -1]], {"indexed": (1,), "positions": (7, 0, -1)}),
        (lambda x: x[..., torch.tensor([3, 1])], {"indexed": (2,), "positions": (3, 1)}),
        (lambda x: x[:, [7, 0], [1, 2]], {"indexed": (1, 2)}),
        (lambda x: x[0][torch.arange(9) % 2 == 0], {"indexed": (0,), "positions": (0, 2, 4, 6, 8)}),
        (lambda x: x.index_select(1, torch.tensor([5])), {"positions": (5,)}),
        (lambda x: x[:, torch.zeros(PICKS_AT_MOST + 1, dtype=torch.int64)], {"indexed": (1,)}),
        (lambda x: x[0][x[0].sum(1).topk(3)[1]], {"indexed": (0,)}),  # a guess is no position
    ],
)
def test_what_is_kept(picking: Callable[[Tensor], Tensor], expected: dict[str, object]) -> None:
    assert kept(picking) == expected


def test_rounds_of_a_loop_keep_positions_that_are_alike() -> None:
    def op(*positions: int) -> Op:
        return Op(name="aten.index", attributes={"indexed": (1,), "positions": positions})

    (loop,) = rolled([op(1, 2)] * 8)
    assert isinstance(loop, Loop)
    assert loop.body[0].attributes == {"indexed": (1,), "positions": (1, 2)}
    (loop,) = rolled([op(step, 2) for step in range(8)])
    assert isinstance(loop, Loop)
    assert loop.body[0].attributes == {"indexed": (1,)}
