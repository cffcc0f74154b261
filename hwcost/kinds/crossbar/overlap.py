"""Work that arrays do side by side: products that wait for nothing new, and layers as on a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import fsum

from hwcost.devices.arrays import Arrays
from hwcost.graph import Tensor
from hwcost.kinds.crossbar.capacity import key_of
from hwcost.kinds.crossbar.grain import output_share, read_share
from hwcost.kinds.crossbar.placed import PlacedWork
from hwcost.report import Cost

STEP = "recurrent step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A cost, and how much of its compute_s its arrays take."""

    cost: Cost
    arrays_s: float


@dataclass(slots=True, kw_only=True)
class Stage:
    """Ops that follow one another: those of one loop, or one op alone. start_s, end_s: within the pass.

    share: of its output that comes first; 1 where it comes all at once.
    """

    members: list[Timed] = field(default_factory=list)
    start_s: float = 0.0
    end_s: float = 0.0
    share: float = 1.0

    @property
    def seconds(self) -> float:
        return fsum(member.cost.expected_s for member in self.members)


def overlapped(timed: Sequence[Timed], arrays: Arrays, static_w: float) -> tuple[Cost, ...]:
    """The costs of a pass; where layers overlap, each with its share of the time that the pass takes.

    none      ops follow one another
    products  a step's product with its state starts with the product of its input, where both are weights
              that stay: the shorter of the two adds nothing
    layers    and an op starts as soon as the first piece that it needs is there: a step of a sequence, a
              row of an image. Where weights do not fit, ops follow one another.
    """
    if arrays.overlap == "none":
        return tuple(one.cost for one in timed)
    joined = _joined(timed, static_w)
    if arrays.overlap == "products" or not _fits(joined, arrays):
        return tuple(one.cost for one in joined)
    whole = fsum(one.cost.expected_s for one in joined)
    factor = min(1.0, passing_s(joined) / whole) if whole else 1.0
    return tuple(_share(one.cost, factor, static_w) for one in joined)


def passing_s(timed: Sequence[Timed]) -> float:
    """Seconds of a pass whose ops start when what they need first is there.

    With f the share of stage i that stage j waits for, and needs after i's last piece:

    start  max over the stages i that j reads of (1 - f) * start_i + f * end_i
    end    max(start + T, max over i of end_i + f * T)

    The pass is over with its last stage, and not before the digital unit, each level and each weight's
    arrays have done all that is theirs.
    """
    stages = _stages(timed)
    written: dict[str, list[Stage]] = defaultdict(list)
    for stage in stages:
        _schedule(stage, written)
        for member in stage.members:
            for storage in _written(member):
                written[storage].append(stage)
    return max([stage.end_s for stage in stages] + list(_busy_s(timed)), default=0.0)


def _schedule(stage: Stage, written: dict[str, list[Stage]]) -> None:
    """Sets when a stage starts and ends, and how soon its output comes."""
    seconds, starts, ends, finest = stage.seconds, [0.0], [0.0], 0.0
    for member in stage.members:
        for tensor in _read(member):
            for before in written.get(tensor.storage.id, ()):
                share = max(before.share, read_share(member.cost.traffic, tensor))
                finest = max(finest, before.share)
                starts.append((1.0 - share) * before.start_s + share * before.end_s)
                ends.append(before.end_s + share * seconds)
    stage.start_s = max(starts)
    stage.end_s = max(stage.start_s + seconds, *ends)
    shares = (output_share(member.cost.traffic, finest) for member in stage.members)
    stage.share = max(shares, default=1.0)


def _read(member: Timed) -> Iterable[Tensor]:
    """What an op takes in: from memory, through arrays, or from the kernel that it is fused with."""
    work = member.cost.traffic.work
    operands = (tensor for product in work.products for tensor in (product.a, product.b))
    found: dict[str, Tensor] = {}
    for tensor in (*work.reads, *operands, *work.op.inputs):
        found.setdefault(tensor.storage.id, tensor)
    return found.values()


