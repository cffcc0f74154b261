"""What a call's time is made of, from calls of several shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hwcost.calibration.fit import added_parts
from hwcost.calibration.reading import Readings
from hwcost.devices.kernels import LAYS_OUT

LEAST_READINGS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Seconds of any call, per byte of weights, per element that is laid out, and the share of the peak."""

    start_s: float
    pack_s_per_byte: float
    element_s: float
    peak_share: float


def parts_of(readings: Readings, kind: str, peak_flop_per_s: float) -> Parts | None:
    """The parts that explain the readings of one way best; None where there are too few.

    seconds = start + pack * bytes of weights + element * elements + FLOP / (peak * share), all from zero
    up and the share at most 1. What is laid out anew has its weights read in the product.
    """
    rows = readings.of(kind)
    if len(rows) < LEAST_READINGS:
        return None
    packs = kind not in LAYS_OUT
    columns, beyond = [], []
    for row in rows:
        peak_s = row.work / peak_flop_per_s
        columns.append([1.0, row.sizes[1] if packs else 0.0, row.sizes[0], peak_s])
        beyond.append(peak_s)
    start, pack, element, slower = added_parts(columns, [row.seconds for row in rows], given=beyond)
    return Parts(start_s=start, pack_s_per_byte=pack, element_s=element, peak_share=1 / (1 + slower))


def start_and_element_s(readings: Readings, name: str) -> tuple[float, float] | None:
    """Seconds of any call and of each element; None where it was not measured twice."""
    rows = readings.of(name)
    if len(rows) < 2:
        return None
    small, large = rows[0], rows[-1]
    element_s = max(large.seconds - small.seconds, 0.0) / (large.work - small.work)
    return max(small.seconds - small.work * element_s, 0.0), element_s
