"""The storages of a finished stream: how large each is, and which are carried from chunk to chunk."""

from __future__ import annotations

from dataclasses import replace

from hwcost.graph import FIRST_STEP, LAST_STEP, STEPS, Loop, Op, Storage, Tensor, Tree, leaves, mapped

STREAM = (FIRST_STEP, STEPS, LAST_STEP)
"""What the loops of a stream run along."""


def settled(items: Tree[Op]) -> Tree[Op]:
    """The items with one storage per name: as large as what lies there; a state where it is carried on."""
    ends: dict[str, int] = {}
    carried: set[str] = set()
    for item in items:
        is_stream = isinstance(item, Loop) and item.axis in STREAM
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

    def sized(old: Tensor) -> Tensor:
        return replace(old, storage=storage(old.storage))

    def changed(old: Op) -> Op:
        return replace(old, inputs=tuple(map(sized, old.inputs)), outputs=tuple(map(sized, old.outputs)))

    return mapped(items, changed)


def _end(tensor: Tensor, times: int) -> int:
    """The first element behind those that a tensor touches; in a loop of the stream, in its last round."""
    reach = sum(
        (size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True) if size
    )
    moved = tensor.advance[0] * (times - 1) if len(tensor.advance) == 1 else 0
    return tensor.offset + reach + 1 + moved


def _carried(loop: Loop[Op]) -> set[str]:
    """Storages that a chunk reads before it writes them: what the chunk before it left."""
    read: set[str] = set()
    written: set[str] = set()
    for op, _ in leaves(loop.body):
        filled = op.outputs if op.name == "aten.copy_" else ()  # what is written over is not read
        read |= {t.storage.id for t in op.inputs if t not in filled} - written
        written |= {t.storage.id for t in op.outputs}
    return {
        t.storage.id
        for op, _ in leaves(loop.body)
        for t in op.outputs
        if t.storage.id in read and t.role not in ("weight", "input")
    }
