"""The values that a forward pass without weights still knows: ids, masks, positions, constants.

A meta tensor has no data, but much of what a model branches on does not depend on weights. For
each meta storage whose content is known this room keeps a real twin of the same layout, so that
views and in-place writes of the meta tensor are views and in-place writes of the twin.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

VALUE_LIMIT = 2**22
"""Elements up to which values are propagated: a mask over 2,048 x 2,048 pairs, not an activation."""


def storage_key(tensor: torch.Tensor) -> int:
    """The identity of a tensor's storage, valid while something holds the storage."""
    return int(tensor.untyped_storage()._cdata)


class KnownValues:
    """Real twins of meta storages, by storage.

    `assumed` holds the storages whose values are a guess (see `assume`), with the reason.
    """

    def __init__(self) -> None:
        self._flat: dict[int, torch.Tensor] = {}
        self.assumed: dict[int, str] = {}
        self._alive: list[torch.UntypedStorage] = []

    def of(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """The values of a meta tensor as a real view, or None where they are not known."""
        if tensor.device.type != "meta":
            return tensor
        flat = self._flat.get(storage_key(tensor))
        if flat is None:
            return None
        if flat.dtype != tensor.dtype:
            try:
                flat = flat.view(tensor.dtype)
            except RuntimeError:
                return None
        if tensor.untyped_storage().nbytes() > flat.untyped_storage().nbytes():
            return None  # resized since
        return flat.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())

    def learn(self, tensor: torch.Tensor, values: torch.Tensor, *, reason: str = "") -> None:
        """Keep `values` (copied where they could be shared) as those of a meta tensor."""
        storage = tensor.untyped_storage()
        elements = storage.nbytes() // tensor.element_size()
        if values.numel() > VALUE_LIMIT or elements > VALUE_LIMIT or values.is_quantized:
            return
        if values.shape != tensor.shape:  # meta and CPU differ, as in the statistics of a batch norm
            return
        flat = torch.zeros(elements, dtype=tensor.dtype, device="cpu")
        flat.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset()).copy_(values)
        self._flat[storage._cdata] = flat
        self._alive.append(storage)
        if reason:
            self.assumed[storage._cdata] = reason

    def forget(self, tensor: torch.Tensor) -> None:
        """The tensor was written with values that are not known."""
        self._flat.pop(storage_key(tensor), None)

    def reason(self, tensors: Iterable[torch.Tensor]) -> str:
        """Why the values of one of these are a guess, or "" where none is."""
        for tensor in tensors:
            if self.assumed and (found := self.assumed.get(storage_key(tensor))):
                return found
        return ""


def twin_of(value: Any, values: KnownValues) -> tuple[bool, Any]:
    """(whether all tensors inside an argument are known, the argument with their real twins)."""
    if isinstance(value, torch.Tensor):
        known = values.of(value)
        return known is not None, known
    if isinstance(value, list | tuple):
        pairs = [twin_of(item, values) for item in value]
        return all(known for known, _ in pairs), type(value)(item for _, item in pairs)
    return True, torch.device("cpu") if isinstance(value, torch.device) else value


def evenly_spread(like: torch.Tensor, dim: int, choices: int) -> torch.Tensor:
    """Indices that pick each of `choices` equally often, of the shape of `like` along `dim`.

    Row r takes choices r*k, r*k + 1, ... modulo their number, k being the picks of one row: what a
    balanced router does, and the only routing that can be named without weights.
    """
    if like.dim() == 0:
        return torch.zeros((), dtype=torch.int64)
    picks = like.shape[dim]
    rows = like.numel() // max(picks, 1)
    flat = torch.arange(rows * picks).reshape(rows, picks) % max(choices, 1)
    shape = [size for axis, size in enumerate(like.shape) if axis != dim % like.dim()]
    return flat.reshape([*shape, picks]).movedim(-1, dim)
