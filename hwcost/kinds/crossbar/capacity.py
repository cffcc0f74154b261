"""Which weights stay in the arrays, how often the others are missing, and which are copied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isinf, sqrt
from typing import Final

from hwcost.graph import Phase, Storage, Tensor, Tree, Work, contiguous, leaves, mapped
from hwcost.kinds.crossbar.matrices import Matrix
from hwcost.memory.reuse import reuse
from hwcost.memory.touches import Sample, mean_misses

HALVINGS: Final = 60
"""Steps of the search for the gain below which nothing is copied: far finer than one array."""

Key = tuple[str, int]
"""A matrix by its storage, and where in it it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A weight and how it is used in a pass: the most vectors of a call, and calls in all."""

    matrix: Matrix
    calls: int


def key_of(matrix: Matrix) -> Key:
    """What makes two uses those of the same cells."""
    return matrix.tensor.storage.id, matrix.tensor.offset


def arrays_taken(demands: Mapping[Key, Demand]) -> int:
    """Arrays of all weights together."""
    return sum(demand.matrix.arrays * _rounds(demand) for demand in demands.values())


def demands_of(works: Iterable[tuple[Sequence[Matrix], int]]) -> dict[Key, Demand]:
    """The distinct weights, in order of first use; of two uses the one with more vectors."""
    found: dict[Key, Demand] = {}
    for several, calls in works:
        for matrix in (one for one in several if one.stays):
            before = found.get(key_of(matrix))
            most = matrix
            if before is not None:
                calls += before.calls
                most = max(before.matrix, matrix, key=lambda one: (one.arrays, one.vectors))
            found[key_of(matrix)] = Demand(matrix=most, calls=calls)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """How often a weight is missing.

    calls: of its op, by phase. loads: of these, if what is missing is written each time. share: of each
    call, if a part never comes into arrays at all.
    """

    calls: Mapping[Phase, int]
    loads: Mapping[Phase, float]
    share: float


def missing_of(
    tree: Tree[Work], found: Mapping[int, Sequence[Matrix]], count: int, taken: int
) -> tuple[tuple[Missing | None, ...], ...]:
    """How often each op of a tree finds its matrices missing; None for what is always there.

    Distances between two uses are counted in arrays that other weights take in between. What a pass
    uses first was last used in the pass before, at a distance of all weights. A fixed part stays:
    a matrix at distance D misses with 1 - count / D. found: the matrices of each work, by its id.
    """
    each = [found[id(work)] for work, _ in leaves(tree)]
    if taken <= count:
        return tuple((None,) * len(several) for several in each)

    def in_arrays(work: Work) -> Work:
        several = (matrix for matrix in found[id(work)] if matrix.stays)
        return Work(op=work.op, op_class=work.op_class, reads=tuple(map(_as_arrays, several)))

    result = []
    for several, op in zip(each, reuse(mapped(tree, in_arrays)), strict=True):
        missing: dict[str, dict[Phase, float]] = {}
        for touch in op.touches:
            phases = missing.setdefault(touch.tensor.storage.id, {})
            for sample in touch.samples:
                loads = _missing(sample, count, taken) * sample.rounds * touch.bytes / touch.tensor.elements
                phases[sample.phase] = phases.get(sample.phase, 0.0) + loads
        result.append(
            tuple(
                Missing(
                    calls=dict(op.phases),
                    loads=missing.get(_as_arrays(matrix).storage.id, {}),
                    share=1.0 - count / taken,
                )
                for matrix in several
            )
        )
    return tuple(result)


def replicas(demands: Mapping[Key, Demand], spare: int) -> dict[Key, int]:
    """Copies of weights that many vectors of one call pass, so that the pass is soonest done.

    Copy r + 1 of a matrix saves calls * vectors / (r * (r + 1)) intervals for its arrays. Those with
    the highest saving per array are made, down to the lowest for which there is room: so more room
    never takes a copy away. Weights with one vector per call are not copied: it would not help.
    """
    useful = {key: demand for key, demand in demands.items() if demand.matrix.vectors > 1}

    def copies(gain: float) -> dict[Key, int]:
        return {key: _copies(demand, gain) for key, demand in useful.items()}

    def room(found: Mapping[Key, int]) -> int:
        return sum((number - 1) * useful[key].matrix.arrays for key, number in found.items())

    if not useful or spare < 1:
        return {}
    high = max(demand.calls * demand.matrix.vectors for demand in useful.values()) + 1.0
    low = 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if room(copies(middle)) <= spare else (middle, high)
    return copies(high)


def _copies(demand: Demand, gain: float) -> int:
    """The most copies of which the last one saves at least `gain` per array: r (r - 1) <= w / (gain * a)."""
    matrix = demand.matrix
    if not gain:
        return matrix.vectors
    ratio = demand.calls * matrix.vectors / (gain * matrix.arrays)
    return max(1, min(matrix.vectors, int((1 + sqrt(1 + 4 * ratio)) / 2)))


def _missing(sample: Sample, count: int, taken: int) -> float:
    if isinf(sample.start_bytes) or isinf(sample.end_bytes):
        return 1.0 - count / taken
    return mean_misses(sample, float(count), "pinned")


def _as_arrays(matrix: Matrix) -> Tensor:
    """A tensor with an element of one byte per array: distances then come out in arrays."""
    storage = Storage(
        id="/".join(map(str, key_of(matrix))), elements=matrix.arrays, dtype="int8", role="weight"
    )
    advance = tuple(matrix.arrays if step else 0 for step in matrix.tensor.advance)
    return contiguous(storage, (matrix.arrays,), advance=advance)


def _rounds(demand: Demand) -> int:
    """A weight that moves on from round to round of a loop is as many weights as there are calls."""
    return demand.calls if any(demand.matrix.tensor.advance) else 1
