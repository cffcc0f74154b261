"""What is to be traced: a module, and what it is called with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hwcost.graph import Trace

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A module and its inputs.

    name: what to show. inputs: positional, None where the source gave none. keywords: named inputs.
    seq_len, batch: where known, else None. assumptions: what the source had to assume, in sentences.
    """

    module: nn.Module
    inputs: tuple[Any, ...] | None = None
    keywords: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    seq_len: int | None = None
    batch: int | None = None
    assumptions: tuple[str, ...] = ()


def with_inputs(subject: Subject) -> Subject:
    """The subject with inputs after its first layer that says what it takes, where it has none.

    Raises:
        ModelError: no layer says what it takes.
    """
    if subject.inputs is not None or subject.keywords:
        return subject
    from hwcost.tracing.construct import example_inputs

    inputs = example_inputs(subject.module, seq_len=subject.seq_len, batch=subject.batch)
    shapes = ", ".join("x".join(map(str, value.shape)) for value in inputs)
    note = f"no inputs were given: taken as {shapes}, after the first layer that says what it takes"
    return replace(subject, inputs=inputs, assumptions=(*subject.assumptions, note))


def trace_of(subject: Subject, *, optimizer: str | None = None) -> Trace:
    """The trace of a subject: of one forward pass, or of a training iteration with an optimiser.

    Raises:
        ModelError, TraceError: it has no inputs and no layer says what it takes, or it cannot run.
    """
    from hwcost.tracing.tracer import trace, trace_training

    subject = with_inputs(subject)
    inputs = subject.inputs or ()
    if optimizer is None:
        recorded = trace(subject.module, *inputs, **subject.keywords)
    else:
        recorded = trace_training(subject.module, inputs, subject.keywords, optimizer=optimizer)
    return replace(
        recorded,
        model=subject.name or recorded.model,
        seq_len=subject.seq_len,
        batch=subject.batch,
        assumptions=recorded.assumptions + subject.assumptions,
    )
