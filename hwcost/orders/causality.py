"""Whether every result of a model depends on no later step than its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from hwcost.dependence import Sight, TimeAxis, sight
from hwcost.errors import OrderError
from hwcost.graph import Op, Tensor, Trace, leaves, mapped
from hwcost.orders.growth import Growth
from hwcost.orders.matching import LoopPair, Node, matched, named

SEES_LATER = "take --order offline, or let it be causal (--set causal=true where there is such a setting)"

SEES_MASK = "take --order offline, or make the mask in forward: of one among the inputs no values are known"

SMALL = 16
"""Steps of the sequence on which causality is tried: what looks ahead does so from the first steps on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """Time in a storage: element e stands at (e // stride) % size, of which `pace` come per step.

    Where several come per step, rows are one dimension with the steps, and either may be the outer one,
    which a size does not tell: those of the first sequence come first, or those of the first step.
    """

    stride: int
    size: int
    pace: Fraction


def require_causal(small: Trace, long: Trace, growth: Growth) -> None:
    """Raise OrderError if a result of a model looks ahead, with the first op that does.

    small, long: the model at the two lengths of `growth`; the dependences are followed in the smaller one.
    A result may stand at the time of its place from the start or from the end: a convolution without padding
    has its first result when its window is full, one that pads has some too many.
    """
    nodes = matched(small.items, long.items)
    every, inputs_of, outputs_of = _axes(nodes, growth), _of_role(small, "input"), _of_role(small, "output")
    inputs = {key: axis for key, axis in every.items() if key in inputs_of}
    axes = {key: axis for key, axis in every.items() if key in outputs_of}
    errors: list[OrderError] = []
    for time in _times(inputs, growth.short):
        found = {seen.storage.id: seen for seen in sight(small, time=time)}
        worst = max((_ahead(found[key], axis, growth.short) for key, axis in axes.items()), default=0)
        if worst <= 0:
            return
        assumed = next((name for seen in found.values() for name in seen.assumed), "")
        errors.append(_error(small, nodes, growth, time, worst, assumed))
    raise errors[0]


def _times(inputs: Mapping[str, _Axis], steps: int) -> list[dict[str, TimeAxis]]:
    """Where time may lie in the inputs: rows within a step, or steps within a row."""

    def lying(*, is_outer: bool) -> dict[str, TimeAxis]:
        return {
            key: TimeAxis(
                stride=axis.stride * (int(axis.pace) if is_outer and axis.pace > 1 else 1),
                size=axis.size if axis.pace <= 1 else steps,
            )
            for key, axis in inputs.items()
        }

    outer, inner = lying(is_outer=True), lying(is_outer=False)
    return [outer] if outer == inner else [outer, inner]


def _of_role(trace: Trace, role: str) -> set[str]:
    return {
        t.storage.id for op, _ in leaves(trace.items) for t in (*op.inputs, *op.outputs) if t.role == role
    }


def _pairs(nodes: tuple[Node, ...]) -> Iterator[tuple[Op, Tensor, Tensor]]:
    """Each tensor at the two lengths, in order, with its op."""
    for node in nodes:
        if isinstance(node, LoopPair):
            yield from _pairs(node.body)
        else:
            for a, b in zip(node.short.inputs, node.long.inputs, strict=False):
                yield node.short, a, b
            for a, b in zip(node.short.outputs, node.long.outputs, strict=True):
                yield node.short, a, b


def _axes(nodes: tuple[Node, ...], growth: Growth) -> dict[str, _Axis]:
    """The time axis of each storage that has one and only one, by its id at the smaller length."""
    found: dict[str, _Axis] = {}
    several: set[str] = set()
    for _, short, long in _pairs(nodes):
        grows = [i for i, (a, b) in enumerate(zip(short.shape, long.shape, strict=True)) if a != b]
        key = short.storage.id
        if len(grows) > 1:
            several.add(key)
        axis = _axis(short, long, grows[0], growth) if len(grows) == 1 else None
        if not grows:
            axis = _axis_of_rounds(short, long, growth)
        if axis is not None and (key not in found or axis.pace < found[key].pace):
            found[key] = axis
    return {key: axis for key, axis in found.items() if key not in several and axis.stride}


