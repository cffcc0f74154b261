"""`hwcost analyze lstm` over `python -c "import torch"`, with and without a cached trace, whole processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.clock import hwcost, rounds, run
from benchmarks.result import Result, ratio

GOAL: Final = 1.5
WORDS: Final = ("--seq-len", "1000", "--device", "echo_arm")


def cold(name: str) -> None:
    """Analyze with an empty cache of traces."""
    with TemporaryDirectory() as cache:
        hwcost("analyze", name, *WORDS, cache=cache)


def results(repeats: int) -> Iterator[Result]:
    """Ratios to the import alone; the goal is for the LSTM, the others stand beside it."""
    with TemporaryDirectory() as cache:
        cases: dict[str, Callable[[], object]] = {
            "import torch": partial(run, ["-c", "import torch"]),
            "lstm, empty cache": partial(cold, "lstm"),
            "lstm, filled cache": partial(hwcost, "analyze", "lstm", *WORDS, cache=cache),
            "transformer_encoder, empty cache": partial(cold, "transformer_encoder"),
            "tcn, empty cache": partial(cold, "tcn"),
        }
        seconds = rounds(cases, repeats)
    torch_s = seconds.pop("import torch")
    for name, values in seconds.items():
        goal = GOAL if name.startswith("lstm") else None
        yield ratio(f"analyze {name} / import torch", values, torch_s, goal=goal)
