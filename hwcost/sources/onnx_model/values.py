"""What a name of an ONNX graph stands for while the graph is replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch


@dataclass(slots=True, eq=False, kw_only=True)
class Value:
    """A tensor. is_fixed: it depends on weights and constants alone. real: its values, known and small.

    is_quantised: the product that made it has rounded it already, so that QuantizeLinear does nothing.
    """

    tensor: torch.Tensor
    is_fixed: bool = False
    real: torch.Tensor | None = None
    is_quantised: bool = False


class Dequantised:
    """The result of a DequantizeLinear: products take the quantised tensor, others make it real first."""

    def __init__(
        self, source: Value, scale: torch.Tensor, dtype: torch.dtype, made: Callable[[], torch.Tensor]
    ) -> None:
        self.source = source
        self.scale = scale
        self.dtype = dtype
        self.made = made
        self.result: torch.Tensor | None = None

    @property
    def tensor(self) -> torch.Tensor:
        """The dequantised tensor, which is made once."""
        if self.result is None:
            self.result = self.made()
        return self.result


Sequence: TypeAlias = "list[Value | Dequantised]"

Anything: TypeAlias = "Value | Dequantised | Sequence | None"
"""A tensor, a sequence of tensors, or nothing: an input that was left out."""

Result: TypeAlias = "torch.Tensor | Anything"
"""What an op gives back: a tensor, or what stands for one."""
