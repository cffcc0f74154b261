"""Sweeps a model over a range of values on several devices, and finds where another takes the least."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from math import gcd
from typing import Final, get_args

from hwcost.api import analyze
from hwcost.devices import Device, load_devices
from hwcost.errors import UsageError
from hwcost.formats import asked
from hwcost.formats.asked import Asked
from hwcost.load import load_trace
from hwcost.orders.order import parse_order
from hwcost.report.breakeven import Breakeven, Meeting, Point, Quantity

RANGES: Final[Mapping[str, tuple[int, int]]] = {"seq_len": (8, 8192), "batch": (1, 1024)}
"""What is swept where no range is given."""

POINTS: Final = 13
"""Values of a sweep, in equal ratios, before the meetings are searched for."""

MOST_DEVICES: Final = 8
"""As many as lines of one chart can be told apart."""

QUANTITIES: Final[tuple[Quantity, ...]] = get_args(Quantity)

_NUMBER = "[0-9]{1,3}(?:_?[0-9]{3}){0,4}|[0-9]{1,15}"

_OVER = re.compile(rf"(?P<key>[A-Za-z_][A-Za-z0-9_]*)(=(?P<low>{_NUMBER}):(?P<high>{_NUMBER}))?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is varied, from low to high, both included, in multiples of their greatest common divisor."""

    key: str
    low: int
    high: int

    @property
    def step(self) -> int:
        return gcd(self.low, self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What stays the same at every value: the model, the devices, and how the one runs on the others."""

    model: str
    devices: tuple[Device, ...]
    span: Span
    seq_len: int | None
    batch: int | None
    settings: Mapping[str, object]
    formats: Asked
    order: str
    fusion: str | None
    strict: bool


def breakeven(
    model: str,
    *,
    devices: Sequence[str | Device],
    over: str,
    seq_len: int | None = None,
    batch: int | None = None,
    settings: Mapping[str, object] | None = None,
    dtype: str | None = None,
    weights: str | None = None,
    activations: str | None = None,
    kv: str | None = None,
    order: str = "offline",
    fusion: str | None = None,
    strict: bool = False,
) -> Breakeven:
    """What a model takes on devices over a range, and the values at which another comes ahead.

    devices: two to eight names, paths or devices. over: "seq_len", "batch", or KEY=LOW:HIGH of a
    hyper-parameter or of one of these. All others are as in `analyze`, the model by name.

    Raises HwcostError for whatever of these does not fit.
    """
    question = Question(
        model=model,
        devices=_loaded(devices),
        span=parse_over(over),
        seq_len=seq_len,
        batch=batch,
        settings=settings or {},
        formats=asked(dtype=dtype, weights=weights, activations=activations, kv=kv),
        order=order,
        fusion=fusion,
        strict=strict,
    )
    _require_free(question, over)
    point = cache(partial(_point, question))
    points = [point(value) for value in values_of(question.span)]
    return Breakeven(
        model=points[0].reports[0].trace.model,
        over=question.span.key,
        points=tuple(points),
        meetings=tuple(
            meeting
            for quantity in QUANTITIES
            for meeting in _meetings(quantity, points, point, question.span.step)
        ),
    )


def _loaded(devices: Sequence[str | Device]) -> tuple[Device, ...]:
    """The devices, of which there are enough, not too many, and none is there twice."""
    if not 2 <= len(devices) <= MOST_DEVICES:
        many = f"{len(devices)} device{'' if len(devices) == 1 else 's'}"
        raise UsageError(f"{many} cannot be compared over a range", mend=f"give 2 to {MOST_DEVICES}")
    return load_devices(devices)


def _require_free(question: Question, over: str) -> None:
    """Refuse a value that is both given and varied."""
    sizes = {"seq_len": question.seq_len, "batch": question.batch}
    given = {*question.settings, *(key for key, value in sizes.items() if value is not None)}
    key = question.span.key
    if key in given:
        raise UsageError(f"{key} is varied and given", where=f"--over {over}", mend="leave one of them out")


def _point(question: Question, value: int) -> Point:
    key, formats, settings = question.span.key, question.formats, question.settings
    trace = load_trace(
        question.model,
        seq_len=value if key == "seq_len" else question.seq_len,
        batch=value if key == "batch" else question.batch,
        settings=settings if key in RANGES else {**settings, key: str(value)},
        order=parse_order(question.order),
    )
    reports = tuple(
        analyze(
            trace,
            device=device,
            weights=formats.weights,
            activations=formats.activations,
            kv=formats.kv,
            order=question.order,
            fusion=question.fusion,
            strict=question.strict,
        )
        for device in question.devices
    )
    return Point(value=value, reports=reports)


def parse_over(words: str) -> Span:
    """The range among words such as "batch" and "hidden_size=128:4096"."""
    match = _OVER.match(words.strip())
    if match is None:
        raise UsageError("no range", where=f"--over {words}", mend="write it as --over hidden_size=128:4096")
    key = match["key"]
    if match["low"] is None:
        if key not in RANGES:
            raise UsageError(f"no range of {key!r}", where=f"--over {words}", mend=f"write {key}=LOW:HIGH")
        low, high = RANGES[key]
    else:
        low, high = int(match["low"]), int(match["high"])
    if not 0 < low < high:
        what, mend = (
            ("no range from 0", "begin at 1") if not low else ("an empty range", "write the lower end first")
        )
        raise UsageError(what, where=f"--over {words}", mend=mend)
    return Span(key=key, low=low, high=high)


def values_of(span: Span) -> tuple[int, ...]:
    """Values of a sweep: in equal ratios, each a multiple of the step, both ends included."""
    ratio = (span.high / span.low) ** (1 / (POINTS - 1))
    found = (round(span.low * ratio**place / span.step) * span.step for place in range(POINTS))
    return tuple(sorted({max(span.low, min(span.high, value)) for value in found}))


def _meetings(
    quantity: Quantity, points: list[Point], point: Callable[[int], Point], step: int
) -> Iterator[Meeting]:
    """Between two points that different devices lead, the neighbouring values where it changes.

    Found by halving: where the one that leads no longer does, and so on from there until the last leads.
    Of several changes away from one device and back to it between two points it is one of them.
    """
    leading = [one for one in points if one.ahead(quantity) is not None]
    for low, high in pairwise(leading):
        leader, last_leader = low.ahead(quantity), high.ahead(quantity)
        start = low.value
        while leader is not None and last_leader is not None and leader != last_leader:
            last, first = _halved(quantity, leader, (start, high.value), point, step)
            others = [one for one in point(first).leaders(quantity) if one != leader]
            after = others[0] if others and last_leader not in others else last_leader
            names = [report.machine.name for report in low.reports]
            yield Meeting(quantity=quantity, last=last, first=first, before=names[leader], after=names[after])
            start, leader = first, after


def _halved(
    quantity: Quantity, leader: int, ends: tuple[int, int], point: Callable[[int], Point], step: int
) -> tuple[int, int]:
    """Of two ends, of which the leader leads only the first: the last value that it leads, and the next."""
    last, first = ends
    while first - last > step:
        middle = max((last + first) // 2 // step * step, last + step)
        last, first = (middle, first) if point(middle).ahead(quantity) == leader else (last, middle)
    return last, first
