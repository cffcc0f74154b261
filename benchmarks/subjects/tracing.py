"""Tracing over the bare forward pass on the meta device, in process; peak memory of a whole process."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import hwcost
from benchmarks.clock import rounds, run
from benchmarks.models import CASES
from benchmarks.result import Result, ratio

GOAL: Final = 1.5
PEAK_GOAL_MB: Final = 600.0
BYTES_PER_MB: Final = 1e6


def results(repeats: int) -> Iterator[Result]:
    """A ratio per model, then megabytes."""
    for name, make in CASES.items():
        case = make()
        trace = partial(hwcost.trace, case.model, *case.inputs, **case.keywords)
        seconds = rounds({"trace": trace, "forward": case.forward}, repeats)
        yield ratio(f"{name}: trace / forward", seconds["trace"], seconds["forward"], goal=GOAL)
    for action, goal in (("forward", None), ("trace", PEAK_GOAL_MB)):
        peak = int(run(["-m", "benchmarks.peak", action]).stdout) / BYTES_PER_MB
        yield Result(what=f"Llama 70B: peak memory, {action}", values=[peak], unit="MB", goal=goal)
