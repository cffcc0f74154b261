"""Ops made from calls of torch on meta tensors, apart from the tracer under test elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from hwcost.graph import Op, Storage, Tensor, Work, contiguous
from hwcost.rules.count import count


class Recorder(TorchDispatchMode):
    """Notes each call as an Op; tensors of one storage share its id."""

    def __init__(self) -> None:
        super().__init__()
        self.ops: list[Op] = []
        self._storages: dict[int, tuple[Storage, torch.Tensor]] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.note(func, args, kwargs or {}, result)
        return result

    def note(self, func, args, kwargs, result) -> None:
        schema = func._schema
        given = dict(zip((argument.name for argument in schema.arguments), args, strict=False)) | kwargs
        inputs: list[torch.Tensor] = []
        attributes = {}
        for argument in schema.arguments:
            value = given.get(argument.name, argument.default_value)
            found = [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]
            inputs.extend(() if argument.is_out else found)
            if not found:
                attributes[argument.name] = _plain(value)
        outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        namespace, _, name = schema.name.partition("::")
        aliases = [returned.alias_info for returned in schema.returns]
        is_view = any(info is not None and not info.is_write for info in aliases)
        self.ops.append(
            Op(
                name=f"{namespace}.{name}",
                inputs=tuple(self.tensor(each) for each in inputs),
                outputs=tuple(self.tensor(each) for each in outputs),
                attributes=attributes,
                is_view=is_view,
                is_pointwise=torch.Tag.pointwise in func.tags,
            )
        )

    def tensor(self, value: torch.Tensor) -> Tensor:
        memory = value.untyped_storage()
        dtype = str(value.dtype).removeprefix("torch.")
        key = memory._cdata
        if key not in self._storages:
            elements = memory.nbytes() // value.element_size()
            storage = Storage(id=str(len(self._storages)), elements=elements, dtype=dtype)
            self._storages[key] = (storage, value)  # the value stays alive, so its address stays its own
        return Tensor(
            storage=self._storages[key][0],
            shape=tuple(value.shape),
            strides=tuple(value.stride()),
            dtype=dtype,
            offset=value.storage_offset(),
        )


def _plain(value):
    if isinstance(value, (list, tuple)):
        return tuple(_plain(entry) for entry in value)
    return value if isinstance(value, (bool, int, float, str)) or value is None else str(value)


def recorded(function: Callable[..., object], *args: object, **kwargs: object) -> list[Op]:
    """The ops that a function of tensors calls."""
    with Recorder() as recorder, torch.no_grad():
        function(*args, **kwargs)
    return recorder.ops


def op_of(function: Callable[..., object], *args: object, **kwargs: object) -> Op:
    """The one op that is not a view, of a call of torch.ops.aten."""
    found = [op for op in recorded(function, *args, **kwargs) if not op.is_view]
    assert len(found) == 1, [op.name for op in found]
    return found[0]


def work_of(function: Callable[..., object], *args: object, **kwargs: object) -> Work:
    """The work of the one op that a call of torch.ops.aten amounts to."""
    (work,) = count((op_of(function, *args, **kwargs),))
    assert isinstance(work, Work)
    return work


def flops_of(function: Callable[..., object], *args: object, **kwargs: object) -> int:
    """What torch's own counter says of a call."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        function(*args, **kwargs)
    return counter.get_total_flops()


def tensor(name: str, *shape: int, dtype: str = "float32") -> Tensor:
    """A row-major tensor alone in its storage."""
    return contiguous(Storage(id=name, elements=prod(shape), dtype=dtype), shape)


def work_by_hand(name: str, inputs: list[Tensor], outputs: list[Tensor], **attributes: object) -> Work:
    """The work of an op that has no kernel for meta tensors."""
    op = Op(name=name, inputs=tuple(inputs), outputs=tuple(outputs), attributes=attributes)
    (work,) = count((op,))
    assert isinstance(work, Work)
    return work


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")
