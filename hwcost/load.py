"""What the user names as a model becomes a trace, or a subject to trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hwcost.errors import OrderError, UsageError
from hwcost.graph import Trace
from hwcost.orders.order import OFFLINE, Order
from hwcost.sources.callables import is_module, module_and_inputs
from hwcost.sources.subject import Subject, trace_of

if TYPE_CHECKING:
    from torch import nn

__all__ = ["is_module", "load_subject", "load_trace", "module_and_inputs", "trace_module"]

TRANSFORMERS = "hf:"
EXPORTED = ".pt2"
ONNX = ".onnx"
SAVED = ".json"
PYTHON = ".py"
"""What a model's name begins or ends with, by the kind of its source."""


def load_trace(
    model: str,
    *,
    seq_len: int | None = None,
    batch: int | None = None,
    settings: Mapping[str, object] | None = None,
    order: Order = OFFLINE,
    optimizer: str | None = None,
    use_cache: bool = True,
) -> Trace:
    """The trace of a model given in words.

    model: a ready-made name, `package.module:callable`, `path/to/file.py:callable`, `hf:CONFIG`, the
    path of an exported program, of an ONNX file, or of a saved trace. seq_len, batch, settings: arguments
    of what makes the model, sizes that an ONNX file leaves open; saved traces and exported programs take
    none. order: in which the steps of its sequence reach it. optimizer: that of a training iteration;
    None: a forward pass. use_cache: ready-made models are traced once per version, size, settings, order
    and optimiser.

    Raises:
        ModelError, TraceError, TraceFileError, UsageError: it cannot be found, made, traced or read.
        OrderError: it has no form in that order.
    """
    settings = _settings(settings)
    if optimizer is not None:
        require_trainable_source(order, is_saved=_is_saved(model), where=model)
    if order.steps is not None and not _is_saved(model):
        return _load_stream(model, seq_len, batch, settings, order, use_cache=use_cache)
    if _is_saved(model):
        from hwcost import tracefile

        _require_no_sizes(model, "a saved trace", None if order.prompt else seq_len, batch, settings)
        return in_order(tracefile.read(model), order, where=model)
    if _is_ready_made(model):
        from hwcost.sources import ready_made

        return ready_made.trace(
            model,
            seq_len=seq_len,
            batch=batch,
            settings=settings,
            optimizer=optimizer,
            use_cache=use_cache,
        )
    return trace_of(load_subject(model, seq_len=seq_len, batch=batch, settings=settings), optimizer=optimizer)


def require_trainable_source(order: Order, *, is_saved: bool, where: str = "") -> None:
    """Refuse a training iteration of what is no model, or of a stream.

    Raises:
        UsageError: it is a saved trace, or comes step by step.
    """
    if is_saved:
        raise UsageError(
            "a saved trace is of inference or of training already",
            where=where,
            mend="leave --phase out, or save one with hwcost trace MODEL --phase training",
        )
    if order.steps is not None:
        raise UsageError(
            f"--order {order.word} has no backward pass", where=where, mend="train with --order offline"
        )


def in_order(trace: Trace, order: Order, *, where: str = "") -> Trace:
    """A trace that is there already, which has one length and one order; offline asks for no other.

    Raises:
        OrderError: another order is asked for.
    """
    if order.steps is not None and order.word != trace.order:
        raise OrderError(
            f"a saved trace has its order, which is {trace.order}",
            where=where,
            mend=f"save another with hwcost trace MODEL {order.options}",
        )
    return trace


