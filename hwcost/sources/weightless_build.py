"""Build a module whose parameters are on the meta device and whose small buffers keep their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import nn

from hwcost.tracing.capture import Capture
from hwcost.tracing.function_mode import FunctionMode
from hwcost.tracing.op_mode import OpMode
from hwcost.tracing.python import rewrites
from hwcost.tracing.values import KnownValues
from hwcost.tracing.whole import handlers, transparent

SMALL: Final = 2**16
"""Elements up to which values are kept while a model is built: a frequency table, not a weight."""


class SmallValues(KnownValues):
    """Known values of small tensors alone: most of what is made here are weights to be."""

    def learn(self, tensor: torch.Tensor, values: torch.Tensor, **keywords: Any) -> None:
        """Keep the values of a tensor that is small."""
        if tensor.numel() <= SMALL:
            super().learn(tensor, values, **keywords)


def built(make: Callable[[], nn.Module]) -> nn.Module:
    """What `make` returns, built on the meta device.

    Buffers whose values do not depend on weights (positions, frequencies, masks) become real again, so
    that a forward pass which reads them can.
    """
    capture = Capture()
    capture.values = SmallValues()
    caught = FunctionMode(capture, handlers(), rewrites(), transparent())
    state = torch.random.get_rng_state()
    try:
        with torch.no_grad(), OpMode(capture), caught:
            module = make()
    finally:
        torch.random.set_rng_state(state)
    for owner in module.modules():
        for name, buffer in owner.named_buffers(recurse=False):
            known = capture.values.of(buffer)
            if known is not None and buffer.is_meta:
                owner.__dict__["_buffers"][name] = known.clone()
    return module
