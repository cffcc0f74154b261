"""The ops of one chunk of a stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hwcost.graph import Attribute, Loop, Op, Tensor, Tree
from hwcost.orders.layout import Chunk, placed
from hwcost.orders.scene import Scene
from hwcost.orders.views import Rounds, Step, View


def items_of(
    scene: Scene, part: Step | Rounds, chunk: Chunk, loops: tuple[int | None, ...], *, inside: bool = True
) -> Tree[Op]:
    """The ops of a chunk. inside: of the stream, so that what it reads and writes moves on."""
    if isinstance(part, Rounds):
        times = part.long
        if part.short != part.long:
            times = scene.growth.over(part.short, part.long, chunk.steps)
        is_one = times == 1 and part.short != part.long
        within = (*loops, None if is_one else times)
        body = tuple(item for step in part.body for item in items_of(scene, step, chunk, within))
        return body if is_one else (Loop(times=times, body=body, axis=part.axis),)
    inputs = part.inputs
    if part.is_list:
        count = scene.growth.over(len(part.short.inputs), len(part.long.inputs), chunk.steps)
        inputs = inputs[-max(count, 1) :]
    changed = {
        key: adapted(part.short.attributes.get(key), value, lambda a, b: scene.growth.over(a, b, chunk.steps))
        for key, value in part.long.attributes.items()
    }

    def tensor(view: View) -> Tensor:
        made = placed(scene, view, chunk, loops)
        return made if inside else replace(made, advance=())

    return (
        replace(
            part.long,
            inputs=tuple(map(tensor, inputs)),
            outputs=tuple(map(tensor, part.outputs)),
            attributes=changed | dict(part.attributes),
        ),
    )


def adapted(short: Attribute, long: Attribute, grown: Callable[[int, int], int]) -> Attribute:
    """An attribute whose whole numbers grow with the length of the sequence."""
    if isinstance(short, tuple) and isinstance(long, tuple) and len(short) == len(long):
        return tuple(adapted(a, b, grown) for a, b in zip(short, long, strict=True))
    is_number = isinstance(long, int) and isinstance(short, int) and not isinstance(long, bool)
    return grown(short, long) if is_number and short != long else long  # type: ignore[arg-type]
