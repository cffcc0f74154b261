"""Prints the tables of docs/counting.md, or with `--answers` each answer: `python -m benchmarks.counting`."""

from __future__ import annotations

import argparse

from benchmarks.counting.contest import contest
from benchmarks.counting.counters import COUNTERS
from benchmarks.counting.outcome import Outcome
from benchmarks.counting.tables import page


def main() -> None:
    """Run the contest and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counting", description=__doc__)
    parser.add_argument("counter", nargs="*", help=f"of {', '.join(COUNTERS)}; none: all")
    parser.add_argument("--answers", action="store_true", help="print every answer that is not exact")
    words = parser.parse_args()
    if unknown := sorted(set(words.counter) - set(COUNTERS)):
        parser.error(f"no counter {', '.join(unknown)}; there are {', '.join(COUNTERS)}")
    outcomes: list[Outcome] = []
    names = tuple(words.counter or COUNTERS)
    for outcome in contest(names):
        outcomes.append(outcome)
        if words.answers and outcome.kind != "exact":
            print(line(outcome), flush=True)
    if not words.answers:
        print(page(outcomes, names), end="")


def line(outcome: Outcome) -> str:
    """One answer beside the sum by hand."""
    answer = outcome.why if outcome.macs is None else f"{outcome.macs:,.0f} of {outcome.expected:,}"
    return f"{outcome.counter}: {outcome.family}, {outcome.model}: {outcome.kind}: {answer}"


if __name__ == "__main__":
    main()
