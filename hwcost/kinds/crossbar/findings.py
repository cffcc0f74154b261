"""Sentences on how a model lies on arrays: what fits, what is written, what wears."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum

from hwcost.devices.arrays import Arrays
from hwcost.devices.device import Device
from hwcost.kinds.crossbar.capacity import Key, key_of
from hwcost.kinds.crossbar.matrices import Matrix, utilisation
from hwcost.kinds.crossbar.move import loads_in
from hwcost.kinds.crossbar.parts import arrays_of
from hwcost.kinds.crossbar.placed import Changing, PlacedWork
from hwcost.kinds.crossbar.wear import lifetime_s
from hwcost.report import ChangingShare, Cost
from hwcost.units import show

HOUR_S, DAY_S, YEAR_S = 3600.0, 86400.0, 31557600.0

MANY = 1000.0
"""From here on a number is written out whole."""


def findings(costs: Sequence[Cost], device: Device) -> tuple[str, ...]:
    """What a reader must know of the placement, most important first."""
    arrays = arrays_of(device)
    placed = _placed(costs)
    shares = changing_share(costs, device)
    return (*_capacity(placed, arrays), *_changing(placed, shares), *_wear(costs, arrays))


def resident(costs: Sequence[Cost], device: Device) -> float | None:
    """The share of the weights' arrays that there are; None where arrays hold none."""
    works = [work for cost in costs if isinstance(work := cost.traffic.work, PlacedWork)]
    taken = works[0].arrays_taken if works else 0
    return min(1.0, arrays_of(device).count / taken) if taken else None


def changing_share(costs: Sequence[Cost], _: Device) -> ChangingShare:
    """What the ops that multiply operands which change take of the time and the energy of all.

    The energy's share is None where the profile has no figures.
    """
    placed = _placed(costs)
    ops = [cost for cost, work in placed if work.changing]
    seconds = fsum(cost.expected_s for cost, _ in placed)
    joules = [cost.energy_j for cost, _ in placed if cost.energy_j is not None]
    own_j = fsum(cost.energy_j for cost in ops if cost.energy_j is not None)
    is_known = len(joules) == len(placed) and fsum(joules) > 0
    return ChangingShare(
        time_share=fsum(cost.expected_s for cost in ops) / seconds if seconds else 0.0,
        energy_share=own_j / fsum(joules) if is_known else None,
    )


Placed = Sequence[tuple[Cost, PlacedWork]]


def _placed(costs: Sequence[Cost]) -> Placed:
    return [(cost, work) for cost in costs if isinstance(work := cost.traffic.work, PlacedWork)]


def _capacity(placed: Placed, arrays: Arrays) -> Iterator[str]:
    """How many arrays the weights take, how full these are, and what is missing."""
    weights: dict[Key, tuple[Matrix, int]] = {}
    for _, work in placed:
        for held in work.held:
            weights[key_of(held.matrix)] = (held.matrix, held.replicas)
    if not weights:
        return
    taken, count = placed[0][1].arrays_taken, int(arrays.count)
    filled = fsum(utilisation(one, arrays) * one.arrays for one, _ in weights.values())
    full = filled / sum(one.arrays for one, _ in weights.values())
    sentence = f"Weights take {taken:,} of {count:,} arrays, {full:.0%} of whose cells they fill"
    if taken <= count:
        copies = sum(one.arrays * (number - 1) for one, number in weights.values())
        also = f"; copies that share the vectors of a layer take {copies:,} more" if copies else ""
        yield f"{sentence}: none moves after the first load{also}."
        return
    times = f"{taken / count:.3g} times the {count:,} there are"
    yield f"Weights do not fit: they take {taken:,} arrays, {times}."
    yield from _missing(placed)


def _missing(placed: Placed) -> Iterator[str]:
    """Bytes of weights that come over the link again, and where they are multiplied."""
    written = beside = 0.0
    for cost, work in placed:
        for held in work.held:
            moved = held.matrix.bytes * loads_in(held, cost.traffic)
            written, beside = (written, beside + moved) if held.in_digital else (written + moved, beside)
    if written:
        yield f"{show(written, 'B')} of weights per pass come over the link and are written into cells."
    if beside:
        yield f"{show(beside, 'B')} of weights per pass stream to the digital unit, which is sooner."


def _changing(placed: Placed, shares: ChangingShare) -> Iterator[str]:
    """Where operands that change are multiplied, and what share of time and energy their ops take."""
    changing: list[Changing] = [one for _, work in placed for one in work.changing]
    if not changing:
        return
    share = f"{shares.time_share:.0%} of the time"
    if shares.energy_share is not None:
        share = f"{share} and {shares.energy_share:.0%} of the energy"
    written = sum(1 for one in changing if one.waves)
    where = (
        "on the digital unit"
        if not written
        else "in arrays, written anew by each call"
        if written == len(changing)
        else "partly in arrays, written anew, partly on the digital unit"
    )
    which = "Operands that change (of attention, or weights in training)"
    yield f"{which} are multiplied {where}, and take {share}."


def _wear(costs: Sequence[Cost], arrays: Arrays) -> Iterator[str]:
    last_s = lifetime_s(costs, arrays)
    if last_s is None or arrays.writing is None or arrays.writing.endurance is None:
        return
    times = show(float(arrays.writing.endurance))
    yield f"Cells bear {times} writes: run without pause they last {_long(last_s)}, if all wear evenly."


def _long(seconds: float) -> str:
    for unit_s, name in ((YEAR_S, "years"), (DAY_S, "days"), (HOUR_S, "hours")):
        if seconds >= unit_s:
            long = seconds / unit_s
            return f"{long:.3g} {name}" if long < MANY else f"{long:,.0f} {name}"
    return show(seconds, "s")
