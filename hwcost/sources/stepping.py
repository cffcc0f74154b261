"""Modules that say how they step: one call of their `step`, traced from the state that they keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from hwcost.errors import HwcostError, ModelError
from hwcost.graph import Op, Storage, Trace, mapped
from hwcost.graph import Tensor as Noun
from hwcost.orders import Order
from hwcost.orders.stepwise import STATE, stepwise
from hwcost.sources.subject import Subject
from hwcost.tracing.tracer import trace

INNER = "module"
"""The name of the module within the one that is traced."""


def says_how(module: object) -> bool:
    """Whether a module has the methods `initial_state` and `step` (docs/orders.md)."""
    return all(callable(getattr(module, name, None)) for name in ("initial_state", "step"))


def stepped(subject_at: Callable[[int], Subject], *, order: Order, seq_len: int) -> Trace:
    """The trace of a stream through a module's own `step`.

    Raises:
        HwcostError: its methods fail.
    """
    subject = subject_at(seq_len)
    module: Any = subject.module
    batch = subject.batch or 1

    def state_at(past: int) -> Any:
        try:
            with torch.no_grad(), torch.device("meta"):
                return module.initial_state(batch=batch, past=past)
        except HwcostError:
            raise
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            raise ModelError(f"its initial_state failed: {type(error).__name__}: {first}") from error

    def trace_step(steps: int, past: int) -> Trace:
        inputs = subject_at(steps).inputs or ()
        return _without_wrapper(trace(Stepper(module, state_at(past)), *inputs))

    def shapes_at(past: int) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(tensor.shape) for tensor in _tensors(state_at(past)))

    made = stepwise(trace_step, shapes_at, order=order, seq_len=seq_len)
    return replace(
        made, model=subject.name or type(module).__name__, batch=subject.batch, assumptions=made.assumptions
    )


class Stepper(nn.Module):
    """One call of a module's step, whose state lies in buffers; the new state is copied into them."""

    def __init__(self, module: nn.Module, state: Any) -> None:
        super().__init__()
        self.module = module
        self.count = 0
        self.kept = state
        for tensor in _tensors(state):
            self.register_buffer(f"{STATE}_{self.count}", tensor)
            self.count += 1

    def forward(self, *inputs: Tensor) -> Any:
        """The outputs of the step."""
        buffers = [getattr(self, f"{STATE}_{index}") for index in range(self.count)]
        outputs, after = self.module.step(*inputs, state=_rebuilt(self.kept, iter(buffers)))  # type: ignore[operator]
        own = {buffer.untyped_storage()._cdata for buffer in buffers}  # noqa: SLF001 what tells storages apart
        given = {tensor.untyped_storage()._cdata for tensor in _tensors(inputs)}  # noqa: SLF001
        for buffer, tensor in zip(buffers, _tensors(after), strict=True):
            storage = tensor.untyped_storage()._cdata  # noqa: SLF001
            if storage not in own:
                kept = tensor.clone() if storage in given else tensor
                # Nothing is copied: the empty call tells which new state takes the place of which old one.
                buffer.as_strided((0,), (1,), 0).copy_(kept.as_strided((0,), (1,), 0))
        return outputs


def _tensors(state: Any) -> list[Tensor]:
    """The tensors of a state, in order."""
    if isinstance(state, Tensor):
        return [state]
    if isinstance(state, dict):
        return [tensor for part in state.values() for tensor in _tensors(part)]
    if isinstance(state, (tuple, list)):
        return [tensor for part in state for tensor in _tensors(part)]
    return []


def _rebuilt(state: Any, tensors: Any) -> Any:
    """A state of the same form with other tensors."""
    if isinstance(state, Tensor):
        return next(tensors)
    if isinstance(state, dict):
        return {key: _rebuilt(part, tensors) for key, part in state.items()}
    if isinstance(state, (tuple, list)):
        return type(state)([_rebuilt(part, tensors) for part in state])
    return state


def _without_wrapper(made: Trace) -> Trace:
    """The trace with the names that the module's own parts have."""

    def storage(old: Storage) -> Storage:
        return replace(old, name=old.name.removeprefix(f"{INNER}."))

    def tensor(old: Noun) -> Noun:
        return replace(old, storage=storage(old.storage))

    def op(old: Op) -> Op:
        return replace(
            old,
            module=old.module.removeprefix(INNER).removeprefix("."),
            inputs=tuple(map(tensor, old.inputs)),
            outputs=tuple(map(tensor, old.outputs)),
        )

    return replace(made, items=mapped(made.items, op))
