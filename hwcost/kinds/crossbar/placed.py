"""The nouns of a placement: an op with what arrays hold of it, and what that takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from hwcost.graph import Phase, Work
from hwcost.kinds.crossbar.matrices import Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A weight in arrays.

    replicas: copies that take vectors side by side. loads: of all calls in a phase, how many find the
    matrix missing, its parts counted. in_digital: what is missing never comes into arrays: its weights
    stream to the digital unit at every call; else it is written into arrays first.
    """

    matrix: Matrix
    replicas: int = 1
    loads: Mapping[Phase, float] = field(default_factory=dict)
    in_digital: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """An operand that each call brings anew. waves: in how many turns it is written, 0 for never.

    A matrix that no turn writes is multiplied on the digital unit.
    """

    matrix: Matrix
    waves: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedWork(Work):
    """The work of an op of which arrays hold something. Its reads leave out what they hold.

    held, changing: its matrices. arrays_taken: by all weights of the program.
    """

    held: tuple[Held, ...] = ()
    changing: tuple[Changing, ...] = ()
    arrays_taken: int = 0

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        """All that arrays hold, or would hold if it were not sooner multiplied beside them."""
        return (*(one.matrix for one in self.held), *(one.matrix for one in self.changing))

    @property
    def passed(self) -> tuple[Matrix, ...]:
        """Those that vectors pass in arrays."""
        return (*(one.matrix for one in self.held), *(one.matrix for one in self.changing if one.waves))

    @property
    def digital_macs(self) -> int:
        """Of one call whose operands all are where they belong: on the digital unit."""
        return sum(change.matrix.macs for change in self.changing if not change.waves)


def placed(work: Work, **parts: object) -> PlacedWork:
    """A work with what arrays hold of it."""
    kept = {item.name: getattr(work, item.name) for item in fields(Work)}
    return PlacedWork(**{**kept, **parts})
