"""Times functions and whole processes, with cases taking turns so that drift hits all of them."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

CONSOLE: Final = "import sys; from hwcost.cli.app import main; sys.exit(main())"
"""What the installed `hwcost` script runs."""


def rounds(cases: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each case in each round, after one round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats + 1):
        for name, case in cases.items():
            gc.collect()
            start = time.perf_counter()
            case()
            seconds[name].append(time.perf_counter() - start)
    return {name: values[1:] for name, values in seconds.items()}


def run(arguments: Sequence[str], *, cache: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run this Python with these arguments, with that folder as hwcost's cache.

    Raises:
        RuntimeError: It failed; the message is what it wrote to stderr.
    """
    environment = os.environ | ({"HWCOST_CACHE_DIR": cache} if cache else {})
    result = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(f"{' '.join(arguments)}\n{result.stderr}")
    return result


def hwcost(*words: str, cache: str | None = None) -> str:
    """What the command `hwcost WORDS` writes to stdout."""
    return run(["-c", CONSOLE, *words], cache=cache).stdout
