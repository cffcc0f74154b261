"""The trace of a stream, derived from the traces of whole sequences at two lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from hwcost.errors import HwcostError
from hwcost.graph import (
    FIRST_STEP,
    LAST_STEP,
    STEPS,
    Attribute,
    Loop,
    Op,
    Storage,
    Tensor,
    Trace,
    Tree,
    leaves,
    mapped,
)
from hwcost.orders.causality import SMALL, require_causal
from hwcost.orders.growth import Growth
from hwcost.orders.layout import Chunk, placed, whole
from hwcost.orders.lengths import two_lengths
from hwcost.orders.matching import LoopPair, Node, matched
from hwcost.orders.order import Order
from hwcost.orders.parts import CREATING, Parts, parts_of
from hwcost.orders.scene import Scene
from hwcost.orders.segments import Segment, segments
from hwcost.orders.views import Past, Rounds, Step

AXES: Final = {"first": FIRST_STEP, "between": STEPS, "last": LAST_STEP}


def streamed(make: Callable[[int], Trace], *, order: Order, seq_len: int) -> Trace:
    """The trace of a model whose sequence of `seq_len` steps arrives in chunks of `order.steps`.

    make: the trace of the model over a whole sequence of some length. An op of a chunk costs what the op of
    the whole sequence grows by when the sequence grows by a chunk.

    Raises:
        OrderError: the model has no such form, and why.
        HwcostError: it cannot be traced.
    """
    steps = min(order.steps or seq_len, seq_len)
    short, long, growth = two_lengths(make, seq_len)
    scene = Scene(growth=growth, steps=steps)
    parts = parts_of(scene, matched(short.items, long.items))
    _require_causal(make, short, long, growth)
    body = [_segment(scene, parts, segment, seq_len) for segment in _cut(parts, seq_len, steps)]
    end = Chunk(steps=steps, start=seq_len - steps, so_far=seq_len, length=seq_len)
    after = [item for step in parts.after for item in _items(scene, step, end, (), inside=False)]
    items = _settled((*_before(scene, parts, seq_len, (*body, *after)), *body, *after))
    return replace(
        long,
        items=items,
        parameters=growth.at(short.parameters, long.parameters, seq_len),
        weight_bytes=growth.at(short.weight_bytes, long.weight_bytes, seq_len),
        seq_len=seq_len,
        order=order.word,
    )


def _require_causal(make: Callable[[int], Trace], short: Trace, long: Trace, growth: Growth) -> None:
    """Follow the dependences in the shortest trace that the model has at hand."""
    small, steps = short, growth.short
    if SMALL < growth.short:
        try:
            small, steps = make(SMALL), SMALL
            matched(small.items, long.items)
        except HwcostError:
            small, steps = short, growth.short
    require_causal(small, long, Growth(short=steps, long=growth.long))


def _cut(parts: Parts, length: int, steps: int) -> tuple[Segment, ...]:
    """The segments that what grows in the body asks for."""
    pasts = {kind for step in _steps(parts.body) for view in step.inputs for kind in view.kinds if isinstance(kind, Past)}
    windows = {past.window for past in pasts if past.window is not None}
    return segments(length, steps, grows=bool(pasts), windows=windows)


def _steps(body: Iterable[Step | Rounds]) -> Iterable[Step]:
    for item in body:
        if isinstance(item, Rounds):
            yield from _steps(item.body)
        else:
            yield item


def _segment(scene: Scene, parts: Parts, segment: Segment, length: int) -> Loop[Op]:
    """The loop of a segment; its ops are those of the chunk in its middle."""
    start = segment.start * scene.steps
    middle = start + (segment.chunks + 1) // 2 * segment.steps
    chunk = Chunk(steps=segment.steps, start=start, so_far=min(middle, length), length=length)
    items = (item for part in parts.body for item in _items(scene, part, chunk, ()))
    return Loop(times=segment.chunks, body=tuple(items), axis=AXES[segment.place])


def _items(
    scene: Scene, part: Step | Rounds, chunk: Chunk, loops: tuple[int | None, ...], *, inside: bool = True
) -> Tree[Op]:
    """The ops of a chunk. inside: of the stream, so that what it reads and writes moves on."""
    if isinstance(part, Rounds):
        times = part.long
        if part.short != part.long:
            times = scene.growth.over(part.short, part.long, chunk.steps)
        is_one = times == 1 and part.short != part.long
        within = (*loops, None if is_one else times)
        body = tuple(item for step in part.body for item in _items(scene, step, chunk, within))
        return body if is_one else (Loop(times=times, body=body, axis=part.axis),)
    inputs = part.inputs
    if part.is_list:
        count = scene.growth.over(len(part.short.inputs), len(part.long.inputs), chunk.steps)
        inputs = inputs[-max(count, 1) :]
    changed = {
        key: _adapted(part.short.attributes.get(key), value, lambda a, b: scene.growth.over(a, b, chunk.steps))
        for key, value in part.long.attributes.items()
    }

    def tensor(view: object) -> Tensor:
        made = placed(scene, view, chunk, loops)  # type: ignore[arg-type]
        return made if inside else replace(made, advance=())

    return (
        replace(
            part.long,
            inputs=tuple(map(tensor, inputs)),
            outputs=tuple(map(tensor, part.outputs)),
            attributes=changed | dict(part.attributes),
        ),
    )


def _adapted(short: Attribute, long: Attribute, grown: Callable[[int, int], int]) -> Attribute:
    """An attribute whose whole numbers grow with the length of the sequence."""
    if isinstance(short, tuple) and isinstance(long, tuple) and len(short) == len(long):
        return tuple(_adapted(a, b, grown) for a, b in zip(short, long, strict=True))
    is_number = isinstance(long, int) and isinstance(short, int) and not isinstance(long, bool)
    return grown(short, long) if is_number and short != long else long  # type: ignore[arg-type]


def _before(scene: Scene, parts: Parts, length: int, later: Tree[Op]) -> Tree[Op]:
    """What runs once before the stream, without what nothing reads any more."""
    items = [item for node in parts.before if (item := _once(scene, node, length)) is not None]
    read = {tensor.storage.id for op, _ in leaves(later) for tensor in op.inputs}
    kept: list[Op | Loop[Op]] = []
    for item in reversed(items):
        ops = [op for op, _ in leaves((item,))]
        if any(t.storage.id in read or t.role == "output" for op in ops for t in op.outputs):
            kept.append(item)
            read |= {tensor.storage.id for op in ops for tensor in op.inputs}
    return tuple(reversed(kept))


def _once(scene: Scene, node: Node, length: int) -> Op | Loop[Op] | None:
    """An item that runs before the stream, at the length of the sequence; None for a buffer of its steps."""
    growth = scene.growth
    if isinstance(node, LoopPair):
        found = (_once(scene, part, length) for part in node.body)
        times = growth.at(node.short.times, node.long.times, length)
        return Loop(times=times, body=tuple(item for item in found if item is not None), axis=node.long.axis)
    op = node.long
    if op.name in CREATING and _makes_steps(scene, node):
        return None
    pairs = list(zip(node.short.inputs, op.inputs, strict=False))
    if node.is_list_of_steps:
        pairs = list(zip(node.short.inputs * len(op.inputs), op.inputs, strict=False))
        pairs = pairs[: growth.at(len(node.short.inputs), len(op.inputs), length)]
    return replace(
        op,
        inputs=tuple(whole(scene, a, b, length) for a, b in pairs),
        outputs=tuple(
            whole(scene, a, b, length) for a, b in zip(node.short.outputs, op.outputs, strict=True)
        ),
        attributes={
            key: _adapted(node.short.attributes.get(key), value, lambda a, b: growth.at(a, b, length))
            for key, value in op.attributes.items()
        },
    )


def _makes_steps(scene: Scene, node: Node) -> bool:
    """Whether a buffer of all steps is made here that the stream writes chunk by chunk."""
    if isinstance(node, LoopPair):
        return False
    pairs = zip(node.short.outputs, node.long.outputs, strict=True)
    return any(b.storage.id in scene.written and scene.grows(a, b) for a, b in pairs)


def _settled(items: Tree[Op]) -> Tree[Op]:
    """The items with one storage per name: as large as what lies there; a state where it is carried on."""
    ends: dict[str, int] = {}
    carried: set[str] = set()
    for item in items:
        is_stream = isinstance(item, Loop) and item.axis in AXES.values()
        if isinstance(item, Loop) and is_stream:
            carried |= _carried(item)
        for op, times in leaves((item,)):
            for tensor in (*op.inputs, *op.outputs):
                ends[tensor.storage.id] = max(ends.get(tensor.storage.id, 0), _end(tensor, times))

    def storage(old: Storage) -> Storage:
        if old.role in ("weight", "input"):
            return replace(old, elements=max(old.elements, ends[old.id]))
        role = "state" if old.id in carried else old.role
        return replace(old, elements=ends[old.id], role=role)

    def op(old: Op) -> Op:
        def tensor(each: Tensor) -> Tensor:
            return replace(each, storage=storage(each.storage))

        return replace(old, inputs=tuple(map(tensor, old.inputs)), outputs=tuple(map(tensor, old.outputs)))

    return mapped(items, op)


def _end(tensor: Tensor, times: int) -> int:
    """The first element behind those that a tensor touches; in a loop of the stream, in its last round."""
    reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True) if size)
    moved = tensor.advance[0] * (times - 1) if len(tensor.advance) == 1 else 0
    return tensor.offset + reach + 1 + moved


def _carried(loop: Loop[Op]) -> set[str]:
    """Storages that a chunk reads before it writes them: what the chunk before it left."""
    read: set[str] = set()
    written: set[str] = set()
    for op, _ in leaves(loop.body):
        read |= {t.storage.id for t in op.inputs} - written
        written |= {t.storage.id for t in op.outputs}
    return {
        t.storage.id
        for op, _ in leaves(loop.body)
        for t in op.outputs
        if t.storage.id in read and t.role not in ("weight", "input")
    }