def _load_stream(
    model: str,
    seq_len: int | None,
    batch: int | None,
    settings: Mapping[str, object],
    order: Order,
    *,
    use_cache: bool,
) -> Trace:
    """The trace of a stream of a model given in words."""
    if _is_ready_made(model):
        from hwcost.sources import ready_made

        return ready_made.stream(
            model, seq_len=seq_len, batch=batch, settings=settings, order=order, use_cache=use_cache
        )
    from hwcost.sources import callables, ordered

    if model.endswith(EXPORTED):
        raise OrderError(
            "an exported program holds one length", where=model, mend="name the model that it was made from"
        )

    def at(length: int | None) -> Subject:
        return load_subject(
            model, seq_len=length, batch=batch, settings=settings, generates=order.prompt is not None
        )

    if model.startswith(TRANSFORMERS) or model.endswith(ONNX) or callables.takes_seq_len(model):
        length = seq_len or at(None).seq_len
        if length is None:
            raise OrderError("does not say how long its sequence is", where=model, mend="give --seq-len")
        return ordered.trace_in_order(at, order=order, seq_len=length, name=model)
    made_at, length = ordered.of_given(at(None), order.prompt or seq_len)
    length = seq_len if order.prompt and seq_len else length
    return ordered.trace_in_order(made_at, order=order, seq_len=length, name=model)


def load_subject(
    model: str,
    *,
    seq_len: int | None = None,
    batch: int | None = None,
    settings: Mapping[str, object] | None = None,
    generates: bool = False,
) -> Subject:
    """The module and inputs of a model given in words, which is anything but a saved trace.

    generates: it is to generate tokens, so that a model of transformers has its head.

    Raises:
        ModelError, UsageError: it cannot be found or made, or it is a saved trace.
    """
    settings = _settings(settings)
    if _is_saved(model):
        raise UsageError(
            "a saved trace holds no module that could be run again",
            where=model,
            mend="name the model that it was made from",
        )
    if model.startswith(TRANSFORMERS):
        from hwcost.sources import transformers_config

        return transformers_config.subject(
            model, seq_len=seq_len, batch=batch, settings=settings, generates=generates
        )
    if model.endswith(EXPORTED):
        from hwcost.sources import exported

        _require_no_sizes(model, "an exported program", seq_len, batch, settings)
        return exported.subject(model)
    if model.endswith(ONNX):
        from hwcost.sources import onnx_model

        return onnx_model.subject(model, seq_len=seq_len, batch=batch, settings=settings)
    if _is_ready_made(model):
        from hwcost.sources import ready_made

        return ready_made.subject(model, seq_len=seq_len, batch=batch, settings=settings)
    from hwcost.sources import callables

    return callables.subject(model, seq_len=seq_len, batch=batch, settings=settings)


def _settings(settings: Mapping[str, object] | None) -> dict[str, object]:
    """Settings without sizes, which are arguments of their own since a report tells and uses them."""
    for size in ("seq_len", "batch"):
        if size in (settings or {}):
            raise UsageError("has an argument of its own", where=f"settings[{size!r}]", mend=f"give {size}=N")
    return dict(settings or {})


def _is_saved(model: str) -> bool:
    return model.endswith(SAVED) and not model.startswith(TRANSFORMERS)


def _is_ready_made(model: str) -> bool:
    return ":" not in model and not model.endswith((SAVED, EXPORTED, ONNX, PYTHON))


def _require_no_sizes(
    model: str, what: str, seq_len: int | None, batch: int | None, settings: Mapping[str, object]
) -> None:
    if settings or seq_len or batch:
        raise UsageError(
            f"{what} has its sizes already", where=model, mend="leave --seq-len, --batch and --set out"
        )


def trace_module(
    module: nn.Module,
    inputs: tuple[Any, ...] | None,
    keywords: Mapping[str, Any] | None = None,
    *,
    name: str = "",
    seq_len: int | None = None,
    batch: int | None = None,
    order: Order = OFFLINE,
    optimizer: str | None = None,
) -> Trace:
    """The trace of a module; inputs None: taken from its first layer, and said so in the trace."""
    subject = Subject(
        module=module, inputs=inputs, keywords=keywords or {}, name=name, seq_len=seq_len, batch=batch
    )
    if order.steps is None:
        return trace_of(subject, optimizer=optimizer)
    from hwcost.sources import ordered

    at, length = ordered.of_given(subject, order.prompt or seq_len)
    length = seq_len if order.prompt and seq_len else length
    return ordered.trace_in_order(at, order=order, seq_len=length, name=name or type(module).__name__)
