"""What a run leaves behind: raw calls while it goes on, the ops of a trace at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch

from hwcost.graph import Attribute, Op, Part, Role, Storage, Tensor
from hwcost.tracing.owners import Owners

RawTensor = tuple[int, tuple[int, ...], tuple[int, ...], torch.dtype, int]
"""Index of the storage, shape, strides, dtype, offset: a tensor before its storage's role is known."""


@dataclass(slots=True)
class RawStorage:
    """A storage that the run has seen; `alive` keeps its address from being used again.

    Its size is read at the end, since storages can grow.
    """

    dtype: torch.dtype
    alive: torch.UntypedStorage
    role: Role = "activation"
    name: str = ""


@dataclass(slots=True)
class RawOp:
    """A call that the run has made."""

    name: str
    module: str
    inputs: list[RawTensor]
    outputs: list[RawTensor]
    attributes: dict[str, Attribute]
    is_pointwise: bool
    part: Part


class Recorder:
    """Collects the calls of one run, in order, with the module that made each.

    path: of the modules that are running, the innermost last. part: of a training iteration that runs.
    """

    def __init__(self) -> None:
        self.ops: list[RawOp] = []
        self.path: list[str] = [""]
        self.part: Part = "forward"
        self.owners = Owners()
        self.storages: list[RawStorage] = []
        self.notes: dict[str, None] = {}
        self._index: dict[int, int] = {}

    def enter(self, module: str) -> None:
        """A module begins to run."""
        self.path.append(module)
        self.owners.mark(module)

    def leave(self) -> None:
        """The innermost module is done."""
        self.path.pop()
        self.owners.mark(self.path[-1])

    def module(self) -> str:
        """The module that a call belongs to: the one that runs, else that whose gradients are made."""
        if self.part == "backward" and len(self.path) == 1:
            return self.owners.running()
        return self.path[-1]

    def storage(self, tensor: torch.Tensor) -> int:
        """The index of a tensor's storage, which is kept alive from now on."""
        storage = tensor.untyped_storage()
        index = self._index.get(storage._cdata)
        if index is None:
            index = len(self.storages)
            self._index[storage._cdata] = index
            self.storages.append(RawStorage(tensor.dtype, storage))
        return index

    def has(self, storage: torch.UntypedStorage) -> bool:
        """Whether a call, an input or a weight has this storage."""
        return storage._cdata in self._index

    def name(self, tensor: torch.Tensor, role: Role, name: str = "") -> None:
        """Give a tensor's storage its role, once; the first name stays."""
        storage = self.storages[self.storage(tensor)]
        if storage.role == "activation":
            storage.role, storage.name = role, name

    def tensor(self, tensor: torch.Tensor) -> RawTensor:
        """A tensor as it lies in its storage now."""
        return (
            self.storage(tensor),
            tuple(tensor.shape),
            tensor.stride(),
            tensor.dtype,
            int(tensor.storage_offset()),
        )

    def record(
        self,
        name: str,
        inputs: Iterable[torch.Tensor],
        outputs: Iterable[torch.Tensor],
        attributes: Mapping[str, Any],
        *,
        is_pointwise: bool = False,
        module: str | None = None,
    ) -> None:
        """Append a call made by a module; None: the one that is running."""
        self.ops.append(
            RawOp(
                name,
                self.module() if module is None else module,
                [self.tensor(tensor) for tensor in inputs],
                [self.tensor(tensor) for tensor in outputs],
                {key: attribute(value) for key, value in attributes.items()},
                is_pointwise,
                self.part,
            )
        )

    def finished(self) -> list[Op]:
        """The calls as ops."""
        storages = [
            Storage(
                id=str(index),
                elements=raw.alive.nbytes() // raw.dtype.itemsize,
                dtype=_name(raw.dtype),
                role=raw.role,
                name=raw.name,
            )
            for index, raw in enumerate(self.storages)
        ]

        def tensor(raw: RawTensor) -> Tensor:
            index, shape, strides, dtype, offset = raw
            return Tensor(
                storage=storages[index], shape=shape, strides=strides, dtype=_name(dtype), offset=offset
            )

        return [
            Op(
                name=raw.name,
                module=raw.module,
                inputs=tuple(map(tensor, raw.inputs)),
                outputs=tuple(map(tensor, raw.outputs)),
                attributes=raw.attributes,
                is_pointwise=raw.is_pointwise,
                part=raw.part,
            )
            for raw in self.ops
        ]


def attribute(value: Any) -> Attribute:
    """An argument as a trace keeps it: plain values, anything else by its name."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return tuple(attribute(item) for item in value)
    return str(value).removeprefix("torch.")


_NAMES: dict[torch.dtype, str] = {}


def _name(dtype: torch.dtype) -> str:
    name = _NAMES.get(dtype)
    if name is None:
        name = _NAMES[dtype] = str(dtype).removeprefix("torch.")
    return name
