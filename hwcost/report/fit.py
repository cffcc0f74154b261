"""How a model was made comparable: the settings that were changed so that it has a size and a reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Quantity = Literal["params", "macs"]
"""What two models can have in common: parameters, or multiply-accumulates of a pass."""

How = Literal["state", "attention", "source", "window", "timeless", "unstated"]
"""By what the last output of a model looks back.

state: it carries one. attention: over the whole sequence. source: over the whole source, while its decoder
sees a window. window: over a number of steps. timeless: it has no time axis. unstated: its file does not say.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A setting that was changed, and its values."""

    setting: str
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far back the last output looks.

    asked: steps that were asked for, the last one included. steps: those that it looks back over, None where
    nothing but the sequence limits it, or where it is not known. held: settings that would lengthen it, but
    were given.
    """

    asked: int
    how: How
    steps: int | None = None
    changes: tuple[Change, ...] = ()
    held: tuple[str, ...] = ()

    @property
    def is_met(self) -> bool:
        """Whether the last output can look back as far as was asked for."""
        if self.how == "window":
            return self.steps is not None and self.steps >= self.asked
        return self.how in {"state", "attention", "source"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A size that was asked for, and the nearest that a width of the model has."""

    quantity: Quantity
    asked: int
    found: int
    changes: tuple[Change, ...] = ()

    @property
    def off(self) -> float:
        """What the model has too much of, as a share of what was asked for; negative for too little."""
        return self.found / self.asked - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What was done to a model before it was compared; None for what was not asked for."""

    reach: Reach | None = None
    match: Match | None = None


def fit_dict(fit: Fit) -> dict[str, object]:
    """A fit as plain values of JSON; None for what was not asked for."""
    reach, match = fit.reach, fit.match
    return {
        "reach": reach
        and {
            "asked": reach.asked,
            "how": reach.how,
            "steps": reach.steps,
            "is_met": reach.is_met,
            "changes": _changes(reach.changes),
        },
        "match": match
        and {
            "quantity": match.quantity,
            "asked": match.asked,
            "found": match.found,
            "changes": _changes(match.changes),
        },
    }


def _changes(changes: tuple[Change, ...]) -> list[dict[str, object]]:
    return [{"setting": change.setting, "before": change.before, "after": change.after} for change in changes]
