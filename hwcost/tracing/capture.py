"""The state of one run: what is recorded, what is known of values, and the meta twins of tensors."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import torch

from hwcost.errors import TraceError
from hwcost.tracing.recorder import Recorder
from hwcost.tracing.values import VALUE_LIMIT, KnownValues

META = torch.device("meta")

_NUMBERS = count()

DEVICE_NUMBERS = 126
"""Indices from 1 on that a CPU device can have beside 0."""


class Capture:
    """The state that both modes share: what is recorded, what is known, and the meta twins.

    is_paused: a handler is at work; the ops that it calls are its own, not the model's.
    device: where tensors say that they are. A model that asks is told of a CPU, since it may refuse
    "meta", with a number of the run's own, so that what its functions remember by device (`lru_cache`)
    is not found by the next run, nor by the model at work.
    bands: what `bands` has found of masks whose values are known.
    """

    def __init__(self) -> None:
        self.is_paused = False
        self.recorder = Recorder()
        self.values = KnownValues()
        self.device = torch.device("cpu", 1 + next(_NUMBERS) % DEVICE_NUMBERS)
        self.failed_in = ""
        self.bands: dict[Hashable, tuple[int, int] | None] = {}
        self._bases: set[int] = set()
        self._twins: dict[int, tuple[torch.UntypedStorage, torch.Tensor]] = {}

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Call ops of our own, which are not the model's and are told the truth."""
        self.is_paused, before = True, self.is_paused
        try:
            yield
        finally:
            self.is_paused = before

    def to_meta(self, tensor: torch.Tensor, *, learn: bool = False) -> torch.Tensor:
        """The meta tensor that stands for `tensor`; views of one storage get views of one twin.

        learn: keep its values, where it has any and they are few.
        """
        if tensor.is_meta and type(tensor) in (torch.Tensor, torch.nn.Parameter):
            return tensor
        require_dense(tensor)
        storage = tensor.untyped_storage()
        found = self._twins.get(storage._cdata)
        if found is None:
            elements = storage.nbytes() // tensor.element_size()
            base = torch.empty(elements, dtype=tensor.dtype, device=META)
            self._bases.add(base.untyped_storage()._cdata)
            self._twins[storage._cdata] = storage, base
            if learn and elements <= VALUE_LIMIT and has_values(tensor):
                whole = tensor.detach().as_strided((elements,), (1,), 0)
                self.values.learn(base, whole.to("cpu") if whole.device.type != "cpu" else whole)
        else:
            base = found[1]
            if base.dtype != tensor.dtype:
                base = base.view(tensor.dtype)
        return base.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())

    def has_seen(self, tensor: torch.Tensor) -> bool:
        """Whether a recorded call, an input or a weight made a tensor."""
        storage = tensor.untyped_storage()
        return self.recorder.has(storage) or storage._cdata in self._bases or storage._cdata in self._twins

    def real(self, tensor: torch.Tensor, purpose: str) -> torch.Tensor:
        """The values of a tensor that a call cannot do without.

        Raises:
            TraceError: they depend on weights.
        """
        twin = self.to_meta(tensor, learn=True)
        known = self.values.of(twin)
        if known is None and has_values(tensor):
            known = tensor
        if known is None:
            self.failed_in = self.recorder.path[-1]
            raise TraceError(
                f"{purpose} needs the values of a tensor that are not known without weights",
                mend="give real inputs and buffers where it depends on some, or trace the parts around it",
            )
        if reason := self.values.reason([twin]):
            self.recorder.notes[reason] = None
        return known


def has_values(tensor: torch.Tensor) -> bool:
    """Whether a tensor carries data (fake and meta tensors do not)."""
    return type(tensor).__name__ != "FakeTensor" and not tensor.is_meta


def require_dense(tensor: torch.Tensor) -> None:
    """Refuse tensors that do not lie in one strided storage.

    Raises:
        TraceError: the tensor is sparse, nested or quantised.
    """
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
        raise TraceError(f"a {_kind(tensor)} tensor cannot be traced", mend="use dense strided tensors")


def _kind(tensor: torch.Tensor) -> str:
    if tensor.is_nested:
        return "nested"
    return "quantised" if tensor.is_quantized else str(tensor.layout).removeprefix("torch.")


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """The tensors of an argument or result, lists flattened, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)


def mapped_tensors(value: Any, function: Callable[[torch.Tensor], Any]) -> Any:
    """An argument or result with `function` of each tensor in its place."""
    if isinstance(value, torch.Tensor):
        return function(value)
    if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
        parts = [mapped_tensors(item, function) for item in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value
