"""Calls that a trace is told of as they are, where no function of torch amounts to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from hwcost.tracing.capture import META

if TYPE_CHECKING:
    from hwcost.sources.onnx_model.run import Run

Made = tuple[Sequence[int], torch.dtype]
"""Shape and dtype of a result."""


def told(
    run: Run,
    name: str,
    inputs: Sequence[torch.Tensor | None],
    made: Sequence[Made],
    attributes: Mapping[str, Any] | None = None,
    *,
    otherwise: Callable[[], Any] | None = None,
) -> tuple[torch.Tensor, ...]:
    """The results of a call of the op `name`, recorded with its inputs, results and attributes.

    otherwise: how torch computes about the same, for counters beside ours, which see torch's ops alone.
    """
    recorder, capture = run.recorder, run.capture
    if recorder is None or capture is None:
        if otherwise is not None and not (capture is not None and capture.is_paused):
            result = otherwise()
            return tuple(result) if isinstance(result, list | tuple) else (result,)
        return tuple(torch.zeros(tuple(shape), dtype=dtype, device=run.device) for shape, dtype in made)
    if torch.is_grad_enabled():
        run.note(f"{name} is counted without its backward pass")
    with run.paused():
        results = tuple(torch.empty(tuple(shape), dtype=dtype, device=META) for shape, dtype in made)
        given = [capture.to_meta(tensor, learn=True) for tensor in inputs if tensor is not None]
    recorder.record(name, given, list(results), dict(attributes or {}))
    return results
