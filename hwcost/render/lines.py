"""The lines of a roofline chart: roofs and slopes, at their peak and as achieved, clipped to the frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hwcost.render.frame import Frame
from hwcost.render.words import dtype_label, level_label, listed, quantity
from hwcost.report import Machine, Report, Roof

SAME = 0.02
"""Roofs whose peaks differ by less than this share are drawn as one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line from (x, y) to (x2, y2), x < x2.

    name: written beside it, "" for none. is_strong: the model's own roof, and the farthest slope up to
    it; further up that slope is drawn again, like the others.
    """

    x: float
    y: float
    x2: float
    y2: float
    name: str
    is_slope: bool
    is_strong: bool
    is_achieved: bool

    @property
    def ends(self) -> tuple[float, float, float, float]:
        return self.x, self.y, self.x2, self.y2


def lines_of(report: Report, frame: Frame) -> tuple[Line, ...]:
    """All lines that lie in the frame, the model's own last, so that they are drawn on top."""
    lines = [*_peaks(report, frame), *_achieved(report, frame)]
    return tuple(sorted((line for line in lines if line.x < line.x2), key=lambda line: line.is_strong))


def _peaks(report: Report, frame: Frame) -> Iterator[Line]:
    machine, far = report.machine, report.farthest_level
    roofs = _roof_groups(machine)
    top = max(roof.peak_flop_per_s for roof, _, _ in roofs)
    steepest = max((slope.peak_bytes_per_s for slope in machine.slopes), default=0.0)
    for slope in machine.slopes:
        rate = slope.peak_bytes_per_s
        name = f"{level_label(slope.level)} {quantity(rate, 'B/s')}"
        yield _slope(rate, top, frame, name=name, is_strong=False)
        if slope.level == far:
            yield _slope(rate, machine.roof.peak_flop_per_s, frame, name=name, is_strong=True)
    for roof, name, is_own in roofs:
        label = f"{name} {quantity(roof.peak_flop_per_s, 'FLOP/s')}"
        yield _roof(roof.peak_flop_per_s, steepest, frame, name=label, is_strong=is_own)


def _achieved(report: Report, frame: Frame) -> Iterator[Line]:
    """What kernels reach: of the model's own roof, and of every slope that they do not saturate."""
    machine, far = report.machine, report.farthest_level
    top = machine.roof.achieved_flop_per_s
    steepest = max((slope.achieved_bytes_per_s for slope in machine.slopes), default=0.0)
    for slope in machine.slopes:
        if slope.achieved_bytes_per_s < slope.peak_bytes_per_s:
            strong = slope.level == far
            yield _slope(slope.achieved_bytes_per_s, top, frame, is_strong=strong, is_achieved=True)
    if top < machine.roof.peak_flop_per_s:
        yield _roof(top, steepest, frame, is_strong=True, is_achieved=True)


def _roof_groups(machine: Machine) -> list[tuple[Roof, str, bool]]:
    """Roofs of about the same height as one: (the roof, the names of all, whether it is the model's)."""
    groups: list[list[Roof]] = []
    for roof in sorted({*machine.roofs, machine.roof}, key=lambda roof: -roof.peak_flop_per_s):
        if groups and roof.peak_flop_per_s > (1 - SAME) * groups[-1][0].peak_flop_per_s:
            groups[-1].append(roof)
        else:
            groups.append([roof])
    return [(group[0], _roof_name(group), machine.roof in group) for group in groups]


def _roof_name(group: list[Roof]) -> str:
    units: dict[str, list[str]] = {}
    for roof in group:
        units.setdefault(roof.unit, []).append(dtype_label(roof.dtype))
    return ", ".join(
        f"{unit} {listed(tuple(sorted(set(dtypes))), most=3)}" for unit, dtypes in sorted(units.items())
    )


def _slope(
    rate: float, top: float, frame: Frame, *, is_strong: bool, name: str = "", is_achieved: bool = False
) -> Line:
    """The line y = rate * x, from the edge of the frame to the roof `top`."""
    start = max(frame.x_low, frame.y_low / rate)
    end = min(frame.x_high, top / rate)
    return Line(
        x=start,
        y=rate * start,
        x2=end,
        y2=rate * end,
        name=name,
        is_slope=True,
        is_strong=is_strong,
        is_achieved=is_achieved,
    )


def _roof(
    peak: float, steepest: float, frame: Frame, *, is_strong: bool, name: str = "", is_achieved: bool = False
) -> Line:
    """The line y = peak, from the steepest slope to the right edge of the frame."""
    start = max(frame.x_low, peak / steepest if steepest else frame.x_low)
    return Line(
        x=start,
        y=peak,
        x2=frame.x_high,
        y2=peak,
        name=name,
        is_slope=False,
        is_strong=is_strong,
        is_achieved=is_achieved,
    )