def _axis(short: Tensor, long: Tensor, i: int, growth: Growth) -> _Axis:
    """Time as dimension i of a tensor."""
    pace = growth.rate(short.shape[i], long.shape[i])
    return _Axis(stride=short.strides[i], size=short.shape[i], pace=pace)


def _axis_of_rounds(short: Tensor, long: Tensor, growth: Growth) -> _Axis | None:
    """Time in a storage of which every round of a loop reads or writes one step."""
    moves = [abs(step) for step in short.advance if step]
    if len(moves) != 1 or short.storage.elements == long.storage.elements:
        return None
    (stride,) = moves
    outer = [(a, b) for a, b in zip(short.strides, long.strides, strict=True) if a > stride and a != b]
    a, b = min(outer, default=(short.storage.elements, long.storage.elements))
    return _Axis(stride=stride, size=a // stride, pace=growth.rate(a // stride, b // stride))


def _ahead(seen: Sight, axis: _Axis, steps: int) -> int:
    """By how many steps the elements of a storage look ahead at most, as time lies in it at best."""
    if axis.pace <= 1:
        return _ahead_along(seen, axis, steps)
    inner = replace(axis, size=steps, pace=Fraction(1))
    return min(_ahead_along(seen, each, steps) for each in (axis, inner))


def _ahead_along(seen: Sight, axis: _Axis, steps: int) -> int:
    """The same where time lies in one way."""
    latest = np.asarray(seen.latest)
    place = np.arange(len(latest)) // axis.stride % axis.size
    pace = float(axis.pace)
    from_start = place // pace if pace > 1 else np.floor((place + 1) / pace) - 1
    from_end = steps - 1 - np.floor((axis.size - 1 - place) / pace)
    ahead = latest - np.maximum(from_start, from_end)
    return int(max(ahead.max(initial=0.0), 0.0))


def _error(
    small: Trace,
    nodes: tuple[Node, ...],
    growth: Growth,
    time: dict[str, TimeAxis],
    worst: int,
    assumed: str,
) -> OrderError:
    """The error that names the first op whose result looks ahead."""
    if assumed:
        return OrderError(f"`{assumed}` is not known to keep the steps apart", mend="take --order offline")

    mend = SEES_MASK if _takes_a_mask(nodes) else SEES_LATER

    def shown(op: Op) -> Op:
        outputs = (
            replace(t, storage=replace(t.storage, role="output" if t.role == "activation" else t.role))
            for t in op.outputs
        )
        return replace(op, outputs=tuple(outputs))

    everything = replace(small, items=mapped(small.items, shown))
    axes = _axes(nodes, growth)
    seen = {each.storage.id: each for each in sight(everything, time=time)}
    writers = Counter(t.storage.id for op, _ in leaves(small.items) for t in op.outputs)
    for op, short, _ in _pairs(nodes):
        key = short.storage.id
        is_made_here = writers[key] == 1 and any(t.storage.id == key for t in op.outputs)
        if key in axes and key in seen and is_made_here:
            steps = _ahead(seen[key], axes[key], growth.short)
            if steps > 0:
                return OrderError(
                    f"{named(op)} looks {_steps(steps, growth)} ahead",
                    mend=mend,
                )
    return OrderError(f"a result of it looks {_steps(worst, growth)} ahead", mend=mend)


def _steps(steps: int, growth: Growth) -> str:
    if steps == 1:
        return "1 step"
    return f"{steps if steps < growth.short - 1 else 'many'} steps"


def _takes_a_mask(nodes: tuple[Node, ...]) -> bool:
    """Whether an input of the model has a number for each pair of steps."""
    return any(
        a.role == "input" and sum(i != j for i, j in zip(a.shape, b.shape, strict=True)) > 1
        for _, a, b in _pairs(nodes)
    )
