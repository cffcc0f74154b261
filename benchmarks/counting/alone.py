"""Runs a function in a process of its own, so that it can crash, hang or patch torch and harm no other."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

LIMIT_S = 60
"""Seconds after which a call is given up; models here take milliseconds."""


def alone(call: Callable[[], float]) -> tuple[float | None, str, float, int]:
    """(result, why there is none, seconds, peak bytes beyond those at the start) of a call in a fork."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(call, theirs))
    start = time.perf_counter()
    process.start()
    theirs.close()
    try:
        found = ours.recv() if ours.poll(LIMIT_S) else (None, f"took longer than {LIMIT_S} s", LIMIT_S, 0)
    except EOFError:
        process.join()
        found = (None, f"its process ended with {process.exitcode}", time.perf_counter() - start, 0)
    process.kill()
    process.join()
    return found


def _child(call: Callable[[], float], answer: Connection) -> None:
    _silence()
    before, start = _resident("VmRSS"), time.perf_counter()
    try:
        result, why = call(), ""
    except Exception as error:  # noqa: BLE001  whatever a counter raises is its answer
        lines = str(error).strip().splitlines()
        result, why = None, f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]
    seconds = time.perf_counter() - start
    answer.send((result, why, seconds, max(_resident("VmHWM") - before, 0)))


def _silence() -> None:
    """Let nothing be printed: counters write tables and warnings."""
    warnings.simplefilter("ignore")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    sys.stdout = sys.stderr = os.fdopen(nowhere, "w", encoding="utf-8")


def _resident(key: str) -> int:
    """Bytes of this process by the kernel's name for them; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:")), 0)
