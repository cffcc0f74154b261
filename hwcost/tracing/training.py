"""The backward pass of a model that has run, and the step of an optimiser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from hwcost.errors import TraceError
from hwcost.tracing.capture import META, Capture, tensors_in
from hwcost.training.loss import GRADIENT, UNKNOWN
from hwcost.training.optimisers import PREFIX, optimiser


def require_trainable(twin: nn.Module) -> None:
    """Refuse a module of which nothing is to be trained.

    Raises:
        TraceError: no parameter requires a gradient.
    """
    if not any(parameter.requires_grad for parameter in twin.parameters()):
        raise TraceError(
            "no parameter of the model requires a gradient",
            mend="leave requires_grad on for those that are to be trained",
        )


def backward(twin: nn.Module, result: Any, plain: Any, capture: Capture) -> None:
    """Run the backward pass from the model's loss, else from all outputs that depend on weights.

    result: what the model returned; plain: its tensors. Without a loss each output gets a gradient from
    one that nothing else is known of.

    Raises:
        TraceError: no output depends on a weight that requires a gradient.
    """
    recorder = capture.recorder
    loss = _loss(result)
    outputs = [loss] if loss is not None else list(tensors_in(plain))
    outputs = list({id(tensor): tensor for tensor in outputs if tensor.requires_grad}.values())
    if not outputs:
        raise TraceError(
            "no output depends on a weight that requires a gradient",
            mend="return floating-point outputs that are not detached",
        )
    if loss is None and any(tensor.dim() for tensor in outputs):
        recorder.notes[UNKNOWN] = None
    owners = {id(parameter): name.rpartition(".")[0] for name, parameter in twin.named_parameters()}
    recorder.owners.parameters = owners
    recorder.part = "backward"
    with capture.paused():
        gradients = [torch.empty(tensor.shape, dtype=tensor.dtype, device=META) for tensor in outputs]
    recorder.record(GRADIENT, outputs, gradients, {}, module="")
    torch.autograd.backward(outputs, gradients)


def step(named: Sequence[tuple[str, nn.Parameter]], capture: Capture, name: str) -> None:
    """Record the step of an optimiser for each parameter that has a gradient."""
    recorder = capture.recorder
    recorder.part = "optimiser"
    for path, parameter in named:
        gradient = parameter.grad
        if gradient is None:
            continue
        states = []
        for state in optimiser(name).states:
            states.append(torch.empty(parameter.shape, dtype=parameter.dtype, device=META))
            recorder.name(states[-1], "optimiser", f"{path}.{state}")
        module = path.rpartition(".")[0]
        recorder.record(
            f"{PREFIX}{name}", [parameter, gradient, *states], [parameter, *states], {}, module=module
        )


def _loss(result: Any) -> torch.Tensor | None:
    """The loss that a model returns by that name."""
    found = result.get("loss") if isinstance(result, dict) else getattr(result, "loss", None)
    return found if isinstance(found, torch.Tensor) and found.requires_grad else None


def one_kernel_dropout() -> dict[Any, Callable[..., Any]]:
    """Dropout as one kernel that keeps a mask of a byte per element, as torch has it on GPUs.

    On other devices, meta among them, torch makes it of three calls, and keeps the mask in the dtype of
    the input.
    """

    def dropout(
        input: torch.Tensor,  # noqa: A002  torch's name for it
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
    ) -> Any:
        if inplace:
            return torch.dropout_(input, p, training)
        return torch.native_dropout(input, p, training)[0] if training and p else input

    def plain_dropout(input: torch.Tensor, p: float, train: bool) -> Any:  # noqa: A002  torch's name for it
        return dropout(input, p, train)

    return {functional.dropout: dropout, torch.dropout: plain_dropout}
