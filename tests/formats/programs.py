"""Small models, and what an analysis of them touches."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

import hwcost
from hwcost.graph import Tensor, Work
from hwcost.report import Report


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def analyzed(module: nn.Module, *inputs: torch.Tensor, device: str = "h100_sxm", **formats: str) -> Report:
    """The report of a module, every op a kernel."""
    keywords: dict[str, Any] = dict(formats)
    return hwcost.analyze((module.to("meta"), inputs), device=device, fusion="eager", **keywords)


def works(report: Report, name: str = "") -> list[Work]:
    found = {id(cost.traffic.work): cost.traffic.work for cost in report.costs}
    return [work for work in found.values() if name in work.op.name]


def touched(report: Report) -> list[Tensor]:
    return [tensor for work in works(report) for tensor in (*work.reads, *work.writes)]


def reads(work: Work) -> list[tuple[str, int]]:
    """Dtype and bytes of all that a work reads."""
    return [(tensor.dtype, tensor.bytes) for tensor in work.reads]


class Attention(nn.Module):
    """One head of attention over x[1,1,n,d], with a product of its own for each of Q, K and V."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width, bias=False) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x))


class PackedAttention(nn.Module):
    """The same with one product for all three."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.scaled_dot_product_attention(*self.qkv(x).chunk(3, dim=-1))


class Decoding(nn.Module):
    """One query against a cache of K and V that grows by concatenation; gives the cache back."""

    def forward(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        keys, values = torch.cat([keys, k], dim=-2), torch.cat([values, v], dim=-2)
        return nn.functional.scaled_dot_product_attention(q, keys, values), keys, values
