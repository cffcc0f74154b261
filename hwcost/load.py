"""What the user names as a model becomes a trace, or a subject to trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hwcost.errors import UsageError
from hwcost.graph import Trace
from hwcost.sources.callables import is_module, module_and_inputs
from hwcost.sources.subject import Subject, trace_of

if TYPE_CHECKING:
    from torch import nn

__all__ = ["is_module", "load_subject", "load_trace", "module_and_inputs", "trace_module"]

TRANSFORMERS = "hf:"
EXPORTED = ".pt2"
SAVED = ".json"
PYTHON = ".py"
"""What a model's name begins or ends with, by the kind of its source."""


def load_trace(
    model: str,
    *,
    seq_len: int | None = None,
    batch: int | None = None,
    settings: Mapping[str, object] | None = None,
    use_cache: bool = True,
) -> Trace:
    """The trace of a model given in words.

    model: a ready-made name, `package.module:callable`, `path/to/file.py:callable`, `hf:CONFIG`, the
    path of an exported program, or that of a saved trace. seq_len, batch, settings: arguments of what
    makes the model; a saved trace and an exported program take none. use_cache: ready-made models are
    traced once per version, size and settings.

    Raises:
        ModelError, TraceError, TraceFileError, UsageError: it cannot be found, made, traced or read.
    """
    settings = _settings(settings)
    if _is_saved(model):
        from hwcost import tracefile

        _require_no_sizes(model, "a saved trace", seq_len, batch, settings)
        return tracefile.read(model)
    if _is_ready_made(model):
        from hwcost.sources import ready_made

        return ready_made.trace(model, seq_len=seq_len, batch=batch, settings=settings, use_cache=use_cache)
    return trace_of(load_subject(model, seq_len=seq_len, batch=batch, settings=settings))


def load_subject(
    model: str,
    *,
    seq_len: int | None = None,
    batch: int | None = None,
    settings: Mapping[str, object] | None = None,
) -> Subject:
    """The module and inputs of a model given in words, which is anything but a saved trace.

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

        return transformers_config.subject(model, seq_len=seq_len, batch=batch, settings=settings)
    if model.endswith(EXPORTED):
        from hwcost.sources import exported

        _require_no_sizes(model, "an exported program", seq_len, batch, settings)
        return exported.subject(model)
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
    return ":" not in model and not model.endswith((SAVED, EXPORTED, PYTHON))


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
) -> Trace:
    """The trace of a module; inputs None: taken from its first layer, and said so in the trace."""
    return trace_of(
        Subject(
            module=module, inputs=inputs, keywords=keywords or {}, name=name, seq_len=seq_len, batch=batch
        )
    )
