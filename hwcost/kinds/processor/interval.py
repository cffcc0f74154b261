"""The interval around an expected time: by the bracket of the bytes, and by how far predictions were off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hwcost.devices.family import Kernels
from hwcost.kinds.processor.by_operator import Operator
from hwcost.report import Traffic

DEFAULT_SPREAD: Final = 3.0
"""The factor within which 9 of 10 times lie where no family knows one.

With one efficiency per op class, each taken from the same card, it is 2.5 over 1,294 measurements of
DeepBench on four devices (commit da81ba7); a device whose efficiencies were never measured has more."""

MEASURED_SPREAD: Final = 1.5
"""The factor for an op that is timed by what was measured on the machine itself.

Of 125 models on an EPYC virtual machine, one thread, 98 % lie within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Seconds of each part of a cost, over all its calls."""

    compute_s: float
    level_s: Mapping[str, float]
    latency_s: float

    @property
    def expected_s(self) -> float:
        return max(self.compute_s, *self.level_s.values(), 0.0) + self.latency_s


def interval(
    traffic: Traffic,
    parts: Parts,
    roofline_s: float,
    kernels: Kernels | None,
    operator: Operator | None,
    *,
    is_measured: bool,
) -> tuple[float, float]:
    """Between which times 9 of 10 measured ones lie: the wider of two brackets, on each side.

    spread   expected_s / f to expected_s * f, f the family's residual spread of the op class, or that of
             ops that were measured on the machine itself
    bytes    the expected time with the low bytes, and with the high bytes, of every level; not of an op
             that the family has a kernel of its own for, whose bytes are known
    Nothing is faster than the roofline.
    """
    expected_s = parts.expected_s
    spread = MEASURED_SPREAD if is_measured else DEFAULT_SPREAD
    if kernels is not None and not is_measured:
        spread = kernels.spread.get(traffic.work.op_class, kernels.spread["default"])
    if operator is not None:
        return min(max(expected_s / operator.spread, roofline_s), expected_s), expected_s * operator.spread
    low_s = _with_bytes(traffic, parts, low=True)
    high_s = _with_bytes(traffic, parts, low=False)
    fast_s = min(expected_s / spread, low_s)
    return min(max(fast_s, roofline_s), expected_s), max(expected_s * spread, high_s)


def _with_bytes(traffic: Traffic, parts: Parts, *, low: bool) -> float:
    """The expected time with the bytes at one end of their bracket."""
    seconds = [parts.compute_s]
    for crossing in traffic.crossings:
        expected = parts.level_s.get(crossing.level, 0.0)
        moved = crossing.low_bytes if low else crossing.high_bytes
        if crossing.bytes:
            seconds.append(expected * moved / crossing.bytes)
    return max(seconds) + parts.latency_s
