"""The state of one run: what is recorded, what is known of values, and the meta twins of tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from hwcost.errors import TraceError
from hwcost.tracing.recorder import Recorder
from hwcost.tracing.values import VALUE_LIMIT, KnownValues

META = torch.device("meta")


class Capture:
    """The state that both modes share: what is recorded, what is known, and the meta twins.

    is_paused: a handler is at work; the ops that it calls are its own, not the model's.
    """

    def __init__(self) -> None:
        self.is_paused = False
        self.recorder = Recorder()
        self.values = KnownValues()
        self._twins: dict[int, tuple[torch.UntypedStorage, torch.Tensor]] = {}

    def to_meta(self, tensor: torch.Tensor, *, learn: bool = False) -> torch.Tensor:
        """The meta tensor that stands for `tensor`; views of one storage get views of one twin.

        learn: keep its values, where it has any and they are few.
        """
        if tensor.is_meta and type(tensor) in (torch.Tensor, torch.nn.Parameter):
            return tensor
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
            raise TraceError(f"a {_kind(tensor)} tensor cannot be traced", mend="use dense strided tensors")
        storage = tensor.untyped_storage()
        found = self._twins.get(storage._cdata)
        if found is None:
            elements = storage.nbytes() // tensor.element_size()
            base = torch.empty(elements, dtype=tensor.dtype, device=META)
            self._twins[storage._cdata] = storage, base
            if learn and elements <= VALUE_LIMIT and has_values(tensor):
                whole = tensor.detach().as_strided((elements,), (1,), 0)
                self.values.learn(base, whole.to("cpu") if whole.device.type != "cpu" else whole)
        else:
            base = found[1]
            if base.dtype != tensor.dtype:
                base = base.view(tensor.dtype)
        return base.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())

    def real(self, tensor: torch.Tensor, purpose: str) -> torch.Tensor:
        """The values of a tensor that a call cannot do without.

        Raises:
            TraceError: they depend on weights.
        """
        known = self.values.of(tensor)
        if known is None:
            raise TraceError(
                f"{purpose} needs the values of a tensor that are not known without weights",
                mend="give real values for the inputs that it depends on, or trace the parts around it",
            )
        if reason := self.values.reason([tensor]):
            self.recorder.notes[reason] = None
        return known


def has_values(tensor: torch.Tensor) -> bool:
    """Whether a tensor carries data (fake and meta tensors do not)."""
    return type(tensor).__name__ != "FakeTensor" and not tensor.is_meta


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
