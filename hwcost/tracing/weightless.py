"""A copy of a module whose weights are on the meta device: same structure, no data, no ties to it."""

from __future__ import annotations

import copy
import functools
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode

from hwcost.errors import TraceError
from hwcost.tracing.causal_bias import is_causal_bias

_ATOMS = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type,
    range,
    slice,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
    torch.dtype,
    torch.Size,
)
_ATOM_TYPES = frozenset(_ATOMS)
_CONTAINERS = frozenset({dict, OrderedDict, defaultdict, list, set, deque})

ToMeta = Callable[[torch.Tensor], torch.Tensor]


def weightless(module: nn.Module, to_meta: ToMeta, device: torch.device) -> nn.Module:
    """A structural copy of `module` in which `to_meta` stands for every tensor, `device` for every device.

    Modules, containers and plain objects are copied, so that nothing which a forward pass stores
    reaches the original; other objects are deep-copied, or shared where they cannot be.

    Raises:
        TraceError: the module is TorchScript, or has lazy parameters that are not initialised.
    """
    memo: dict[int, Any] = {}
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if torch.nn.parameter.is_lazy(tensor):
            raise TraceError(f"parameter {name!r} is not initialised", mend="call the lazy module once first")
        memo[id(tensor)] = _meta(tensor, to_meta)
    return _Copy(memo, to_meta, device)(_unwrapped(module))  # type: ignore[no-any-return]


def copied(value: Any, to_meta: ToMeta, device: torch.device) -> Any:
    """A copy of an input in which `to_meta` stands for every tensor, however deep it lies."""
    return _Copy({}, to_meta, device)(value)


def _unwrapped(module: nn.Module) -> nn.Module:
    """The module inside `torch.compile`'s or DataParallel's wrapper."""
    while isinstance(inner := getattr(module, "_orig_mod", None), nn.Module):
        module = inner
    if isinstance(module, nn.DataParallel):
        module = module.module
    return module


def _meta(tensor: torch.Tensor, to_meta: ToMeta) -> torch.Tensor:
    twin = to_meta(tensor)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(twin, requires_grad=tensor.requires_grad)
    return twin


class _Copy:
    """One copy of a graph of objects; `memo` keeps what is shared shared."""

    def __init__(self, memo: dict[int, Any], to_meta: ToMeta, device: torch.device) -> None:
        self.memo, self.to_meta, self.device = memo, to_meta, device

    def __call__(self, value: Any) -> Any:
        kind = type(value)
        if kind is torch.device:
            return self.device
        if kind in _ATOM_TYPES or is_causal_bias(value):
            return value
        key = id(value)
        if key in self.memo:
            return self.memo[key]
        if isinstance(value, torch.Tensor):
            self.memo[key] = _meta(value, self.to_meta)
            return self.memo[key]
        if isinstance(value, nn.Module):
            return self._module(value)
        if kind in _CONTAINERS:
            return self._container(value)
        if isinstance(value, PackedSequence):
            result: Any = self._packed(value)
        elif kind is tuple or (isinstance(value, tuple) and hasattr(value, "_fields")):
            parts = [self(item) for item in value]
            result = tuple(parts) if kind is tuple else kind(*parts)
        elif kind is types.MethodType:
            result = types.MethodType(value.__func__, self(value.__self__))
        elif kind is functools.partial:
            result = functools.partial(value.func, *self(value.args), **self(value.keywords))
        elif _is_plain(kind):
            return value if hasattr(kind, "__del__") else self._filled(value)
        else:
            result = self._deep(value)
        self.memo[key] = result
        return result

    def _container(self, value: Any) -> Any:
        """A copy of a container that can hold itself: it is remembered before it is filled."""
        result: Any
        if type(value) is defaultdict:
            result = defaultdict(value.default_factory)
        else:
            result = deque(maxlen=value.maxlen) if type(value) is deque else type(value)()
        self.memo[id(value)] = result
        if isinstance(value, dict):
            for name, item in value.items():
                result[name] = self(item)
        else:
            add = result.add if isinstance(value, set) else result.append
            for item in value:
                add(self(item))
        return result

    def _packed(self, value: PackedSequence) -> PackedSequence:
        order = (self(value.sorted_indices), self(value.unsorted_indices))
        return PackedSequence(self(value.data), value.batch_sizes.clone(), *order)

    def _module(self, module: nn.Module) -> Any:
        if isinstance(module, torch.jit.ScriptModule):
            raise TraceError(
                f"{type(module).__name__} is a TorchScript module, which hides its calls",
                mend="pass the module that it was scripted or traced from",
            )
        return self._filled(module)

    def _filled(self, value: Any) -> Any:
        """A new object of the same class with copies of all attributes, past its own `__setattr__`."""
        twin = object.__new__(type(value))
        self.memo[id(value)] = twin
        for name, item in getattr(value, "__dict__", {}).items():
            twin.__dict__[name] = self(item)
        for name in _slots(type(value)):
            if (item := _slot(value, name)) is not _MISSING:
                object.__setattr__(twin, name, self(item))
        return twin

    def _deep(self, value: Any) -> Any:
        """A deep copy, or the object itself where it refuses (locks, generators, handles)."""
        try:
            with _OnMeta(self.to_meta):
                return copy.deepcopy(value, self.memo)
        except Exception:  # noqa: BLE001  any class may refuse in its own way; sharing it is then the best there is
            return value


class _OnMeta(TorchFunctionMode):
    """Turns the copies that tensors make of themselves into meta tensors."""

    def __init__(self, to_meta: ToMeta) -> None:
        super().__init__()
        self.to_meta = to_meta

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (torch.Tensor.__deepcopy__, torch.Tensor.clone):
            return _meta(args[0], self.to_meta)
        return func(*args, **(kwargs or {}))


_MISSING = object()


def _is_plain(kind: type) -> bool:
    """Whether objects of a class are their attributes and nothing else: no C state, no say in their copy."""
    return (
        all(
            getattr(kind, name) is getattr(object, name)
            for name in ("__new__", "__reduce__", "__reduce_ex__")
        )
        and not hasattr(kind, "__deepcopy__")
        and not hasattr(kind, "__setstate__")
        and (kind.__dictoffset__ != 0 or any(True for _ in _slots(kind)))
    )


def _slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        names = base.__dict__.get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if name not in ("__dict__", "__weakref__"):
                hidden = name.startswith("__") and not name.endswith("__")
                yield f"_{base.__name__.lstrip('_')}{name}" if hidden else name


def _slot(value: Any, name: str) -> Any:
    try:
        return object.__getattribute__(value, name)
    except AttributeError:
        return _MISSING
