"""How soon the command answers: `hwcost --help`, whole processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from benchmarks.clock import hwcost, rounds, run
from benchmarks.result import Result

GOAL_S: Final = 0.3


def results(repeats: int) -> Iterator[Result]:
    """Seconds of commands that compute nothing, beside those of Python alone."""
    cases: dict[str, Callable[[], object]] = {
        "hwcost --help": partial(hwcost, "--help"),
        "hwcost devices": partial(hwcost, "devices"),
        "hwcost models": partial(hwcost, "models"),
        "python -c pass": partial(run, ["-c", "pass"]),
    }
    for name, seconds in rounds(cases, repeats).items():
        goal = GOAL_S if name == "hwcost --help" else None
        yield Result(what=name, values=seconds, unit="s", goal=goal)
