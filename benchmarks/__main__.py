"""Prints the subjects that are named, or all: median [lowest .. highest], the goal, whether it held."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import platform
import sys
from typing import Final

from benchmarks import subjects
from benchmarks.result import Result, shown

NAMES: Final = tuple(module.name for module in pkgutil.iter_modules(subjects.__path__))


def main() -> int:
    """Run the subjects; the exit status is 1 where a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("subject", nargs="*", help=", ".join(NAMES))
    parser.add_argument("--repeats", type=int, default=5, help="rounds, in which the cases take turns")
    words = parser.parse_args()
    if unknown := sorted(set(words.subject) - set(NAMES)):
        parser.error(f"no subject {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if words.repeats < 1:
        parser.error("--repeats must be at least 1")
    print(f"{platform.platform()}, Python {platform.python_version()}, {words.repeats} rounds")
    results: list[Result] = []
    for name in words.subject or NAMES:
        subject = importlib.import_module(f"{subjects.__name__}.{name}")
        print(f"\n{name}: {(subject.__doc__ or '').strip().splitlines()[0]}", flush=True)
        for result in subject.results(words.repeats):
            results.append(result)
            print(shown(result), flush=True)
    missed = sum(result.held is False for result in results)
    print(f"\n{missed} of {sum(result.goal is not None for result in results)} goals missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