def _written(member: Timed) -> frozenset[str]:
    work = member.cost.traffic.work
    return frozenset(tensor.storage.id for tensor in (*work.writes, *work.op.outputs))


def _stages(timed: Sequence[Timed]) -> list[Stage]:
    """Costs of one loop that stand side by side make a stage; so does each op outside of loops."""
    stages: list[Stage] = []
    last: tuple[str, int] | None = None
    for one in timed:
        traffic = one.cost.traffic
        loop = None if traffic.phase == "once" else (traffic.axis, traffic.times)
        if loop is None or loop != last:
            stages.append(Stage())
        stages[-1].members.append(one)
        last = loop
    return stages


def _busy_s(timed: Sequence[Timed]) -> Iterable[float]:
    """Seconds that each shared part of the chip is at work: levels, digital unit, the arrays of a weight."""
    levels: dict[str, float] = defaultdict(float)
    weights: dict[object, float] = defaultdict(float)
    for one in timed:
        for name, seconds in one.cost.level_s.items():
            levels[name] += seconds
        work = one.cost.traffic.work
        held = work.held if isinstance(work, PlacedWork) else ()
        weights[key_of(held[0].matrix) if held else None] += one.arrays_s
    digital_s = fsum(one.cost.compute_s - one.arrays_s + one.cost.latency_s for one in timed)
    return (digital_s, *levels.values(), *weights.values())


def _joined(timed: Sequence[Timed], static_w: float) -> tuple[Timed, ...]:
    """Steps less what their arrays do while those of their input are at work, in the same round."""
    products: dict[tuple[str, str], Timed] = {}
    found = []
    for one in timed:
        work, traffic = one.cost.traffic.work, one.cost.traffic
        if not isinstance(work, PlacedWork) or not work.held:
            found.append(one)
            continue
        if work.op_class == STEP:
            before = [
                products[key]
                for tensor in work.reads
                if (key := (tensor.storage.id, traffic.phase)) in products
                and all(product.a.storage != tensor.storage for product in work.products)
            ]
            saved_s = min(one.arrays_s, max((other.arrays_s for other in before), default=0.0))
            shorter = _without(one.cost, saved_s, static_w)
            found.append(Timed(cost=shorter, arrays_s=one.arrays_s - saved_s))
            continue
        found.append(one)
        if traffic.phase != "once":
            products.update({(tensor.storage.id, traffic.phase): one for tensor in work.writes})
    return tuple(found)


def _fits(timed: Sequence[Timed], arrays: Arrays) -> bool:
    works = (one.cost.traffic.work for one in timed)
    return all(work.arrays_taken <= arrays.count for work in works if isinstance(work, PlacedWork))


def _without(cost: Cost, saved_s: float, static_w: float) -> Cost:
    """The same with arrays that take less of its time: it still waits for its levels."""
    expected_s = max(cost.expected_s - saved_s, *cost.level_s.values(), cost.latency_s)
    shorter = replace(cost, compute_s=cost.compute_s - saved_s)
    return _taking(shorter, min(expected_s, cost.expected_s), static_w)


def _share(cost: Cost, factor: float, static_w: float) -> Cost:
    """The same with its share of a shorter pass, each of its parts alike."""
    shorter = replace(
        cost,
        compute_s=cost.compute_s * factor,
        level_s={name: seconds * factor for name, seconds in cost.level_s.items()},
        latency_s=cost.latency_s * factor,
    )
    return _taking(shorter, cost.expected_s * factor, static_w)


def _taking(cost: Cost, expected_s: float, static_w: float) -> Cost:
    """With less time, less static energy."""
    energy_j = cost.energy_j
    if energy_j is not None:
        energy_j -= static_w * (cost.expected_s - expected_s)
    return replace(
        cost, expected_s=expected_s, energy_j=energy_j, roofline_s=min(cost.roofline_s, expected_s)
    )
