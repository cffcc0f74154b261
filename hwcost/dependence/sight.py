"""What each output of a trace sees of its inputs: from when, until when, and over how many steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import numpy.typing as npt

from hwcost.dependence import windows
from hwcost.dependence.field import Field, empty_field, one_by_one, refined
from hwcost.dependence.replay import State, replay
from hwcost.dependence.windows import Array, Charge, gathered
from hwcost.errors import UsageError
from hwcost.graph import Storage, Trace, contiguous, leaves

Times = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeAxis:
    """Where time lies in an input: element e of its storage stands at time (e // stride) % size."""

    stride: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What elements depend on.

    earliest, latest: the first and last time of the inputs, as whole numbers; +inf and -inf where there
    is none. An element may not depend on every time between. hops: the fewest steps that mix positions
    on a way from the inputs at time 0; inf where there is none. A step is attention, a convolution over
    several positions, a reduction or product over them, or one time step of a recurrence; what lets an
    element pass at its own position is none (see `windows.Charge`).
    """

    earliest: Times
    latest: Times
    hops: Times


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What an output sees.

    field: what its elements see, kept small. assumed: names of ops whose meaning is not known; every
    element after one of them depends on all before it.
    """

    storage: Storage
    field: Field
    assumed: tuple[str, ...] = ()

    @property
    def elements(self) -> View:
        """What each element depends on, in the order in which they lie in the storage."""
        return _view(np.broadcast_to(one_by_one(self.field).numbers[-1], (self.storage.elements,)))

    @property
    def earliest(self) -> Times:
        """Of each element in order; of large outputs, `over` is cheaper."""
        return self.elements.earliest

    @property
    def latest(self) -> Times:
        """Of each element in order; of large outputs, `over` is cheaper."""
        return self.elements.latest

    @property
    def hops(self) -> Times:
        """Of each element in order; of large outputs, `over` is cheaper."""
        return self.elements.hops

    def over(self, axis: TimeAxis) -> View:
        """What the output depends on at each of its own time steps: all elements of a step together.

        axis: where time lies in the output's storage.
        """
        inner = axis.stride * axis.size
        if self.storage.elements % inner:
            raise UsageError(
                f"{self.storage.elements} elements are not whole rows of {axis.size} steps of {axis.stride}"
            )
        sizes = (self.storage.elements // inner, axis.size, axis.stride)
        tensor = contiguous(self.storage, sizes)
        field = refined(self.field, zip(tensor.shape, tensor.strides, strict=True))
        steps = gathered(_parts(field, axis), (1, 3), Charge.FREE)[-1, 0, :, 0]
        return _view(np.broadcast_to(steps, (axis.size,)))


def _parts(field: Field, axis: TimeAxis) -> Array:
    """The numbers as [round, before, time, within], of axes along which all see the same one element."""
    inner = axis.stride * axis.size
    if not {axis.stride, inner} <= {*field.steps, prod(field.sizes)}:
        field = replace(one_by_one(field), sizes=(prod(field.sizes) // inner, axis.size, axis.stride))
        return field.numbers.reshape(len(field.numbers), *field.sizes)
    shape = [1, 1, 1]
    whole_time = any(
        axis.stride <= step < inner and kept > 1
        for step, kept in zip(field.steps, field.numbers.shape[1:], strict=True)
    )
    full = [len(field.numbers)]
    for step, size, kept in zip(field.steps, field.sizes, field.numbers.shape[1:], strict=True):
        place = 0 if step >= inner else 1 if step >= axis.stride else 2
        kept = size if place == 1 and whole_time else kept
        full.append(kept)
        shape[place] *= kept
    return np.broadcast_to(field.numbers, full).reshape(full[0], *shape)


def _view(numbers: Array) -> View:
    return View(
        earliest=windows.earliest(numbers), latest=windows.latest(numbers), hops=windows.hops(numbers)
    )


def sight(trace: Trace, *, time: Mapping[str, TimeAxis]) -> tuple[Sight, ...]:
    """What every output sees, one for each output storage, in the order of their first appearance.

    time: the time axis of each input storage that is looked at, by its id; what others hold is taken as
    constant. The trace is replayed without numbers: each op says which elements of its inputs each
    element of its outputs is made of. A mask counts where its values were known when the trace was made.

    Raises:
        UsageError: no input has such an id, or there is more to follow than there is room for.
    """
    storages = _storages(trace)
    state = State()
    for key, axis in time.items():
        if key not in storages:
            raise UsageError(f"the trace has no storage {key!r}", where=trace.model)
        if axis.size > windows.TIME_STEPS_AT_MOST:
            raise UsageError(
                f"{axis.size:,} time steps are too many to follow",
                where=trace.model,
                mend=f"take at most {windows.TIME_STEPS_AT_MOST:,}",
            )
        state.fields[key] = _entry(storages[key].elements, axis)
    replay(trace.items, state)
    return tuple(_sight(it, state) for it in storages.values() if it.role == "output")


def _entry(elements: int, axis: TimeAxis) -> Field:
    """An input, of which each element sees its own time."""
    outer, rest = divmod(elements, axis.size * axis.stride)
    if rest:
        times = np.arange(elements) // axis.stride % axis.size
        return Field(sizes=(elements,), numbers=windows.inputs_at(times)[None])
    numbers = windows.inputs_at(np.arange(axis.size))
    return Field(sizes=(outer, axis.size, axis.stride), numbers=numbers.reshape(1, 1, -1, 1))


def _storages(trace: Trace) -> dict[str, Storage]:
    found: dict[str, Storage] = {}
    for op, _ in leaves(trace.items):
        for tensor in (*op.inputs, *op.outputs):
            found.setdefault(tensor.storage.id, tensor.storage)
    return found


def _sight(storage: Storage, state: State) -> Sight:
    field = state.fields.get(storage.id) or empty_field(storage.elements)
    return Sight(storage=storage, field=field, assumed=tuple(state.assumed))
