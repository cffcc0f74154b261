"""Models in an order of execution other than offline, from whatever source they come."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hwcost.errors import ModelError, OrderError
from hwcost.graph import Trace
from hwcost.orders import Order, streamed
from hwcost.sources.subject import Subject, trace_of, with_inputs

UNCLEAR = "let the callable take seq_len"


def trace_in_order(subject_at: Callable[[int], Subject], *, order: Order, seq_len: int, name: str) -> Trace:
    """The trace of a model whose subject can be made at any length.

    A module that says how it steps is asked; else the stream is derived from whole sequences.

    Raises:
        HwcostError: it has no such form, or cannot be made or traced.
    """
    from hwcost.sources import stepping

    try:
        subject = _ready(subject_at(seq_len))
        if stepping.says_how(subject.module):
            made = stepping.stepped(subject_at, order=order, seq_len=seq_len)
        else:
            made = streamed(lambda length: trace_of(_ready(subject_at(length))), order=order, seq_len=seq_len)
    except OrderError as error:
        raise OrderError(error.what, where=error.where or name, mend=_mend(error.mend, order)) from error
    except ModelError as error:
        raise ModelError(error.what, where=error.where, mend=_mend(error.mend, order)) from error
    return replace(
        made,
        model=subject.name or made.model,
        assumptions=tuple(dict.fromkeys((*made.assumptions, *subject.assumptions))),
    )


def _mend(mend: str, order: Order) -> str:
    """How an error is mended, in the options that were given."""
    if order.prompt is None:
        return mend
    if "chunk:" in mend:
        return "it does not go on token by token: leave --prompt and --generate out"
    mend = mend.replace("take --order offline", "leave --prompt and --generate out")
    return re.sub(r"--seq-len (\d+)", r"--prompt N --generate M with N + M - 1 of at most \1", mend)


def _ready(subject: Subject) -> Subject:
    """A subject as a stream traces it."""
    subject = _without_cache(subject)
    return replace(subject, inputs=_dense(subject.inputs), keywords=_dense(dict(subject.keywords)))


def _without_cache(subject: Subject) -> Subject:
    """A model of transformers leaves its own cache out: the stream has one."""
    config: Any = getattr(subject.module, "config", None)
    if getattr(config, "use_cache", False):
        config.use_cache = False
    return subject


def stream_settings(
    known: Mapping[str, str], settings: Mapping[str, object], seq_len: int, *, is_prompt: bool = False
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Settings of a ready-made model with those that a stream needs, and sentences on what was set.

    Attention that may be causal is; what is read before the stream (a source) has a length of its own.
    is_prompt: `seq_len` is that of a prompt, which is the source where there is one.
    """
    chosen, notes = dict(settings), []
    if "causal" in known and "causal" not in chosen and known["causal"] == "false":
        chosen["causal"] = "true"
        notes.append("causal=true was set, since a stream does not see later steps")
    if "source_len" in known and str(chosen.get("source_len", "0")) == "0":
        chosen["source_len"] = str(seq_len)
        notes.append(
            f"source_len={seq_len} was set: the prompt is the source, behind which the target is generated"
            if is_prompt
            else f"source_len={seq_len} was set: the source is read once, before the stream of the target"
        )
    return chosen, tuple(notes)


def stretched(subject: Subject, seq_len: int | None, length: int) -> Subject:
    """A subject whose inputs came with it, at another length: along the one axis of `seq_len` steps.

    Raises:
        OrderError: the inputs do not say which axis is time.
    """
    where = subject.name or type(subject.module).__name__
    if seq_len is None:
        raise OrderError(
            "does not say which axis is time",
            where=where,
            mend=f"{UNCLEAR}, or give --seq-len, the size of that axis of its inputs",
        )
    found = [0]

    def longer(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return type(value)(longer(part) for part in value)
        if isinstance(value, dict):
            return {key: longer(part) for key, part in value.items()}
        if not hasattr(value, "shape"):
            return value
        dims = [i for i, size in enumerate(value.shape) if size == seq_len]
        if len(dims) > 1:
            raise OrderError(
                f"has an input with {len(dims)} axes of {seq_len}, and does not say which is time",
                where=where,
                mend=UNCLEAR,
            )
        found[0] += len(dims)
        return _resized(value, dims[0], length) if dims else value

    inputs, keywords = longer(subject.inputs), longer(dict(subject.keywords))
    if not found[0]:
        raise OrderError(
            f"has no input with an axis of {seq_len}, and does not say which axis is time",
            where=where,
            mend=UNCLEAR,
        )
    return replace(subject, inputs=inputs, keywords=keywords, seq_len=length)


def _resized(tensor: Any, dim: int, length: int) -> Any:
    """A tensor with its steps repeated, or cut, to a length."""
    times = -(-length // tensor.shape[dim])
    repeats = [times if i == dim else 1 for i in range(tensor.dim())]
    return _dense(tensor.repeat(repeats).narrow(dim, 0, length))


def _dense(value: Any) -> Any:
    """Inputs whose tensors have a storage of their size: how it grows tells which of them hold steps."""
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return type(value)(_dense(part) for part in value)
    if isinstance(value, dict):
        return {key: _dense(part) for key, part in value.items()}
    if not hasattr(value, "untyped_storage"):
        return value
    is_part = value.untyped_storage().nbytes() > value.numel() * value.element_size()
    return value.clone() if is_part else value


def of_given(subject: Subject, seq_len: int | None) -> tuple[Callable[[int], Subject], int]:
    """How to make a subject at other lengths where no callable does, and its length.

    Raises:
        HwcostError: its inputs do not say which axis is time.
    """
    if subject.inputs is None and not subject.keywords:
        first = with_inputs(replace(subject, seq_len=seq_len or _usual()))

        def made(length: int) -> Subject:
            return with_inputs(replace(subject, seq_len=length))

        return made, int(first.seq_len or 0)
    stretched(subject, seq_len, seq_len or 1)
    return lambda length: stretched(subject, seq_len, length), seq_len or 1


def _usual() -> int:
    from hwcost.tracing.construct import SEQ_LEN

    return SEQ_LEN
