"""A ready-made model by its name: its sizes against published ones, its work, and what it sees of time."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from hwcost.graph import Trace, leaves
from hwcost.memory.depth import sequential_depth
from hwcost.models import build, card, source_path
from hwcost.portrait.looks import along, looks
from hwcost.portrait.maker import LONGER, SHORT, Maker, time_inputs
from hwcost.portrait.result import Portrait, PublishedSize, StepMacs
from hwcost.rules.count import count


def portrait(
    name: str,
    *,
    seq_len: int | None = None,
    batch: int | None = None,
    settings: Mapping[str, object] | None = None,
) -> Portrait:
    """What can be said of a ready-made model with these settings.

    Reach, the steps that it looks ahead, and path lengths are read off its traces (see
    `hwcost.dependence`) at this length and at others as far as tracing them does not take long.

    Raises:
        ModelError: there is no such model or setting, or a value does not fit.
    """
    it, chosen = card(name), dict(settings or {})
    maker = Maker(name=name, batch=batch, settings=chosen)
    trace = maker.trace(seq_len)
    steps = trace.seq_len
    entries = time_inputs(maker) if steps else ()
    every = [looks(maker, entry, trace, steps) for entry in entries] if steps else []
    works = count(trace.items)
    sizes = {"seq_len": steps, "batch": trace.batch}
    given = {key: str(value) for key, value in (chosen | sizes).items() if key in it.settings}
    return Portrait(
        name=name,
        summary=it.summary,
        citation=it.citation,
        file=f"hwcost/models/{source_path(name).name}",
        settings={**it.settings, **given},
        defaults=it.settings,
        seq_len=steps,
        batch=trace.batch,
        parameters=trace.parameters,
        published=tuple(_published(name)),
        macs=macs_of(trace),
        step=_step(maker, trace, steps) if steps else None,
        sequential_depth=sequential_depth(works),
        along=tuple(along(entry, found, steps or 0) for entry, found in zip(entries, every, strict=True)),
        is_single=any(look.is_single for found in every for look in found),
        assumed=tuple(dict.fromkeys(op for found in every for look in found for op in look.assumed)),
    )


def macs_of(trace: Trace) -> int:
    """Multiply-accumulates of a pass."""
    return sum(work.macs * calls for work, calls in leaves(count(trace.items)))


def _step(maker: Maker, trace: Trace, steps: int) -> StepMacs:
    """MACs of a step; where the pass is linear in its steps, no further trace is needed to know the last."""
    macs = macs_of(trace)
    short, longer = (macs_of(maker.trace(length)) for length in (SHORT, LONGER))
    slope = (longer - short) // (LONGER - SHORT)
    if macs == short + slope * (steps - SHORT):
        return StepMacs(mean=macs / steps, last=slope)
    before = macs_of(maker.trace(steps - 1)) if steps > 1 else 0
    return StepMacs(mean=macs / steps, last=macs - before)


def _published(name: str) -> list[PublishedSize]:
    sizes = importlib.import_module(f"hwcost.models.{name}").PUBLISHED or ()
    found = []
    for size in sizes:
        module, _ = build(name, seq_len=None, batch=None, settings=size.settings)
        rest = {key: value for key, value in size.settings.items() if key not in ("seq_len", "batch")}
        maker = Maker(name=name, batch=size.settings.get("batch"), settings=rest)
        found.append(
            PublishedSize(
                source=size.source,
                settings=size.settings,
                parameters=size.parameters,
                own_parameters=None
                if size.parameters is None
                else sum(parameter.numel() for parameter in module.parameters()),
                macs=size.macs,
                own_macs=None if size.macs is None else macs_of(maker.trace(size.settings.get("seq_len"))),
                rounded_to=size.rounded_to,
                beside=size.beside,
                beside_what=size.beside_what,
            )
        )
    return found
