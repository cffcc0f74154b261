"""The trace of a stream, put together from traces of a module's own `step`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from hwcost.graph import Loop, Op, Storage, Tensor, Trace, Tree, leaves, mapped
from hwcost.orders.order import Order
from hwcost.orders.prompt import handed_over
from hwcost.orders.segments import Segment, generation, segments
from hwcost.orders.stream import AXES

STATE: Final = "state"
"""How the names of the buffers begin that hold the state of a traced step."""

Shapes = tuple[tuple[int, ...], ...]

ROUNDING: Final = 2
"""By how much a state's size may be off an even growth, because sizes are whole numbers."""


def stepwise(
    trace_step: Callable[[int, int], Trace], shapes_at: Callable[[int], Shapes], *, order: Order, seq_len: int
) -> Trace:
    """The trace of a stream of `seq_len` steps in chunks of `order.steps`.

    trace_step: the trace of one call of `step`, from the number of its steps and of those before it; its
    state lies in buffers whose names begin with `STATE`, to which an empty copy at its end hands the new one.
    shapes_at: the shapes of that state after a number of steps, which say where its growth is not even.
    """
    cut = [part for segment in _stretches(order, seq_len) for part in _even(segment, shapes_at)]
    traces = [trace_step(part.steps, part.start + (part.chunks - 1) // 2 * part.steps) for part in cut]
    loops: list[Loop[Op]] = []
    for part, trace in zip(cut, traces, strict=True):
        body = _moving(_kept_in_place(trace.items), part)
        loops.append(Loop(times=part.chunks, body=body, axis=AXES[part.place]))
    if order.prompt is not None:
        loops[0] = replace(loops[0], body=handed_over(loops[0].body, tuple(loops[1:])))
    return replace(traces[-1], items=_joined(loops), seq_len=seq_len, order=order.word, prompt=order.prompt)


def _stretches(order: Order, seq_len: int) -> tuple[Segment, ...]:
    if order.prompt is not None:
        first, behind = generation(seq_len, order.prompt, grows=True, windows=())
        return first, *behind
    return segments(seq_len, min(order.steps or seq_len, seq_len), grows=True, windows=())


def _even(segment: Segment, shapes_at: Callable[[int], Shapes]) -> list[Segment]:
    """A segment, cut in two until the state grows evenly in each part."""
    if segment.chunks < 3:
        ones = (
            replace(segment, start=segment.start + i * segment.steps, chunks=1) for i in range(segment.chunks)
        )
        return list(ones) if segment.chunks == 2 else [segment]
    first, steps = segment.start, segment.steps
    ends = shapes_at(first), shapes_at(first + (segment.chunks - 1) * steps)
    middle = shapes_at(first + (segment.chunks - 1) // 2 * steps)
    if all(
        len(a) == len(m) == len(b)
        and all(abs(x + z - 2 * y) <= ROUNDING for x, y, z in zip(a, m, b, strict=True))
        for a, m, b in zip(ends[0], middle, ends[1], strict=True)
    ):
        return [segment]
    left = segment.chunks // 2 | 1
    parts = (
        replace(segment, chunks=left),
        replace(segment, start=first + left * steps, chunks=segment.chunks - left),
    )
    return [part for half in parts if half.chunks for part in _even(half, shapes_at)]


def _kept_in_place(items: Tree[Op]) -> Tree[Op]:
    """The ops of a step whose new state lies where the old one did.

    A new state that was joined from the old one and new rows is the old one with these rows written.
    """
    names = {op.inputs[1].storage.id: op.outputs[0].storage for op, _ in leaves(items) if _is_hand_over(op)}

    def renamed(tensor: Tensor) -> Tensor:
        storage = names.get(tensor.storage.id)
        return tensor if storage is None else replace(tensor, storage=storage)

    kept: list[Op | Loop[Op]] = []
    for item in items:
        if isinstance(item, Loop):
            kept.append(Loop(times=item.times, body=_renamed(item.body, renamed), axis=item.axis))
        elif not _is_hand_over(item):
            op = _on(item, renamed)
            kept.append(_appended(item, op) if item.name == "aten.cat" else op)
    return tuple(kept)


def _renamed(items: Tree[Op], change: Callable[[Tensor], Tensor]) -> Tree[Op]:
    return mapped(items, lambda op: _on(op, change))


def _is_hand_over(op: Op) -> bool:
    """Whether a call is the empty copy that says which new state replaces which old one."""
    return op.name == "aten.copy_" and _is_state(op.outputs[0].storage) and not op.outputs[0].elements


def _is_state(storage: Storage) -> bool:
    return storage.role == "weight" and storage.name.rpartition(".")[2].startswith(STATE)


def _on(op: Op, change: Callable[[Tensor], Tensor]) -> Op:
    return replace(op, inputs=tuple(map(change, op.inputs)), outputs=tuple(map(change, op.outputs)))


def _appended(before: Op, op: Op) -> Op:
    """A join of a state with new rows that replaces the state: only the new rows are written."""
    out = op.outputs[0]
    old = [t for t in op.inputs if t.storage.id == out.storage.id]
    new = [t for t in op.inputs if t.storage.id != out.storage.id]
    if not _is_state(out.storage) or before.outputs[0].storage.id == out.storage.id or not new:
        return op
    dim = op.attributes.get("dim")
    place = dim % len(out.shape) if isinstance(dim, int) else 0
    before_them = sum(t.shape[place] for t in old) * out.strides[place]
    rows = replace(new[0], storage=out.storage, strides=out.strides, offset=before_them)
    return Op(name="aten.copy_", module=op.module, inputs=(rows, *new), outputs=(rows,))


def _moving(items: Tree[Op], part: Segment) -> Tree[Op]:
    """The ops of a chunk whose inputs and results lie behind those of the chunk before.

    Storages are known by name: weights and states by their own, others by their number in the trace.
    """
    rows: dict[str, int] = {}
    for op, _ in leaves(items):
        for t in (*op.inputs, *op.outputs):
            if t.role in ("input", "output"):
                rows[t.storage.id] = t.storage.elements

    def tensor(old: Tensor) -> Tensor:
        storage = old.storage
        if _is_state(storage):
            return replace(old, storage=replace(storage, id=storage.name, role="state", name=""))
        if storage.role == "weight":
            return replace(old, storage=replace(storage, id=storage.name))
        if storage.id not in rows:
            return old
        step = rows[storage.id]
        start = step * part.start // part.steps
        elements = start + step * part.chunks
        return replace(
            old,
            storage=replace(storage, elements=elements),
            offset=old.offset + start,
            advance=(step, *(0,) * len(old.advance)),
        )

    return mapped(items, lambda op: _on(op, tensor))


def _joined(loops: Sequence[Loop[Op]]) -> Tree[Op]:
    """The loops, with one size per storage."""
    sizes: dict[str, int] = {}
    items: Tree[Op] = tuple(loops)
    for op, _ in leaves(items):
        for t in (*op.inputs, *op.outputs):
            reach = t.offset + sum((n - 1) * s for n, s in zip(t.shape, t.strides, strict=True) if n) + 1
            sizes[t.storage.id] = max(sizes.get(t.storage.id, 0), t.storage.elements, reach)

    def sized(op: Op) -> Op:
        return _on(op, lambda t: replace(t, storage=replace(t.storage, elements=sizes[t.storage.id])))

    return mapped(items, sized)
