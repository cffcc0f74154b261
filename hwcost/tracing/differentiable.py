"""Calls that are caught whole, as nodes of autograd's graph whose backward pass is caught whole too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from hwcost.tracing.capture import META, Capture

Kept = tuple[tuple[int, ...], torch.dtype]
"""Shape and dtype of what a call keeps for its backward pass beside its arguments and results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that is caught whole: the op to record, and the one of its backward pass.

    inputs: tensor arguments. outputs: results. backward: the name of the op that gives the gradients
    of the inputs. kept: what the call makes for that op alone. keeps_inputs: whether that op reads the
    inputs. keeps_outputs: how many of the results it reads, from the first on.
    """

    name: str
    inputs: Sequence[torch.Tensor]
    outputs: Sequence[torch.Tensor]
    attributes: Mapping[str, Any]
    backward: str = ""
    kept: Sequence[Kept] = field(default_factory=tuple)
    keeps_inputs: bool = True
    keeps_outputs: int = 0


def is_differentiable(inputs: Sequence[torch.Tensor]) -> bool:
    """Whether autograd follows a call with these arguments."""
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs)


def record(capture: Capture, call: Call) -> tuple[torch.Tensor, ...]:
    """Record a call and give its results; where autograd follows it, its backward pass is recorded later.

    The backward op reads (the gradients of the results, those that there are; what the call kept),
    and writes the gradients asked for. Its attributes are those of the call, and which gradients those
    are: `given` has a truth value per result, `needs` one per input.
    """
    if not is_differentiable(call.inputs):
        capture.recorder.record(call.name, call.inputs, call.outputs, call.attributes)
        return tuple(call.outputs)
    return _Node.apply(capture, call, *call.inputs)  # type: ignore[no-untyped-call, no-any-return]


class _Node(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, capture: Capture, call: Call, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        kept = [torch.empty(shape, dtype=dtype, device=META) for shape, dtype in call.kept]
        capture.recorder.record(call.name, inputs, [*call.outputs, *kept], call.attributes)
        saved_inputs = inputs if call.keeps_inputs else ()
        ctx.save_for_backward(*saved_inputs, *call.outputs[: call.keeps_outputs], *kept)
        ctx.set_materialize_grads(False)
        ctx.capture, ctx.call = capture, call
        return tuple(call.outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> Any:
        capture, call, needs = ctx.capture, ctx.call, ctx.needs_input_grad[2:]
        with capture.paused():
            made = [
                torch.empty(tensor.shape, dtype=tensor.dtype, device=META) if is_asked_for else None
                for tensor, is_asked_for in zip(call.inputs, needs, strict=True)
            ]
        given = [gradient is not None for gradient in gradients]
        capture.recorder.record(
            call.backward,
            [*(gradient for gradient in gradients if gradient is not None), *ctx.saved_tensors],
            [gradient for gradient in made if gradient is not None],
            {**call.attributes, "given": given, "needs": list(needs)},
        )
        return (None, None, *made)
