"""Bytes that ops move across each level of memory of a processor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from math import isinf

from hwcost.devices.device import Device
from hwcost.graph import Phase
from hwcost.kinds.processor.excess import Excess, excesses_of
from hwcost.kinds.processor.places import Place, places_of
from hwcost.memory.touches import OpReuse, Sample, mean_misses
from hwcost.report import Crossing, Traffic

Shares = tuple[tuple[float, float], ...]
"""Of one sample's bytes the expected share, and the least, that cross each place."""


def move(reuses: Iterable[OpReuse], device: Device) -> tuple[Traffic, ...]:
    """The traffic of each op, one per phase of the loop that it stands in.

    Across a level go, per touch of a tensor, bytes * rounds * share, share being how much of it misses
    in every level before; the nearest level serves every touch. To that comes what products and
    attention move again within one call (`excesses_of`), times the calls.

    low   bytes never touched before; of what a loop's previous round touched, R bytes in all, the
          share 1 - C/R that no order of eviction can keep in the room C before the level; products
          at their lower bound
    high  every touch in every round, products without reuse beyond the registers, attention unfused
    """
    places = places_of(device)

    @cache
    def shares(sample: Sample) -> Shares:
        return _shares(sample, places)

    return tuple(traffic for reuse in reuses for traffic in _of_op(reuse, device, places, shares))


def _of_op(
    reuse: OpReuse, device: Device, places: tuple[Place, ...], shares: Callable[[Sample], Shares]
) -> Iterable[Traffic]:
    excesses = excesses_of(reuse.work, device, places)
    for phase, calls in reuse.phases:
        yield Traffic(
            work=reuse.work,
            calls=calls,
            phase=phase,
            times=reuse.times,
            axis=reuse.axis,
            crossings=_crossings(reuse, phase, calls, places, excesses, shares),
        )


def _crossings(
    reuse: OpReuse,
    phase: Phase,
    calls: int,
    places: tuple[Place, ...],
    excesses: tuple[Excess, ...],
    shares: Callable[[Sample], Shares],
) -> tuple[Crossing, ...]:
    expected = {False: [0.0] * len(places), True: [0.0] * len(places)}
    low, every = [0.0] * len(places), 0.0
    for touch in reuse.touches:
        expected_of = expected[touch.is_write]
        for sample in touch.samples:
            if sample.phase == phase:
                moved = touch.bytes * sample.rounds
                every += moved
                for i, (share, least) in enumerate(shares(sample)):
                    expected_of[i] += moved * share
                    low[i] += moved * least
    return tuple(
        _crossing(
            place.level,
            expected[False][i] + calls * excess.read_bytes,
            expected[True][i] + calls * excess.write_bytes,
            low[i] + calls * excess.low_bytes,
            every + calls * excess.high_bytes,
        )
        for i, (place, excess) in enumerate(zip(places, excesses, strict=True))
    )


def _crossing(level: str, read: float, write: float, low: float, high: float) -> Crossing:
    """A crossing whose bracket is clipped to what it brackets.

    Equal sums may round differently; and the share 1 - C/R holds for all that a round touches again
    together, not for each op, some of which may find all of theirs.
    """
    return Crossing(
        level=level,
        read_bytes=read,
        write_bytes=write,
        low_bytes=min(low, read + write),
        high_bytes=max(high, read + write),
    )


def _shares(sample: Sample, places: tuple[Place, ...]) -> Shares:
    """Bytes reach a level only if they missed in all before it, however large or small those are."""
    if isinf(sample.start_bytes):
        return ((1.0, 1.0),) * len(places)
    found = []
    share = 1.0
    for place in places:
        if place.held_bytes is not None and share:
            share = min(share, mean_misses(sample, place.held_bytes, place.policy))
        found.append((share, _least_share(sample, place.most_bytes)))
    return tuple(found)


def _least_share(sample: Sample, most_bytes: float) -> float:
    """Share of what was touched before that must cross again whatever is kept: max(0, 1 - C/R).

    The R - C bytes that cannot have stayed are spread evenly over the R that are touched again.
    """
    if not sample.retained_bytes:
        return 0.0
    return max(0.0, 1.0 - most_bytes / sample.retained_bytes)
