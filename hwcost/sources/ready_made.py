"""Ready-made models by their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hwcost import cache
from hwcost.errors import OrderError
from hwcost.graph import Trace
from hwcost.orders.order import Order
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
    name: str,
    *,
    seq_len: int | None,
    batch: int | None,
    settings: Mapping[str, object],
    optimizer: str | None = None,
    use_cache: bool,
) -> Trace:
    """The trace of a ready-made model, made once per version, size and settings where `use_cache` is set.

    optimizer: that of a training iteration; None: one forward pass.

    Raises:
        ModelError, TraceError: there is no such model, or it cannot be built or traced.
    """
    from hwcost.models.registry import source_path

    source_path(name)
    key = cache.key(name, seq_len=seq_len, batch=batch, settings=settings, optimizer=optimizer)
    found = cache.find(key) if use_cache else None
    if found is not None:
        return found
    made = trace_of(subject(name, seq_len=seq_len, batch=batch, settings=settings), optimizer=optimizer)
    if use_cache:
        cache.keep(key, made)
    return made


def stream(
    name: str,
    *,
    seq_len: int | None,
    batch: int | None,
    settings: Mapping[str, object],
    order: Order,
    use_cache: bool,
) -> Trace:
    """The trace of a ready-made model in an order other than offline, made once like `trace`.

    A model that reads a source is given the prompt of a generation as its source.

    Raises:
        ModelError, TraceError, OrderError: there is no such model, or it has no form in that order.
    """
    from hwcost.models.registry import card

    sizes = card(name).settings
    if "seq_len" not in sizes:
        mend = "take --order offline" if order.prompt is None else "leave --prompt and --generate out"
        raise OrderError("has no time axis", where=name, mend=mend)
    key = cache.key(name, seq_len=seq_len, batch=batch, settings=settings, order=order.word)
    found = cache.find(key) if use_cache else None
    if found is not None:
        return found
    from hwcost.sources.ordered import stream_settings, trace_in_order

    length = seq_len or int(sizes["seq_len"])
    chosen, notes = stream_settings(
        sizes, settings, order.prompt or length, is_prompt=order.prompt is not None
    )
    asked = order
    if order.prompt is not None and "source_len" in sizes:
        # The prompt is the source; the target begins with a word that means its beginning.
        length, order = length - order.prompt + 1, replace(order, prompt=1)

    def at(length: int) -> Subject:
        made = subject(name, seq_len=length, batch=batch, settings=chosen)
        return replace(made, assumptions=(*made.assumptions, *notes))

    made = replace(trace_in_order(at, order=order, seq_len=length, name=name), prompt=asked.prompt)
    if use_cache:
        cache.keep(key, made)
    return made
