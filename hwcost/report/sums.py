"""Sums over costs: of all, by layer, and of one time step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum

from hwcost.graph import Part
from hwcost.report.costs import Cost, Crossing


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What some costs come to together.

    costs: those that were added up. calls, macs, flops: of all calls. crossings, level_s: per level,
    nearest to the units first. compute_s, latency_s, level_s: what each part alone would take;
    expected_s: what the ops take one after the other. roofline_s: the sum of the ops' own. energy_j:
    None as soon as one cost has none. bound_s: the expected seconds of the costs with each bound,
    free ones left out. fast_s, slow_s: sums of the costs' own; those that tell none count as expected.
    """

    costs: tuple[Cost, ...]
    calls: int
    macs: int
    flops: int
    crossings: tuple[Crossing, ...]
    compute_s: float
    level_s: Mapping[str, float]
    latency_s: float
    expected_s: float
    roofline_s: float
    energy_j: float | None
    bound_s: Mapping[str, float]
    fast_s: float
    slow_s: float

    @property
    def bound(self) -> str:
        """What most of the expected time goes to, "free" where there is nothing."""
        return max(self.bound_s, key=self.bound_s.__getitem__, default="free")

    @property
    def farthest(self) -> Crossing:
        """What crosses the level that is farthest from the units; of no level if nothing moves."""
        return self.crossings[-1] if self.crossings else _nothing("")

    @property
    def bytes(self) -> float:
        """Bytes that cross the farthest level."""
        return self.farthest.bytes

    @property
    def intensity(self) -> float | None:
        """Arithmetic intensity: flops / bytes at the farthest level, None where none cross it."""
        return self.flops / self.bytes if self.bytes else None

    @property
    def flop_per_s(self) -> float | None:
        """What is reached: flops / expected seconds."""
        return self.flops / self.expected_s if self.expected_s else None

    def crossing(self, level: str) -> Crossing:
        """What crosses a level."""
        return next((crossing for crossing in self.crossings if crossing.level == level), _nothing(level))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The costs of one op of one module, over all its calls. share: of the expected time, 0 to 1.

    part: of the training iteration that the op belongs to.
    """

    module: str
    op: str
    op_class: str
    sum: Sum
    share: float
    part: Part = "forward"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """One round of the longest loop over time, at its start, on its way and at its end.

    Loops of the same length (the layers of a stack) count as one. count: its rounds. others: whether
    there are shorter loops, which are left out. steady: one of the rounds between; None where there is
    none (fewer than 3 rounds), as is the last where there is only one. is_growing: those between grow;
    the one in the middle stands for them.
    """

    count: int
    first: Sum | None
    steady: Sum | None
    last: Sum | None
    others: bool = False
    is_growing: bool = False


def sum_of(costs: Iterable[Cost]) -> Sum:
    """Add costs up: counts, bytes, seconds and joules alike."""
    costs = tuple(costs)
    by_bound: dict[str, list[float]] = {}
    for cost in costs:
        if cost.bound != "free":
            by_bound.setdefault(cost.bound, []).append(cost.expected_s)
    joules = [cost.energy_j for cost in costs if cost.energy_j is not None]
    return Sum(
        costs=costs,
        calls=sum(cost.traffic.calls for cost in costs),
        macs=sum(cost.traffic.calls * cost.traffic.work.macs for cost in costs),
        flops=sum(cost.traffic.calls * cost.traffic.work.flops for cost in costs),
        crossings=_crossings(costs),
        compute_s=fsum(cost.compute_s for cost in costs),
        level_s=_level_s(costs),
        latency_s=fsum(cost.latency_s for cost in costs),
        expected_s=fsum(cost.expected_s for cost in costs),
        roofline_s=fsum(cost.roofline_s for cost in costs),
        energy_j=fsum(joules) if len(joules) == len(costs) else None,
        bound_s={bound: fsum(parts) for bound, parts in by_bound.items()},
        fast_s=fsum(cost.expected_s if cost.fast_s is None else cost.fast_s for cost in costs),
        slow_s=fsum(cost.expected_s if cost.slow_s is None else cost.slow_s for cost in costs),
    )


def layers_of(costs: Iterable[Cost]) -> tuple[Layer, ...]:
    """Costs by module, op and op class, in order of first appearance; free views are left out."""
    groups: dict[tuple[Part, str, str, str], list[Cost]] = {}
    total: list[float] = []
    for cost in costs:
        work = cost.traffic.work
        total.append(cost.expected_s)
        if not _is_free_view(cost):
            key = work.op.part, work.op.module, op_name(cost), work.op_class
            groups.setdefault(key, []).append(cost)
    whole = fsum(total)
    sums = {key: sum_of(group) for key, group in groups.items()}
    return tuple(
        Layer(
            module=module,
            op=op,
            op_class=op_class,
            sum=layer,
            share=layer.expected_s / whole if whole else 0.0,
            part=part,
        )
        for (part, module, op, op_class), layer in sums.items()
    )


def steps_of(costs: Iterable[Cost]) -> Steps | None:
    """One round of the longest loop over time; None where no loop runs along time."""
    every = [cost for cost in costs if cost.traffic.axis == "time" and cost.traffic.phase != "once"]
    if not every:
        return None
    count = max(cost.traffic.times for cost in every)
    looped = [cost for cost in every if cost.traffic.times == count]

    def one_round_in(phase: str) -> Sum | None:
        rounds = [one_round(cost) for cost in looped if cost.traffic.phase == phase]
        return sum_of(rounds) if rounds else None

    return Steps(
        count=count,
        first=one_round_in("first"),
        steady=one_round_in("steady"),
        last=one_round_in("last"),
        others=len(looped) < len(every),
    )


def one_round(cost: Cost) -> Cost:
    """The cost of a single round of a loop: the steady ones come `times - 2` together."""
    traffic = cost.traffic
    rounds = max(traffic.times - 2, 1) if traffic.phase == "steady" else 1
    crossings = tuple(
        Crossing(
            level=crossing.level,
            read_bytes=crossing.read_bytes / rounds,
            write_bytes=crossing.write_bytes / rounds,
            low_bytes=crossing.low_bytes / rounds,
            high_bytes=crossing.high_bytes / rounds,
        )
        for crossing in traffic.crossings
    )
    return replace(
        cost,
        traffic=replace(traffic, calls=traffic.calls // rounds, crossings=crossings),
        compute_s=cost.compute_s / rounds,
        level_s={level: seconds / rounds for level, seconds in cost.level_s.items()},
        latency_s=cost.latency_s / rounds,
        expected_s=cost.expected_s / rounds,
        roofline_s=cost.roofline_s / rounds,
        energy_j=None if cost.energy_j is None else cost.energy_j / rounds,
        fast_s=None if cost.fast_s is None else cost.fast_s / rounds,
        slow_s=None if cost.slow_s is None else cost.slow_s / rounds,
    )


def op_name(cost: Cost) -> str:
    """The name of a cost's op; of a recurrent step with the layer and the direction it belongs to."""
    op = cost.traffic.work.op
    layer = op.attributes.get("layer")
    return op.name if layer is None else f"{op.name} {layer}"


