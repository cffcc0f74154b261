"""What the product says of each published case, by its own way: count, move, price."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from hwcost.api import analyze
from hwcost.devices import Device, load_device
from hwcost.validation.datasets import cases
from hwcost.validation.result import Case, Point


def validate(
    names: Iterable[str], *, device: str | None = None, seen: Callable[[int], None] | None = None
) -> tuple[Point, ...]:
    """The points of datasets, of one device or of all; `seen` is told how many are done."""
    points = []
    for name in names:
        for case in cases(name):
            if device is None or case.device == device:
                points.append(point(case))
                if seen is not None:
                    seen(len(points))
    return tuple(points)


def point(case: Case) -> Point:
    """The prediction for one case."""
    report = analyze(case.trace, device=_device(case.device))
    totals = report.totals
    return Point(
        case=case,
        expected=totals.expected_s,
        fast=totals.fast_s,
        slow=totals.slow_s,
        roofline=report.roofline_s,
        bound=report.bound,
    )


@cache
def _device(name: str) -> Device:
    return load_device(name)
