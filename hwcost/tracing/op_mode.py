"""The mode below torch's functions: runs each op on meta tensors, keeps values, records the call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from hwcost.tracing.bands import band_of
from hwcost.tracing.capture import META, Capture, mapped_tensors, tensors_in
from hwcost.tracing.fallback import meta_like, without_meta
from hwcost.tracing.higher_order import higher_order
from hwcost.tracing.picks import picks_of
from hwcost.tracing.results import Results
from hwcost.tracing.signature import INDEXERS, PLACEMENT, Signature, named, signature
from hwcost.tracing.values import VALUE_LIMIT, evenly_spread, storage_key, twin_of

_CHOOSERS = frozenset({"aten.topk", "aten.argmax", "aten.argmin", "aten.sort", "aten.argsort", "aten.max",
                       "aten.min", "aten.multinomial"})  # fmt: skip
"""Ops whose result is an index: unknown scores still give indices, taken as evenly spread."""

ROUTING = "indices chosen from scores (top-k, argmax, sort) were taken as evenly spread"

DRAWN = "a random number that the model's code reads was taken as 1/2"


class OpMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs every op on meta tensors, keeps what is known of their values, and records it."""

    supports_higher_order_operators = True

    def __init__(self, capture: Capture) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.capture = capture
        self.results = Results()


def _dispatch(
    mode: OpMode, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
) -> Any:
    capture, kwargs = mode.capture, dict(kwargs or {})
    if capture.is_paused:
        return func(*args, **kwargs)
    if not isinstance(func, torch._ops.OpOverload):
        return higher_order(mode, func, args, kwargs)
    if torch.is_inference_mode_enabled():  # torch hands over composite ops whole then
        with mode:
            result = func.decompose(*args, **kwargs)
        if result is not NotImplemented:
            return result
    capture.is_paused = True
    try:
        return _called(mode, func, args, kwargs)
    finally:
        capture.is_paused = False


