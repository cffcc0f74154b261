"""hwcost and the other counters on models with sums by hand: exact, within 2 %, wrong, silent, failing."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.counting.contest import contest
from benchmarks.counting.counters import COUNTERS, is_installed
from benchmarks.counting.outcome import KINDS, Outcome
from benchmarks.counting.tables import NOT_INSTALLED, tally
from benchmarks.result import Result


def results(_repeats: int) -> Iterator[Result]:
    """Per counter, how many models it has not exactly; the goal is for hwcost. One round is enough."""
    for name in COUNTERS:
        if not is_installed(name):
            what, none = f"{name}: models not exact", float("nan")
            yield Result(what=what, values=[none], unit="", note=NOT_INSTALLED)
            continue
        outcomes = list(contest((name,)))
        found = tally(outcomes)
        yield Result(
            what=f"{name}: models not exact, of {len(outcomes)}",
            values=[len(outcomes) - found["exact"]],
            unit="",
            goal=0.0 if name == "hwcost" else None,
            note=_note(outcomes),
        )


def _note(outcomes: list[Outcome]) -> str:
    found = tally(outcomes)
    kinds = ", ".join(f"{found[kind]} {title}" for kind, title in KINDS.items())
    seconds = sum(outcome.seconds for outcome in outcomes)
    peak = max(outcome.bytes for outcome in outcomes)
    return f"{kinds}; {seconds:.3g} s in all; {peak / 1e6:.3g} MB at most beyond the process"
