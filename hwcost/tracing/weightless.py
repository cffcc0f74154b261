"""A copy of a module whose weights are on the meta device: same structure, no data, no ties to it."""

from __future__ import annotations

import copy
import functools
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from hwcost.errors import TraceError

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
    torch.device,
    torch.Size,
)
_ATOM_TYPES = frozenset(_ATOMS)

ToMeta = Callable[[torch.Tensor], torch.Tensor]


def weightless(module: nn.Module, to_meta: ToMeta) -> nn.Module:
    """A structural copy of `module` in which `to_meta` stands for every tensor.

    Modules and containers are copied, so that nothing which a forward pass stores reaches the
    original; other objects are deep-copied, or shared where they cannot be.

    Raises:
        TraceError: the module is TorchScript, or has lazy parameters that are not initialised.
    """
    memo: dict[int, Any] = {}
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if torch.nn.parameter.is_lazy(tensor):
            raise TraceError(f"parameter {name!r} is not initialised", mend="call the lazy module once first")
        memo[id(tensor)] = _meta(tensor, to_meta)
    return _copied(_unwrapped(module), memo, to_meta)  # type: ignore[no-any-return]


def _unwrapped(module: nn.Module) -> nn.Module:
    """The module inside `torch.compile`'s or DataParallel's wrapper."""
    while isinstance(inner := module.__dict__.get("_modules", {}).get("_orig_mod"), nn.Module):
        module = inner
    if isinstance(module, nn.DataParallel):
        module = module.module
    return module


def _meta(tensor: torch.Tensor, to_meta: ToMeta) -> torch.Tensor:
    twin = to_meta(tensor)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(twin, requires_grad=tensor.requires_grad)
    return twin


def _copied(value: Any, memo: dict[int, Any], to_meta: ToMeta) -> Any:
    if type(value) in _ATOM_TYPES:
        return value
    key = id(value)
    if key in memo:
        return memo[key]
    if isinstance(value, torch.Tensor):
        memo[key] = _meta(value, to_meta)
        return memo[key]
    if isinstance(value, nn.Module):
        return _copied_module(value, memo, to_meta)
    if type(value) in (dict, OrderedDict, defaultdict, list, set, deque):
        return _copied_container(value, memo, to_meta)
    result: Any
    if type(value) is tuple:
        result = tuple(_copied(item, memo, to_meta) for item in value)
    elif type(value) is types.MethodType:
        result = types.MethodType(value.__func__, _copied(value.__self__, memo, to_meta))
    elif type(value) is functools.partial:
        arguments = _copied(value.args, memo, to_meta)
        result = functools.partial(value.func, *arguments, **_copied(value.keywords, memo, to_meta))
    else:
        result = _deep_copied(value, memo)
    memo[key] = result
    return result


def _copied_container(value: Any, memo: dict[int, Any], to_meta: ToMeta) -> Any:
    """A copy of a container that can hold itself: it is remembered before it is filled."""
    result: Any = defaultdict(value.default_factory) if type(value) is defaultdict else type(value)()
    memo[id(value)] = result
    if isinstance(value, dict):
        for name, item in value.items():
            result[name] = _copied(item, memo, to_meta)
    else:
        add = result.add if isinstance(value, set) else result.append
        for item in value:
            add(_copied(item, memo, to_meta))
    return result


def _copied_module(module: nn.Module, memo: dict[int, Any], to_meta: ToMeta) -> nn.Module:
    if isinstance(module, torch.jit.ScriptModule):
        raise TraceError(
            f"{type(module).__name__} is a TorchScript module, which hides its calls",
            mend="pass the module that it was made from",
        )
    twin = module.__class__.__new__(module.__class__)
    memo[id(module)] = twin
    attributes = twin.__dict__
    for name, value in module.__dict__.items():
        attributes[name] = _copied(value, memo, to_meta)
    return twin


def _deep_copied(value: Any, memo: dict[int, Any]) -> Any:
    """A deep copy, or the object itself where it refuses (locks, generators, handles)."""
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # noqa: BLE001  any class may refuse in its own way; sharing it is then the best there is
        return value
