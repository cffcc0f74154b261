"""What a model's Python code sees of its tensors: constants, values and the device that they claim."""

from __future__ import annotations

from typing import Any

import torch

from hwcost.tracing.capture import META, Capture, mapped_tensors, tensors_in
from hwcost.tracing.function_mode import Rewrite, WholeFunction
from hwcost.tracing.values import VALUE_LIMIT

_TYPES = {
    torch.float64: "Double",
    torch.float32: "Float",
    torch.float16: "Half",
    torch.bfloat16: "BFloat16",
    torch.int64: "Long",
    torch.int32: "Int",
    torch.int16: "Short",
    torch.int8: "Char",
    torch.uint8: "Byte",
    torch.bool: "Bool",
}


def python_handlers() -> dict[Any, WholeFunction]:
    """What to do instead of the functions between Python's values and tensors."""
    tensor: Any = torch.Tensor
    return {
        torch.tensor: _constant,
        torch.as_tensor: _constant,
        tensor.new_tensor: _new_constant,
        tensor.tolist: _read(tensor.tolist),
        tensor.numpy: _read(tensor.numpy),
        tensor.__array__: _read(tensor.__array__),
        tensor.cuda: _stay,
        tensor.cpu: _stay,
        tensor.data_ptr: lambda _capture, _args, _kwargs: 0,
        tensor.tensor_split: _split,
        torch.tensor_split: _split,
    }


def device_claims() -> dict[Any, WholeFunction]:
    """What tensors say of their device while a model runs: that they are on a CPU."""
    tensor: Any = torch.Tensor
    return {
        tensor.device.__get__: lambda capture, _args, _kwargs: capture.device,
        tensor.is_meta.__get__: lambda _capture, _args, _kwargs: False,
        tensor.is_cpu.__get__: lambda _capture, _args, _kwargs: True,
        tensor.type: _type,
    }


def rewrites() -> dict[Any, Rewrite]:
    """Functions that are called with other arguments than the model gave."""
    tensor: Any = torch.Tensor
    return {
        tensor.__getitem__: _index_tensors,
        tensor.__setitem__: _index_tensors,
        tensor.to: _on_one_device,
        torch.as_tensor: _on_one_device,
        tensor.type: _dtype,
    }


def _constant(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """torch.tensor(data): on meta, its values known."""
    if isinstance(args[0] if args else kwargs.get("data"), torch.Tensor):
        return NotImplemented
    data = args[0] if args else kwargs["data"]
    dtype = args[1] if len(args) > 1 else kwargs.get("dtype")
    return _known(capture, data, dtype)


def _new_constant(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    data = args[1] if len(args) > 1 else kwargs["data"]
    return _known(capture, data, kwargs.get("dtype") or args[0].dtype)


def _known(capture: Capture, data: Any, dtype: torch.dtype | None) -> torch.Tensor:
    if isinstance(data, list | tuple) and next(tensors_in(data), None) is not None:
        data = mapped_tensors(data, lambda part: capture.real(part, "making a tensor of tensors"))
    made = torch.tensor(data, dtype=dtype, device="cpu")
    if made.numel() > VALUE_LIMIT:
        return made
    twin = torch.empty_strided(made.shape, made.stride(), dtype=made.dtype, device=META)
    capture.values.learn(twin, made)
    return twin


def _read(method: Any) -> WholeFunction:
    """A method that hands the values of a tensor to Python."""

    def read(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return method(capture.real(args[0], f"Tensor.{method.__name__}"), *args[1:], **kwargs)

    return read


def _stay(_capture: Capture, args: tuple[Any, ...], _kwargs: dict[str, Any]) -> torch.Tensor:
    """Moving a tensor to another device: everything stays on meta."""
    return args[0]  # type: ignore[no-any-return]


def _type(_capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Tensor.type() without arguments: the name of a type on the CPU."""
    if len(args) > 1 or kwargs:
        return NotImplemented
    return f"torch.{_TYPES[args[0].dtype]}Tensor" if args[0].dtype in _TYPES else NotImplemented


def _dtype(
    _capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Tensor.type(type): types by name or class name a device too, so their dtype is taken."""
    wanted = args[1] if len(args) > 1 else kwargs.pop("dtype")
    if not isinstance(wanted, torch.dtype):
        name = str(getattr(wanted, "__name__", wanted)).rpartition(".")[2].removesuffix("Tensor")
        wanted = next((dtype for dtype, title in _TYPES.items() if title == name), wanted)
    return (args[0], wanted, *args[2:]), kwargs


def _on_one_device(
    capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Tensor.to: a move to another device is none, and a change of dtype stays one."""
    first, *rest = (mapped_tensors(value, lambda part: capture.to_meta(part, learn=True)) for value in args)
    if rest and isinstance(rest[0], str | int | torch.device) and not isinstance(rest[0], bool):
        rest[0] = META
    if kwargs.get("device") is not None:
        kwargs = kwargs | {"device": META}
    return (first, *rest), kwargs


def _index_tensors(
    capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Lists in an index as tensors: torch would make them on the meta device, without values."""
    tensor, index, *rest = args
    if isinstance(index, list):
        index = (index,)
    if isinstance(index, tuple):
        index = tuple(_known(capture, part, None) if isinstance(part, list) else part for part in index)
    return (tensor, index, *rest), kwargs


def _split(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """tensor_split at places given as a tensor, which torch wants on the CPU."""
    if len(args) < 2 or not isinstance(args[1], torch.Tensor):
        return NotImplemented
    places = capture.real(args[1], "torch.tensor_split").tolist()
    return torch.tensor_split(args[0], places, *args[2:], **kwargs)
