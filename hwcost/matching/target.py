"""The size that models are to have in common, as the words of a command give it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hwcost.errors import UsageError
from hwcost.report.fit import Quantity
from hwcost.units import PREFIXES

QUANTITIES: Final[dict[str, Quantity]] = {"params": "params", "parameters": "params", "macs": "macs"}

MOST: Final = 10**18
"""No model has as many parameters, and counts stay within 64 bits."""

_COUNT: Final = re.compile(r"\s*(\d+\.?\d*(?:[eE]\+?\d+)?|\.\d+)\s*([kKMGTP]?)\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """So many parameters, or so many multiply-accumulates of a pass."""

    quantity: Quantity
    size: int


def target(words: str) -> Target:
    """The target that `params=10M` or `macs=1.5G` says.

    Raises:
        UsageError: it says no quantity, or no count.
    """
    name, _, size = words.partition("=")
    quantity = QUANTITIES.get(name.strip().lower())
    if quantity is None:
        raise UsageError("no params=N or macs=N", where=f"--match {words}", mend="write it as params=10M")
    match = _COUNT.match(size)
    value = float(match[1]) * PREFIXES[match[2]] if match else 0.0
    if not 1 <= value <= MOST:
        what = "is beyond any model" if value > 1 else "is no count from 1 on"
        raise UsageError(
            f"{size.strip()!r} {what}",
            where=f"--match {words}",
            mend="write it as 250k, 10M, 1.5G or 1e7",
        )
    return Target(quantity=quantity, size=round(value))
