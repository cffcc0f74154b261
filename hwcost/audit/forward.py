"""Run a subject once: on meta as it is, on meta with the values of small tensors known, or on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from hwcost.sources.subject import Subject
from hwcost.tracing.capture import META, Capture, has_values
from hwcost.tracing.function_mode import FunctionMode, WholeFunction
from hwcost.tracing.op_mode import OpMode
from hwcost.tracing.python import device_claims, rewrites
from hwcost.tracing.weightless import weightless
from hwcost.tracing.whole import handlers

Modes = Callable[[nn.Module], AbstractContextManager[Any]]
"""What counts a forward pass, given the module that runs."""

WEIGHT: Final = 0.02
"""Standard deviation of random weights: small, as language models begin with."""

CAUGHT_WHOLE: Final = (
    functional.scaled_dot_product_attention,
    torch.lstm,
    torch.gru,
    torch.rnn_tanh,
    torch.rnn_relu,
    torch.lstm_cell,
    torch.gru_cell,
    torch.rnn_tanh_cell,
    torch.rnn_relu_cell,
)
"""Functions that a trace catches whole and that another counter must see for itself."""

GROUPED: Final = frozenset(
    function
    for owner in (torch, functional)
    for name in ("_grouped_mm", "grouped_mm")
    if (function := getattr(owner, name, None)) is not None
)
"""A row of matrices, each with rows of its own: the product of a mixture of experts."""


def on_meta(subject: Subject, modes: Modes) -> frozenset[str]:
    """Run under `modes` on meta, without the values of any tensor; where that fails, with small ones known.

    The second way supplies what the model reads of ids, masks and lengths, as a trace does. The ops
    that the modes see are those of torch either way, but for grouped products, which torch has on meta
    for one dtype only: given back are the names of such that were stood in for.
    """
    try:
        twin, inputs, keywords = bare(subject)
        with torch.no_grad(), modes(twin):
            twin(*inputs, **keywords)
    except Exception:  # noqa: BLE001  whatever a model raises that reads values on meta
        return _with_values(subject, modes)
    return frozenset()


def bare(subject: Subject) -> tuple[nn.Module, Any, dict[str, Any]]:
    """(module, inputs, keywords) on meta, without the values of any tensor."""
    inputs, keywords = mapped((subject.inputs or (), dict(subject.keywords)), _bare)
    return weightless(subject.module, _bare, META).eval(), inputs, keywords


def _bare(tensor: torch.Tensor) -> torch.Tensor:
    return tensor if tensor.is_meta else tensor.to(META)


def _with_values(subject: Subject, modes: Modes) -> frozenset[str]:
    capture = Capture()

    def stored(tensor: torch.Tensor) -> torch.Tensor:
        return capture.to_meta(tensor, learn=not isinstance(tensor, nn.Parameter))

    twin = weightless(subject.module, stored, capture.device).eval()

    def known(tensor: torch.Tensor) -> torch.Tensor:
        result = capture.to_meta(tensor, learn=True)
        if not has_values(tensor) and not (tensor.is_floating_point() or tensor.is_complex()):
            capture.values.learn(result, torch.ones(tensor.shape, dtype=tensor.dtype))
        return result

    inputs, keywords = mapped((subject.inputs or (), dict(subject.keywords)), known)
    every = handlers() | device_claims()
    kept = {function: handle for function, handle in every.items() if function not in CAUGHT_WHOLE}
    stood_in: set[str] = set()
    for function in GROUPED & set(kept):
        kept[function] = _noted(kept[function], stood_in)
    with torch.no_grad(), OpMode(capture), FunctionMode(capture, kept, rewrites(), {}), modes(twin):
        twin(*inputs, **keywords)
    return frozenset(stood_in)


def _noted(handle: WholeFunction, names: set[str]) -> WholeFunction:
    """A handler that leaves the name of its op."""

    def noted(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        names.add("_grouped_mm")
        return handle(capture, args, kwargs)

    return noted


def with_weights(subject: Subject) -> tuple[nn.Module, Any, dict[str, Any]]:
    """(module, inputs, keywords) on the CPU: small random weights, the values of inputs and buffers kept."""
    random = torch.Generator().manual_seed(0)

    def real(tensor: torch.Tensor) -> torch.Tensor:
        if has_values(tensor) and not isinstance(tensor, nn.Parameter):
            return tensor.detach().to("cpu", copy=True)
        return _made(tensor, random)

    def given(tensor: torch.Tensor) -> torch.Tensor:
        if has_values(tensor):
            return tensor.detach().to("cpu", copy=True)
        if tensor.is_floating_point() or tensor.is_complex():
            return _made(tensor, random)
        return torch.ones(tensor.shape, dtype=tensor.dtype)

    inputs, keywords = mapped((subject.inputs or (), dict(subject.keywords)), given)
    return weightless(subject.module, real, torch.device("cpu")).eval(), inputs, keywords


def _made(tensor: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    if not tensor.is_floating_point():
        return torch.zeros(tensor.shape, dtype=tensor.dtype)
    return torch.randn(tensor.shape, generator=random).mul_(WEIGHT).to(tensor.dtype)


def mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """A value with every tensor inside it changed."""
    if isinstance(value, PackedSequence):
        order = (mapped(value.sorted_indices, change), mapped(value.unsorted_indices, change))
        return PackedSequence(change(value.data), value.batch_sizes.clone(), *order)
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, list | tuple):
        parts = [mapped(item, change) for item in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return type(value)({key: mapped(item, change) for key, item in value.items()})
    return value


@contextmanager
def entered(*contexts: AbstractContextManager[Any]) -> Iterator[None]:
    """Several contexts as one, the last innermost."""
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield
