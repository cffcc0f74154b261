"""Which ops of a model run once before the stream, which in it, and which once after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from hwcost.errors import OrderError
from hwcost.graph import Op, Tensor
from hwcost.orders.attention import ATTENTION, PRODUCTS, attention, product, remember_repeats
from hwcost.orders.convolution import CONVOLUTIONS, POOLS, convolution
from hwcost.orders.matching import STEP_MEND, LoopPair, Node, Pair, named
from hwcost.orders.plain import plain, step_of
from hwcost.orders.recurrent import STATES, layer, require_forwards
from hwcost.orders.scene import Scene, outputs_of
from hwcost.orders.views import Rounds, Step

CREATING: Final = frozenset(
    f"aten.{name}{ending}"
    for name in ("zeros", "ones", "empty", "full", "new_zeros", "new_ones", "new_empty", "new_full")
    for ending in ("", "_like", "_strided")
)
"""Ops whose results do not depend on the values of their inputs."""


@dataclass(slots=True, kw_only=True)
class Parts:
    """before: as the model has them. body, after: as steps."""

    before: list[Node] = field(default_factory=list)
    body: list[Step | Rounds] = field(default_factory=list)
    after: list[Step] = field(default_factory=list)


def parts_of(scene: Scene, nodes: tuple[Node, ...]) -> Parts:
    """The parts of a model.

    Raises:
        OrderError: a step needs what is known only after a later one, or an op has no form for a chunk.
    """
    require_forwards(nodes)
    parts = Parts()
    repeated = {_call(op) for node in nodes if isinstance(node, LoopPair) and node.grows for op in _ops(node)}
    for node in nodes:
        _name_inputs(scene, node)
        if isinstance(node, LoopPair):
            _place_loop(scene, node, parts)
        else:
            _place_op(scene, node, parts, repeated)
    return replace(parts, body=_without_repeats(scene, parts))


def _without_repeats(scene: Scene, parts: Parts) -> list[Step | Rounds]:
    """The body without the copies of K and V for each query head, where the caches are read instead."""
    read = {view.place for step in steps_in([*parts.body, *parts.after]) for view in step.inputs}
    return [
        item
        for item in parts.body
        if isinstance(item, Rounds)
        or not all(view.place in scene.repeats and view.place not in read for view in item.outputs)
    ]


def steps_in(body: Iterable[Step | Rounds]) -> Iterator[Step]:
    """The steps of a body, those within loops among them."""
    for item in body:
        if isinstance(item, Rounds):
            yield from steps_in(item.body)
        else:
            yield item


def _name_inputs(scene: Scene, node: Node) -> None:
    """Let the inputs of the model that grow with the sequence be what the stream reads."""
    if isinstance(node, LoopPair):
        for part in node.body:
            _name_inputs(scene, part)
        return
    for a, b in zip(node.short.inputs, node.long.inputs, strict=False):
        if b.role == "input" and a.storage.elements != b.storage.elements:
            scene.status[b.storage.id] = "now"


def _call(op: Op) -> tuple[object, ...]:
    weights = tuple(tensor.storage.id for tensor in op.inputs if tensor.role == "weight")
    return op.name, op.module, weights, tuple(tensor.shape for tensor in op.outputs)


def _ops(loop: LoopPair) -> list[Op]:
    return [op for part in loop.body for op in (_ops(part) if isinstance(part, LoopPair) else [part.long])]


def _place_op(scene: Scene, pair: Pair, parts: Parts, repeated: set[tuple[object, ...]]) -> None:
    op = pair.long
    found = set() if op.name in CREATING else {scene.status_of(tensor) for tensor in op.inputs}
    if not found - {None}:
        parts.before.append(pair)
        return
    grows = pair.is_list_of_steps or any(
        scene.grows(a, b)
        for a, b in zip((*pair.short.inputs, *pair.short.outputs), (*op.inputs, *op.outputs), strict=False)
        if scene.status_of(b) is not None or b in op.outputs
    )
    if grows:
        if "final" in found:
            raise OrderError(
                f"{named(op)} needs at every step what is known only after the last one", mend=STEP_MEND
            )
        remember_repeats(scene, pair)
        parts.body.extend(body_of(scene, pair))
        is_final = not any(scene.grows(a, b) for a, b in zip(pair.short.outputs, op.outputs, strict=True))
        scene.wrote(op, "final" if is_final else "now")
        _name_states(scene, op)
    elif _call(op) in repeated:
        scene.wrote(op, "first")
    elif "final" in found or any(_is_at_the_end(scene, a, b) for a, b in _read(pair)):
        inputs = scene.views(pair.short.inputs, op.inputs)
        parts.after.append(step_of(pair, inputs, outputs_of(scene, pair)))
        scene.wrote(op, "final")
    else:
        parts.before.append(pair)


def _read(pair: Pair) -> list[tuple[Tensor, Tensor]]:
    return list(zip(pair.short.inputs, pair.long.inputs, strict=False))


def _is_at_the_end(scene: Scene, short: Tensor, long: Tensor) -> bool:
    """Whether a tensor without time is a step that moves with the length of the sequence."""
    return scene.status_of(long) == "now" and short.offset != long.offset


def _name_states(scene: Scene, op: Op) -> None:
    """The final states of a recurrent layer are known after all steps, though it has time."""
    if op.name in STATES:
        for tensor in op.outputs[1:]:
            scene.status[scene.names.get(tensor.storage.id, tensor.storage.id)] = "final"


def body_of(scene: Scene, pair: Pair) -> list[Step]:
    """The steps that an op over time amounts to in a chunk."""
    name = pair.long.name
    if name in CONVOLUTIONS | POOLS:
        return convolution(scene, pair)
    made = _form_of(name)(scene, pair)
    _require_whole_steps(scene, pair)
    return made


def _form_of(name: str) -> Callable[[Scene, Pair], list[Step]]:
    if name in STATES:
        return layer
    if name in ATTENTION:
        return attention
    return product if name in PRODUCTS else plain


def _require_whole_steps(scene: Scene, pair: Pair) -> None:
    """Raise for an op that has less than one result per chunk: frames put together, every second one."""
    for view in outputs_of(scene, pair):
        for a, b in zip(view.short.shape, view.long.shape, strict=True):
            needed = scene.growth.rate(a, b).denominator
            if scene.steps % needed:
                raise OrderError(
                    f"{named(pair.long)} has results every {needed} steps",
                    mend=f"take --order chunk:{needed}, or a multiple of it",
                )


def _place_loop(scene: Scene, loop: LoopPair, parts: Parts) -> None:
    """A loop is of the stream if anything in it depends on the sequence."""
    ops = _ops(loop)
    found = {scene.status_of(tensor) for op in ops for tensor in op.inputs if op.name not in CREATING}
    if not found - {None}:
        parts.before.append(loop)
        return
    written = {tensor.storage.id for op in ops for tensor in op.outputs}
    for op in ops:
        for tensor in op.inputs:
            if scene.status_of(tensor) == "final" and tensor.storage.id not in written:
                raise OrderError(
                    f"{named(op)} needs at every step what is known only after the last one", mend=STEP_MEND
                )
    body = _rounds(scene, loop, in_rounds=loop.grows)
    parts.body.append(Rounds(short=loop.short.times, long=loop.long.times, axis=loop.long.axis, body=body))


def _rounds(scene: Scene, loop: LoopPair, *, in_rounds: bool) -> tuple[Step | Rounds, ...]:
    steps: list[Step | Rounds] = []
    for node in loop.body:
        if isinstance(node, LoopPair):
            body = _rounds(scene, node, in_rounds=in_rounds or node.grows)
            steps.append(Rounds(short=node.short.times, long=node.long.times, axis=node.long.axis, body=body))
        elif in_rounds:
            steps.append(_round_step(scene, node))
        else:
            steps.extend(body_of(scene, node))
        if not isinstance(node, LoopPair):
            for a, b in zip(node.short.outputs, node.long.outputs, strict=True):
                place = scene.place(a.storage, b.storage)
                scene.written.add(place.name)
                keeps_steps = a.storage.elements != b.storage.elements
                scene.status[place.name] = "now" if keeps_steps else "final"
    return tuple(steps)


def _round_step(scene: Scene, pair: Pair) -> Step:
    """An op of one round, which is one step: it must not look at all of them.

    Raises:
        OrderError: it does.
    """
    op = pair.long
    inputs = [scene.view(a, b, in_rounds=True) for a, b in zip(pair.short.inputs, op.inputs, strict=True)]
    for view in inputs:
        if any(view.kinds) and scene.status_of(view.long) is not None:
            raise OrderError(f"{named(op)} reads the whole sequence at every step", mend=STEP_MEND)
    outputs = [scene.view(a, b, in_rounds=True) for a, b in zip(pair.short.outputs, op.outputs, strict=True)]
    return step_of(pair, inputs, outputs)
