"""torch's causal bias objects: tensors without elements that say which scores attention hides."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

_MODULE = "torch.nn.attention.bias"


def is_causal_bias(value: Any) -> bool:
    """Whether a value is a `CausalBias`, told without importing what defines it."""
    module = sys.modules.get(_MODULE)
    return module is not None and isinstance(value, module.CausalBias)


@contextmanager
def causal_biases_made() -> Iterator[None]:
    """Let a model make causal biases as it runs: torch makes no tensor of a class of its own under a mode."""
    module = sys.modules.get(_MODULE)
    if module is None:
        yield
        return
    kind: Any = module.CausalBias

    def made(cls: type[torch.Tensor], *_arguments: Any) -> torch.Tensor:
        with _disable_current_modes(), torch._C.DisableTorchFunction():
            return torch.Tensor._make_subclass(cls, torch.empty(0))

    kind.__new__ = made
    try:
        yield
    finally:
        del kind.__new__
