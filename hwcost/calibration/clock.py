"""Times a call: after a warm-up, in rounds long enough for the clock, until the budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Final

from hwcost.calibration.reading import Sample

Clock = Callable[[], float]

ROUND_S: Final = 2e-3
"""The least length of a round: 20,000 times the resolution of usual clocks."""

LEAST_ROUNDS: Final = 3
MOST_ROUNDS: Final = 60


def timed(
    call: Callable[[], object],
    *,
    budget_s: float,
    finish: Callable[[], object] = lambda: None,
    clock: Clock = time.perf_counter,
) -> Sample:
    """The median seconds of one call over rounds of calls, with the spread between the rounds.

    finish: waits for what the calls started, as a GPU needs it. At least LEAST_ROUNDS are run,
    whatever the budget.
    """

    def round_of(calls: int) -> float:
        start = clock()
        for _ in range(calls):
            call()
        finish()
        return (clock() - start) / calls

    call()
    finish()
    once_s = round_of(1)
    calls = max(1, round(ROUND_S / max(once_s, 1e-9)))
    end = clock() + budget_s
    rounds: list[float] = []
    while len(rounds) < LEAST_ROUNDS or (clock() < end and len(rounds) < MOST_ROUNDS):
        rounds.append(round_of(calls))
    first, _, third = quantiles(rounds, n=4, method="inclusive")
    return Sample(seconds=median(rounds), spread=third / first if first else 1.0, repeats=len(rounds))
