"""What operands that change take of a model on a device that holds weights in place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangingShare:
    """The ops that multiply operands which change (of attention, or weights in training), as shares of all.

    time_share: of the expected time. energy_share: of the energy, None where that is not known.
    """

    time_share: float
    energy_share: float | None

    @property
    def is_any(self) -> bool:
        """Whether they take anything."""
        return bool(self.time_share or self.energy_share)
