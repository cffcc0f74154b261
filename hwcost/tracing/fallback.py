"""Ops that torch cannot run on meta tensors: run on zeros of the same shape instead."""

from __future__ import annotations

from typing import Any

import torch

from hwcost.errors import TraceError
from hwcost.tracing.capture import META, Capture, mapped_tensors, require_dense, tensors_in
from hwcost.tracing.signature import Signature

ZEROS_LIMIT = 2**26
"""Elements up to which zeros are made: what fits beside a model of any size."""


def without_meta(
    func: Any,
    sign: Signature,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    capture: Capture,
    error: NotImplementedError | RuntimeError,
) -> Any:
    """The result of an op whose meta version is missing, or stricter than that of the CPU.

    Raises:
        TraceError: a tensor is not dense, or the op runs on no device here.
        RuntimeError: the CPU refuses the arguments too.
    """
    capture.failed_in = capture.recorder.path[-1]
    given = [*tensors_in(args), *tensors_in(list(kwargs.values()))]
    for tensor in given:
        require_dense(tensor)
    if any(isinstance(value, torch.ScriptObject) for value in args):
        raise TraceError(
            f"{sign.name} keeps its weights in an object of its own, which hides their shapes",
            mend="trace the model before it is quantised",
        )
    if sign.written or sum(tensor.numel() for tensor in given) > ZEROS_LIMIT:
        raise error

    def stand_in(tensor: torch.Tensor) -> torch.Tensor:
        known = capture.values.of(tensor)
        return torch.zeros(tensor.shape, dtype=tensor.dtype, device="cpu") if known is None else known

    real_args = [_on_cpu(mapped_tensors(value, stand_in)) for value in args]
    real_kwargs = {key: _on_cpu(mapped_tensors(value, stand_in)) for key, value in kwargs.items()}
    try:
        result = func(*real_args, **real_kwargs)
    except NotImplementedError:
        raise TraceError(
            f"{sign.name.replace('aten.', 'torch.')} runs neither on meta tensors nor on the CPU",
            mend="trace the model before it is quantised or compiled for a device",
        ) from error
    for tensor in tensors_in(result):
        require_dense(tensor)
    return mapped_tensors(result, meta_like)


def meta_like(tensor: torch.Tensor) -> torch.Tensor:
    """A meta tensor that lies like a real one."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=META)


def _on_cpu(value: Any) -> Any:
    return torch.device("cpu") if isinstance(value, torch.device) else value
