"""`hwcost analyze lstm` with a million time steps over the same with ten."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from tempfile import TemporaryDirectory
from typing import Final

import hwcost
from benchmarks.clock import hwcost as command
from benchmarks.clock import rounds
from benchmarks.result import Result, ratio

GOAL: Final = 1.2
SHORT: Final = 10
LONG: Final = 1_000_000
DEVICE: Final = "echo_arm"
CALLS: Final = 20


def analyze_cold(seq_len: int) -> None:
    """The whole command, with an empty cache of traces."""
    with TemporaryDirectory() as cache:
        command("analyze", "lstm", "--seq-len", str(seq_len), "--device", DEVICE, cache=cache)


def analyze_warm(seq_len: int, cache: str) -> None:
    """The whole command, with a cache that the round before filled."""
    command("analyze", "lstm", "--seq-len", str(seq_len), "--device", DEVICE, cache=cache)


def analyze_in_process(seq_len: int, name: str) -> None:
    """Calls of the Python API, enough of them to take longer than the clock's noise."""
    for _ in range(CALLS):
        hwcost.analyze(name, device=DEVICE, seq_len=seq_len)


def results(repeats: int) -> Iterator[Result]:
    """Ratios of whole processes, then of calls."""
    with TemporaryDirectory() as cache:
        os.environ["HWCOST_CACHE_DIR"] = cache  # for the calls in this process
        ways: dict[str, Callable[[int], None]] = {
            "lstm, empty cache": analyze_cold,
            "lstm, filled cache": partial(analyze_warm, cache=cache),
            **{
                f"{name}, {CALLS} calls in process": partial(analyze_in_process, name=name)
                for name in ("lstm", "gru", "tcn", "transformer_encoder")
            },
        }
        for name, way in ways.items():
            seconds = rounds({"long": partial(way, LONG), "short": partial(way, SHORT)}, repeats)
            yield ratio(f"{name}: {LONG:,} / {SHORT} steps", seconds["long"], seconds["short"], goal=GOAL)
