"""A family as it is for one of its members: off the card that it was fitted on it is less sure."""

from __future__ import annotations

from dataclasses import replace

from hwcost.devices.device import Number
from hwcost.devices.family import Family


def for_member(family: Family, member: str) -> Family:
    """The family for a profile of this name: spread * elsewhere, but on the one that was fitted."""
    if family.elsewhere is None or member == family.fitted_on:
        return family
    kernels = {
        key: replace(
            one, spread={name: _wider(spread, family.elsewhere) for name, spread in one.spread.items()}
        )
        for key, one in family.kernels.items()
    }
    wider = {spread.path: spread for one in kernels.values() for spread in one.spread.values()}
    numbers = tuple(wider.get(number.path, number) for number in family.numbers)
    return replace(family, kernels=kernels, numbers=numbers)


def _wider(spread: Number, times: Number) -> Number:
    value = float(spread) * float(times)
    return Number(
        value,
        path=spread.path,
        unit=spread.unit,
        text=f"{value:.3g}",
        evidence="unverified" if "unverified" in (spread.evidence, times.evidence) else "derived",
        source=f"{spread.text}, {spread.source}; times {times.text}, {times.source}",
    )
