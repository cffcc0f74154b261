"""What the product says of each published case, by its own way: count, move, price."""

from __future__ import annotations

from functools import cache

from hwcost.api import analyze
from hwcost.devices import Device, device_names, load_device
from hwcost.errors import UsageError
from hwcost.passes import passes
from hwcost.validation.datasets import DATASETS, cases
from hwcost.validation.result import Case, Point, Statement
from hwcost.validation.statements import STATEMENTS, statements


def names() -> tuple[str, ...]:
    """Every dataset: tables of times, then tables of statements."""
    return (*DATASETS, *STATEMENTS)


def validated(
    dataset: str | None = None, device: str | None = None
) -> tuple[tuple[Point, ...], tuple[Statement, ...]]:
    """The points and the statements of one dataset, or of all; of one device, or of all.

    Raises UsageError for a dataset that is not there, and where nothing was measured on the device.
    """
    if dataset is not None and dataset not in names():
        raise UsageError(f"no dataset is named {dataset!r}", mend=f"take one of {', '.join(names())}")
    wanted = names() if dataset is None else (dataset,)
    points = tuple(
        point(case)
        for name in wanted
        if name in DATASETS
        for case in cases(name)
        if device in (None, case.device)
    )
    found = tuple(one for name in wanted if name in STATEMENTS for one in statements(name, device))
    if not points and not found:
        measured = {case.device for name in DATASETS for case in cases(name)}
        known = sorted(measured.union(*(own.devices for own in STATEMENTS.values())))
        what = "no device is named" if device not in device_names() else "nothing was measured on"
        raise UsageError(f"{what} {device!r}", mend=f"take one of {', '.join(known)}")
    return points, found


def point(case: Case) -> Point:
    """The prediction for one case: of a pass alone, or of one that follows others."""
    if case.in_a_row:
        both = passes(case.trace, _device(case.device))
        return Point(
            case=case,
            expected=both.expected_s,
            fast=both.fast_s,
            slow=both.slow_s,
            roofline=both.roofline_s,
            bound=both.together.bound,
        )
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
    """A profile, read once for all of its rows."""
    return load_device(name)