def _called(mode: OpMode, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    capture, sign = mode.capture, signature(func)
    args = tuple(_on_meta(value, capture) for value in args)
    kwargs = {key: _on_meta(value, capture) for key, value in kwargs.items()}
    if sign.device_at >= 0:
        if sign.device_at >= len(args):
            kwargs["device"] = META
        kwargs.pop("pin_memory", None)
        if "generator" in kwargs:
            kwargs["generator"] = None
    if sign.reads:
        real_args = mapped_tensors(args, lambda part: capture.real(part, "reading a number out of a tensor"))
        return func(*real_args, **kwargs)
    if sign.name in INDEXERS:
        args = (args[0], _index_numbers(args[1], capture), *args[2:])
    inputs = [*tensors_in(args), *tensors_in(kwargs)]
    if sign.is_dynamic:
        result, values = _dynamic(func, sign, args, kwargs, capture)
    else:
        try:
            result = mode.results.of(func, sign, args, kwargs)
        except (NotImplementedError, RuntimeError) as error:
            result = without_meta(func, sign, args, kwargs, capture, error)
        values = _known(func, sign, args, kwargs, result, capture)
    outputs = list(tensors_in(result))
    _keep(sign, args, kwargs, inputs, outputs, values, capture)
    made = _made(sign, args, kwargs, inputs, outputs)
    if made:
        _record(sign, args, kwargs, made, capture)
    return result


# Assigned to the class once it exists: a method in its body would be wrapped by torch in a call
# that imports torch._dynamo, which costs a second and serves nothing here.
OpMode.__torch_dispatch__ = _dispatch  # type: ignore[method-assign,assignment]


def _on_meta(value: Any, capture: Capture) -> Any:
    if isinstance(value, torch.Tensor):
        return value if value.is_meta else capture.to_meta(value, learn=True)
    if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
        return type(value)(_on_meta(item, capture) for item in value)
    return META if isinstance(value, torch.device) else value


def _index_numbers(indices: Iterable[Any], capture: Capture) -> list[Any]:
    """Indices with each boolean mask turned into the positions that it selects."""
    result: list[Any] = []
    for index in indices:
        if index is None or index.dtype not in (torch.bool, torch.uint8):
            result.append(index)
            continue
        positions = capture.real(index, "indexing with a mask").nonzero(as_tuple=True)
        result.extend(capture.to_meta(numbers, learn=True) for numbers in positions)
    return result


def _dynamic(
    func: Any, sign: Signature, args: tuple[Any, ...], kwargs: dict[str, Any], capture: Capture
) -> tuple[Any, Any]:
    """An op whose output shape depends on values: run on the known values, then made meta."""
    for tensor in tensors_in((args, list(kwargs.values()))):
        capture.real(tensor, sign.name.replace("aten.", "torch."))
    _, real_args = twin_of(args, capture.values)
    _, real_kwargs = twin_of(list(kwargs.values()), capture.values)
    values = func(*real_args, **dict(zip(kwargs, real_kwargs, strict=True)))
    return mapped_tensors(values, meta_like), values


def _known(
    func: Any, sign: Signature, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any, capture: Capture
) -> Any:
    """The op's result on known values, or None where an input is unknown or the result large."""
    if sign.is_random:
        return None
    if sign.name == "aten.empty":
        return _zeros_like(result)
    known_args, real_args = twin_of(args, capture.values)
    if not known_args:
        return None
    known_kwargs, real_kwargs = twin_of(list(kwargs.values()), capture.values)
    if not known_kwargs or any(t.numel() > VALUE_LIMIT for t in tensors_in(result)):
        return None
    try:
        return func(*real_args, **dict(zip(kwargs, real_kwargs, strict=True)))
    except (RuntimeError, IndexError, NotImplementedError):
        return None


def _zeros_like(result: torch.Tensor) -> torch.Tensor | None:
    return (
        torch.zeros(result.shape, dtype=result.dtype, device="cpu") if result.numel() <= VALUE_LIMIT else None
    )


def _keep(
    sign: Signature,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    inputs: list[torch.Tensor],
    outputs: list[torch.Tensor],
    values: Any,
    capture: Capture,
) -> None:
    """Learn the values of outputs, or forget those of what was overwritten."""
    if values is None:
        for key, value in named(sign, args, kwargs):
            if key in sign.written:
                for tensor in tensors_in(value):
                    capture.values.forget(tensor)
        if sign.name in _CHOOSERS:
            _assume_choice(sign, args, kwargs, outputs, capture)
        if sign.name == "aten.rand" and outputs[0].numel() == 1:
            capture.values.learn(outputs[0], torch.full(outputs[0].shape, 0.5), reason=DRAWN)
        return
    shared = {storage_key(tensor) for tensor in inputs}
    reason = capture.values.reason(inputs)
    for tensor, value in zip(outputs, tensors_in(values), strict=False):
        if storage_key(tensor) not in shared:
            capture.values.learn(tensor, value, reason=reason)


def _assume_choice(
    sign: Signature,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    outputs: list[torch.Tensor],
    capture: Capture,
) -> None:
    """Let an op that picks by unknown scores pick every candidate equally often."""
    scores = args[0]
    if not scores.is_floating_point() or scores.dim() == 0:
        return
    dim = dict(named(sign, args, kwargs)).get("dim", sign.defaults.get("dim", -1))
    for tensor in outputs:
        if tensor.dtype != torch.int64:
            continue
        if dim is None:
            indices = torch.zeros(tensor.shape, dtype=torch.int64)
        elif tensor.dim() < scores.dim():
            indices = evenly_spread(tensor.unsqueeze(dim), dim, scores.shape[dim]).squeeze(dim)
        else:
            indices = evenly_spread(tensor, dim, scores.shape[dim])
        capture.values.learn(tensor, indices, reason=ROUTING)


def _made(
    sign: Signature,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    inputs: list[torch.Tensor],
    outputs: list[torch.Tensor],
) -> list[torch.Tensor]:
    """The tensors that an op writes: arguments in place, and outputs that lie in none of them.

    Empty for a view, which is not recorded: what it changes is in the strides and offset of the
    tensors that later ops see.
    """
    if sign.is_metadata:
        return []
    sources = {storage_key(tensor) for tensor in inputs}
    written = [
        tensor
        for key, value in named(sign, args, kwargs)
        if key in sign.written
        for tensor in tensors_in(value)
    ]
    return written + [tensor for tensor in outputs if storage_key(tensor) not in sources]


def _record(
    sign: Signature,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    outputs: list[torch.Tensor],
    capture: Capture,
) -> None:
    """Record a call; a tensor given as `out=` is an output of it and no input."""
    read = [value for key, value in kwargs.items() if key not in sign.destinations]
    inputs = tensors_in([*args, *read])
    given = dict(named(sign, args, kwargs))
    attributes = dict(sign.defaults)
    for key, value in given.items():
        if key in PLACEMENT:
            continue
        if isinstance(value, torch.Tensor) or next(tensors_in(value), None) is not None:
            attributes.pop(key, None)
        else:
            attributes[key] = value
    if band := band_of(sign.name, given, capture):
        attributes["band"] = band
    attributes |= picks_of(sign.name, given, capture)
    capture.recorder.record(sign.name, inputs, outputs, attributes, is_pointwise=sign.is_pointwise)
