"""One measured number with its goal, and the line that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured in every round, in `unit` ("x" for a ratio); goal: at most that, or None."""

    what: str
    values: Sequence[float]
    unit: str
    goal: float | None = None
    note: str = ""

    @property
    def held(self) -> bool | None:
        """Whether the median is within the goal; None where there is no goal."""
        return None if self.goal is None else median(self.values) <= self.goal


def ratio(
    what: str, above: Sequence[float], below: Sequence[float], *, goal: float | None = None, note: str = ""
) -> Result:
    """The ratio of two cases, round by round, and the median of each in its note."""
    values = [a / b for a, b in zip(above, below, strict=True)]
    medians = f"{median(above):.3g} s / {median(below):.3g} s"
    return Result(
        what=what, values=values, unit="x", goal=goal, note=f"{medians}; {note}" if note else medians
    )


def shown(result: Result) -> str:
    """One line, or two where there is a note."""
    low, high = min(result.values), max(result.values)
    number = f"{median(result.values):8.3g} {result.unit:2} [{low:.3g} .. {high:.3g}]"
    goal = "" if result.goal is None else f"goal {result.goal:g} {result.unit}: "
    verdict = {None: "", True: "held", False: "MISSED"}[result.held]
    line = f"  {result.what:52} {number:30} {goal}{verdict}".rstrip()
    return f"{line}\n      {result.note}" if result.note else line
