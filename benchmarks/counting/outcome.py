"""What a counter made of a model, and which kind of answer that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["exact", "close", "wrong", "missing", "failed"]

KINDS: Final[dict[Kind, str]] = {
    "exact": "exact",
    "close": "within 2 %",
    "wrong": "wrong",
    "missing": "silently less than half",
    "failed": "fails",
}
"""In the order of the tables. A count of 0 is less than half."""

EXACT: Final = 1e-6
CLOSE: Final = 0.02
HALF: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One counter's answer for one model.

    family, model: where the sum by hand stands. expected: that sum. macs: the answer, None where there
    is none, and then why. seconds, bytes: time and memory that the call took.
    """

    counter: str
    family: str
    model: str
    expected: int
    macs: float | None
    why: str = ""
    seconds: float = 0.0
    bytes: int = 0

    @property
    def ratio(self) -> float | None:
        return None if self.macs is None else self.macs / self.expected

    @property
    def kind(self) -> Kind:
        ratio = self.ratio
        if ratio is None:
            return "failed"
        if abs(ratio - 1) <= EXACT:
            return "exact"
        if abs(ratio - 1) <= CLOSE:
            return "close"
        return "missing" if ratio < HALF else "wrong"
