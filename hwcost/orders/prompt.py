"""The first chunk of a generation: the prompt, which is there at once, and the first token behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hwcost.errors import OrderError
from hwcost.graph import PROMPT, Loop, Op, Storage, Tensor, Tree, leaves, mapped
from hwcost.orders.chunk import items_of
from hwcost.orders.growth import Growth
from hwcost.orders.head import head
from hwcost.orders.layout import Chunk
from hwcost.orders.matching import Node
from hwcost.orders.parts import Parts, parts_of, steps_in
from hwcost.orders.scene import Scene
from hwcost.orders.views import Step

ONE_RESULT = "its result is one of the whole sequence, so that it generates nothing"


def prefill(nodes: tuple[Node, ...], growth: Growth, prompt: int, length: int, behind: Tree[Op]) -> Loop[Op]:
    """A chunk of `prompt` steps, of which the head of the model takes the last alone.

    behind: the chunks of one step each that follow.

    Raises:
        OrderError: the model has no result for every step.
    """
    scene = Scene(growth=growth, steps=prompt)
    parts = parts_of(scene, nodes)
    _require_results(scene, parts)
    chunk = Chunk(steps=prompt, start=0, so_far=prompt, length=length)
    last = Chunk(steps=1, start=prompt - 1, so_far=prompt, length=length)
    of_head = {id(step): step for step in head(scene, parts.body)}
    items: list[Op | Loop[Op]] = []
    for part in parts.body:
        made = items_of(scene, part, chunk, ())
        if id(part) in of_head and isinstance(part, Step):
            made = (_at_the_end(made, items_of(scene, part, last, ())),)
        items.extend(made)
    return Loop(times=1, body=handed_over(tuple(items), behind), axis=PROMPT)


def _require_results(scene: Scene, parts: Parts) -> None:
    results = [
        view
        for step in steps_in(parts.body)
        for view in step.outputs
        if scene.places[view.place].role == "output"
    ]
    if not results:
        raise OrderError(ONE_RESULT, mend="leave --prompt and --generate out")


def _at_the_end(whole: Tree[Op], last: Tree[Op]) -> Op:
    """An op on one step, whose inputs are the last rows of those that the op on all steps has."""
    ((every, _),), ((one, _),) = leaves(whole), leaves(last)

    def moved(all_rows: Tensor, rows: Tensor) -> Tensor:
        behind = sum(
            (a - b) * stride for a, b, stride in zip(all_rows.shape, rows.shape, rows.strides, strict=True)
        )
        return rows if rows.offset != all_rows.offset else replace(rows, offset=rows.offset + behind)

    return replace(one, inputs=tuple(map(moved, every.inputs, one.inputs)))


@dataclass(slots=True)
class _Kept:
    """A storage that a stream keeps, how many elements of it are in use, and the last module that has it."""

    storage: Storage
    elements: int
    module: str


def handed_over(items: Tree[Op], behind: Tree[Op]) -> Tree[Op]:
    """The items of a prompt, of which the steps behind it keep no more than they need.

    A ring, or the keys and values under a sliding window, holds a few steps only. While the prompt is read
    all of its steps are there, in a buffer of their own; the last ones are then copied to what is kept.
    """
    before, after = _kept(items), _kept(behind)
    cut = {key for key, kept in before.items() if key in after and kept.elements > after[key].elements}

    def storage(old: Storage) -> Storage:
        return replace(old, id=f"{old.id}.{PROMPT}", role="activation") if old.id in cut else old

    def tensor(old: Tensor) -> Tensor:
        return replace(old, storage=storage(old.storage))

    def op(old: Op) -> Op:
        return replace(old, inputs=tuple(map(tensor, old.inputs)), outputs=tuple(map(tensor, old.outputs)))

    copies = (_copied(before[key], after[key]) for key in before if key in cut)
    return (*mapped(items, op), *copies)


def _kept(items: Sequence[Op | Loop[Op]]) -> dict[str, _Kept]:
    """What is kept, by the ids of its storages."""
    found: dict[str, _Kept] = {}
    for item in items:
        for op, times in leaves((item,)):
            for tensor in (*op.inputs, *op.outputs):
                if tensor.role == "state":
                    kept = found.setdefault(tensor.storage.id, _Kept(tensor.storage, 0, op.module))
                    kept.elements = max(kept.elements, _end(tensor, times))
                    kept.module = op.module
    return found


def _end(tensor: Tensor, times: int) -> int:
    reach = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True) if n)
    moved = tensor.advance[0] * (times - 1) if len(tensor.advance) == 1 else 0
    return tensor.offset + reach + 1 + moved


def _copied(before: _Kept, after: _Kept) -> Op:
    """A copy of the last elements of a buffer to the end of what is kept."""
    count = after.elements

    def end(kept: _Kept, key: str) -> Tensor:
        return Tensor(
            storage=replace(kept.storage, id=key, role="activation" if kept is before else "state"),
            shape=(count,),
            strides=(1,),
            dtype=kept.storage.dtype,
            offset=kept.elements - count,
        )

    source, target = end(before, f"{before.storage.id}.{PROMPT}"), end(after, after.storage.id)
    return Op(name="aten.copy_", module=before.module, inputs=(target, source), outputs=(target,))
