"""A model, its inputs, and what its multiply-accumulates are by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """macs: the sum worked out by hand. inputs, named: what forward takes."""

    model: nn.Module
    inputs: tuple[Any, ...]
    macs: int
    named: Mapping[str, Any] = field(default_factory=dict)


Maker = Callable[[], Case]


def case(model: nn.Module, *inputs: Any, macs: int, **named: Any) -> Case:
    return Case(model=model, inputs=inputs, macs=macs, named=named)


def x(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """An input whose values do not matter."""
    return torch.zeros(shape, dtype=dtype)


class Written(nn.Module):
    """A forward pass written as one function of (self, *inputs) over named parts."""

    def __init__(self, function: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, nn.Parameter(part) if isinstance(part, torch.Tensor) else part)

    def forward(self, *inputs: Any) -> Any:
        return self.function(self, *inputs)
