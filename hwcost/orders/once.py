"""What runs once, before a stream: masks, tables of positions, initial states, what reads no sequence."""

from __future__ import annotations

from dataclasses import replace

from hwcost.graph import Loop, Op, Tree, leaves
from hwcost.orders.chunk import adapted
from hwcost.orders.layout import whole
from hwcost.orders.matching import LoopPair, Node
from hwcost.orders.parts import CREATING, Parts
from hwcost.orders.scene import Scene


def before(scene: Scene, parts: Parts, length: int, later: Tree[Op]) -> Tree[Op]:
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
            key: adapted(node.short.attributes.get(key), value, lambda a, b: growth.at(a, b, length))
            for key, value in op.attributes.items()
        },
    )


def _makes_steps(scene: Scene, node: Node) -> bool:
    """Whether a buffer of all steps is made here that the stream writes chunk by chunk."""
    if isinstance(node, LoopPair):
        return False
    pairs = zip(node.short.outputs, node.long.outputs, strict=True)
    return any(b.storage.id in scene.written and scene.grows(a, b) for a, b in pairs)
