"""Ready-made models by their names."""

from __future__ import annotations

from collections.abc import Mapping

from hwcost import cache
from hwcost.graph import Trace
from hwcost.sources.subject import Subject, trace_of


def subject(name: str, *, seq_len: int | None, batch: int | None, settings: Mapping[str, object]) -> Subject:
    """A ready-made model and its example inputs.

    Raises:
        ModelError: there is no such model or setting, or a value does not fit.
    """
    from hwcost.models.registry import build, card

    module, inputs = build(name, seq_len=seq_len, batch=batch, settings=settings)
    sizes = card(name).settings
    return Subject(
        module=module,
        inputs=inputs,
        name=name,
        seq_len=seq_len or (int(sizes["seq_len"]) if "seq_len" in sizes else None),
        batch=batch or int(sizes["batch"]),
    )


def trace(
    name: str, *, seq_len: int | None, batch: int | None, settings: Mapping[str, object], use_cache: bool
) -> Trace:
    """The trace of a ready-made model, made once per version, size and settings where `use_cache` is set.

    Raises:
        ModelError, TraceError: there is no such model, or it cannot be built or traced.
    """
    from hwcost.models.registry import source_path

    source_path(name)
    key = cache.key(name, seq_len=seq_len, batch=batch, settings=settings)
    found = cache.find(key) if use_cache else None
    if found is not None:
        return found
    made = trace_of(subject(name, seq_len=seq_len, batch=batch, settings=settings))
    if use_cache:
        cache.keep(key, made)
    return made
