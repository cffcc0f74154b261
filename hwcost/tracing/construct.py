"""Make a model without making its weights, and example inputs for one that came without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from hwcost.errors import HwcostError, ModelError
from hwcost.tracing.capture import META, Capture
from hwcost.tracing.function_mode import FunctionMode
from hwcost.tracing.op_mode import OpMode
from hwcost.tracing.python import rewrites
from hwcost.tracing.values import KnownValues
from hwcost.tracing.whole import handlers, transparent

SMALL = 2**16
"""Elements up to which values are kept while a model is built: a frequency table, not a weight."""

IMAGE = 224
"""Side of the image that a 2-d convolution is given: what ImageNet models take."""

FRAMES = 16
"""Frames that a 3-d convolution is given."""

SEQ_LEN = 1000
"""Steps that a model over sequences is given where nothing says how many."""


class SmallValues(KnownValues):
    """Known values of small tensors alone: most of what is made here are weights to be."""

    def learn(self, tensor: torch.Tensor, values: torch.Tensor, **keywords: Any) -> None:
        """Keep the values of a tensor that is small."""
        if tensor.numel() <= SMALL:
            super().learn(tensor, values, **keywords)


def built(make: Callable[[], Any]) -> Any:
    """What a function that makes a model returns, its tensors on the meta device.

    Tensors say that they are on meta, so that initialisers leave them alone. Buffers whose values do
    not depend on weights (positions, frequencies, masks) become real again, so that a forward pass
    which reads them can.
    """
    capture = Capture()
    capture.values = SmallValues()
    caught = FunctionMode(capture, handlers(), rewrites(), transparent())
    state = torch.random.get_rng_state()
    try:
        with torch.no_grad(), OpMode(capture), caught:
            result = make()
    finally:
        torch.random.set_rng_state(state)
    for part in result if isinstance(result, tuple) else (result,):
        if isinstance(part, nn.Module):
            _keep_buffers(part, capture)
    return result


def _keep_buffers(module: nn.Module, capture: Capture) -> None:
    for owner in module.modules():
        for name, buffer in owner.named_buffers(recurse=False):
            known = capture.values.of(buffer)
            if known is not None and buffer.is_meta:
                owner.__dict__["_buffers"][name] = known.clone()


def made(make: Callable[..., Any], *, where: str, **settings: Any) -> Any:
    """What a user's function makes (see `built`).

    Raises:
        ModelError: it fails.
    """
    try:
        return built(lambda: make(**settings))
    except HwcostError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise ModelError(
            f"building the model failed: {type(error).__name__}: {text}", where=where, mend="see its code"
        ) from error


def example_inputs(module: nn.Module, *, seq_len: int | None, batch: int | None) -> tuple[Any, ...]:
    """Inputs for a module that came without, from its first layer that says what it takes.

    Raises:
        ModelError: no layer does.
    """
    steps, rows = seq_len or SEQ_LEN, batch or 1
    for layer in module.modules():
        shape = _taken(layer, steps, rows, is_sequence=seq_len is not None)
        if shape is not None:
            dtype = torch.int64 if isinstance(layer, nn.Embedding) else torch.float32
            return (torch.empty(shape, dtype=dtype, device=META),)
    raise ModelError(
        f"{type(module).__name__} comes without example inputs, and no layer of it says what it takes",
        mend="let the callable return (module, inputs)",
    )


def _taken(layer: nn.Module, steps: int, rows: int, *, is_sequence: bool) -> tuple[int, ...] | None:
    """The shape of an input that a layer takes, None if it does not say."""
    if isinstance(layer, nn.RNNBase):
        lead = (rows, steps) if layer.batch_first else (steps, rows)
        return (*lead, layer.input_size)
    if isinstance(layer, nn.MultiheadAttention):
        lead = (rows, steps) if layer.batch_first else (steps, rows)
        return (*lead, layer.embed_dim)
    if isinstance(layer, nn.Embedding):
        return (rows, steps)
    if isinstance(layer, nn.Conv1d):
        return (rows, layer.in_channels, steps)
    if isinstance(layer, nn.Conv2d):
        return (rows, layer.in_channels, IMAGE, IMAGE)
    if isinstance(layer, nn.Conv3d):
        return (rows, layer.in_channels, FRAMES, IMAGE // 2, IMAGE // 2)
    if isinstance(layer, nn.RNNCellBase):
        return (rows, layer.input_size)
    if isinstance(layer, nn.Linear):
        return (rows, steps, layer.in_features) if is_sequence else (rows, layer.in_features)
    return None
