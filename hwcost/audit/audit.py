"""Count a model in every way there is, and say where and why the ways differ."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from typing import Final

from hwcost.audit.by_torch import ON_CPU, ON_META, on_the_cpu, on_the_meta_device
from hwcost.audit.ours import ours
from hwcost.audit.reasons import differences, with_dead_code
from hwcost.audit.result import Audit, Count
from hwcost.audit.unrolled import NAME as UNROLLED
from hwcost.audit.unrolled import unrolled
from hwcost.sources.subject import Subject, trace_of, with_inputs

FVCORE: Final = "fvcore"

PARAMETERS: Final = 50_000_000
"""Parameters from which on a model gets no weights (200 MB of them) and is not run on the CPU."""

MACS: Final = 10**11
"""Multiply-accumulates from which on a model is not run on the CPU: seconds of a few cores."""


def audit(subject: Subject) -> Audit:
    """The counts of a subject: ours, ours unrolled, torch's on meta and on the CPU, and fvcore's.

    A counter that fails says why. What counters print and log is swallowed.

    Raises:
        ModelError, TraceError, RuleError: the subject cannot be traced or counted by us.
    """
    subject = with_inputs(subject)
    trace = trace_of(subject)
    own = ours(trace)
    too_large = _too_large(trace.parameters, own.total or 0)
    others = (
        _tried(UNROLLED, lambda: unrolled(subject)),
        _tried(ON_META, lambda: on_the_meta_device(subject)),
        Count(counter=ON_CPU, why_not=too_large)
        if too_large
        else _tried(ON_CPU, lambda: on_the_cpu(subject)),
        _tried(FVCORE, lambda: _by_fvcore(subject, has_weights=not too_large)),
    )
    found = tuple(differences(own, others))
    if any(it.counter == FVCORE and not it.is_explained for it in found):
        kept = _tried(FVCORE, lambda: _by_fvcore(subject, has_weights=not too_large, keeps_all=True))
        found = tuple(with_dead_code(it, kept) if it.counter == FVCORE else it for it in found)
    return Audit(
        model=trace.model,
        parameters=trace.parameters,
        counts=(own, *others),
        differences=found,
        assumptions=trace.assumptions,
    )


def _by_fvcore(subject: Subject, *, has_weights: bool, keeps_all: bool = False) -> Count:
    """What fvcore counts; it is imported here, since it warns when it is."""
    from hwcost.audit.by_fvcore import by_fvcore

    return by_fvcore(subject, has_weights=has_weights, keeps_all=keeps_all)


def _too_large(parameters: int, macs: int) -> str:
    """Why a model is not run with weights, or ""."""
    if parameters >= PARAMETERS:
        return f"not run: {parameters:,} parameters, and from {PARAMETERS:,} on a model gets no weights"
    if macs >= MACS:
        return f"not run: {macs:,} MACs, and from {MACS:,} on a pass takes too long"
    return ""


def _tried(counter: str, count: Callable[[], Count]) -> Count:
    """A count, or why there is none."""
    try:
        with _quiet():
            return replace(count(), counter=counter)
    except Exception as error:  # noqa: BLE001  whatever a counter raises is its answer
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return Count(counter=counter, why_not=f"failed: {type(error).__name__}: {lines[0] if lines else ''}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Let nothing be printed, logged or warned of."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
