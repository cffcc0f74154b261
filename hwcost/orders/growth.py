"""How the numbers of a trace grow with the length of its sequence."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The same model at two lengths, in steps: a number that is a in one trace and b in the other.

    Numbers are taken as linear in the length, n(T) = b + rate * (T - long), which two traces tell exactly.
    """

    short: int
    long: int

    def rate(self, a: int, b: int) -> Fraction:
        """By how much it grows per step: (b - a) / (long - short)."""
        return Fraction(b - a, self.long - self.short)

    def at(self, a: int, b: int, steps: int) -> int:
        """What it is at another length, rounded down."""
        return int((b + self.rate(a, b) * (steps - self.long)) // 1)

    def over(self, a: int, b: int, steps: int) -> int:
        """By how much it grows over some steps; of a fraction, what it has begun."""
        return -int(-self.rate(a, b) * steps // 1)
