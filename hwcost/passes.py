"""What a pass takes that follows another one, so that caches hold what they can."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from hwcost.api import analyze
from hwcost.devices import Device
from hwcost.graph import Loop, Trace
from hwcost.report import Report, roofline_s

PASSES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """alone: one pass, whose caches are cold. together: PASSES of them, one after the other.

    The seconds are those of a pass after the first.
    """

    alone: Report
    together: Report

    @property
    def expected_s(self) -> float:
        return later(self.together.totals.expected_s, self.alone.totals.expected_s)

    @property
    def fast_s(self) -> float:
        """Not below the roofline, which the passes' ends, whose results leave the caches, could lead to."""
        fast_s = later(self.together.totals.fast_s, self.alone.totals.fast_s)
        return max(fast_s, self.roofline_s)

    @property
    def slow_s(self) -> float:
        return later(self.together.totals.slow_s, self.alone.totals.slow_s)

    @property
    def roofline_s(self) -> float:
        """That of the flops and the bytes of a pass after the first."""
        together, alone = self.together.totals, self.alone.totals
        low_bytes = {
            crossing.level: later(crossing.low_bytes, alone.crossing(crossing.level).low_bytes)
            for crossing in together.crossings
        }
        of_ops = later(together.roofline_s, alone.roofline_s)
        return roofline_s(self.alone.machine, alone.flops, low_bytes, of_ops)


def passes(trace: Trace, device: Device) -> Passes:
    """One pass and PASSES of them in a row, every op a kernel."""
    rounds = replace(trace, items=(Loop(times=PASSES, body=trace.items, axis="pass"),))
    alone, together = (analyze(items, device=device, fusion="eager") for items in (trace, rounds))
    return Passes(alone=alone, together=together)


def later(together: float, alone: float) -> float:
    """The mean over the passes after the first: (PASSES of them - one alone) / (PASSES - 1)."""
    return (together - alone) / (PASSES - 1)