def _is_free_view(cost: Cost) -> bool:
    moved = any(crossing.bytes for crossing in cost.traffic.crossings)
    return cost.traffic.work.op_class == "view" and not moved and not cost.expected_s


def _crossings(costs: Sequence[Cost]) -> tuple[Crossing, ...]:
    if len(costs) == 1:
        return costs[0].traffic.crossings
    by_level: dict[str, list[Crossing]] = {}
    for cost in costs:
        for crossing in cost.traffic.crossings:
            by_level.setdefault(crossing.level, []).append(crossing)
    return tuple(
        Crossing(
            level=level,
            read_bytes=fsum(part.read_bytes for part in parts),
            write_bytes=fsum(part.write_bytes for part in parts),
            low_bytes=fsum(part.low_bytes for part in parts),
            high_bytes=fsum(part.high_bytes for part in parts),
        )
        for level, parts in by_level.items()
    )


def _level_s(costs: Sequence[Cost]) -> Mapping[str, float]:
    if len(costs) == 1:
        return costs[0].level_s
    by_level: dict[str, list[float]] = {}
    for cost in costs:
        for level, seconds in cost.level_s.items():
            by_level.setdefault(level, []).append(seconds)
    return {level: fsum(parts) for level, parts in by_level.items()}


def _nothing(level: str) -> Crossing:
    return Crossing(level=level, read_bytes=0.0, write_bytes=0.0, low_bytes=0.0, high_bytes=0.0)
