"""The noun of a micro-benchmark: what it times, and how the call is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """kind, sizes, work: of the reading that comes of it. make: builds the operands and gives the call.

    group: benches of a group go from small to large, and end with the first that takes too long or that
    torch has no kernel for.
    """

    kind: str
    sizes: tuple[int, ...]
    work: float
    make: Callable[[], Callable[[], object]]
    group: str = ""
