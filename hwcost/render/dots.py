"""The dots of a roofline chart: models, or the layers of models, with a place on logarithmic axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hwcost.render.words import layer_label
from hwcost.report import Report, Sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A model or a layer: FLOP per byte at the farthest level, FLOP per expected second.

    group: what gives it its colour, a model's name or a layer's op class. share: of its model's time.
    """

    name: str
    model: str
    group: str
    sum: Sum
    share: float
    intensity: float
    flop_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What moves no bytes or does no arithmetic, and so has no place on logarithmic axes."""

    name: str
    share: float


def dots_of(reports: Sequence[Report], *, layers: bool) -> tuple[tuple[Dot, ...], tuple[Missing, ...]]:
    """The dots of all models (or of all their layers), and what cannot be one."""
    every = tuple(_layers(reports) if layers else _models(reports))
    return (
        tuple(one for one in every if isinstance(one, Dot)),
        tuple(one for one in every if isinstance(one, Missing)),
    )


def _models(reports: Sequence[Report]) -> Iterator[Dot | Missing]:
    for report in reports:
        model = report.trace.model
        yield _dot(model, model=model, group=model, part=report.totals, share=1.0)


def _layers(reports: Sequence[Report]) -> Iterator[Dot | Missing]:
    for report in reports:
        model = report.trace.model
        for layer in report.layers:
            name = layer_label(layer.module, layer.op)
            yield _dot(name, model=model, group=layer.op_class, part=layer.sum, share=layer.share)


def _dot(name: str, *, model: str, group: str, part: Sum, share: float) -> Dot | Missing:
    intensity, flop_per_s = part.intensity, part.flop_per_s
    if not intensity or not flop_per_s:
        return Missing(name=name, share=share)
    return Dot(
        name=name,
        model=model,
        group=group,
        sum=part,
        share=share,
        intensity=intensity,
        flop_per_s=flop_per_s,
    )
