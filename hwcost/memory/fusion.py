"""What a fusing runtime saves: pointwise ops that ride with the op whose result they change.

Eager runtimes write every result and read it again. A fusing one (XLA, TVM, ncnn, TensorRT, a compiler for
an accelerator) applies an elementwise op to the tile that its producer has just computed. Here an op
rides if its largest operand was made by an earlier op of the same body, and everything else that it
reads existed before that op began; in doubt it does not.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from hwcost.graph import Loop, Tensor, Tree, Work, leaves

_PRODUCERS = frozenset(
    {"gemm", "gemv", "conv", "depthwise", "attention", "recurrent step", "pointwise", "reduction"}
)

_Elements = tuple[str, int, tuple[int, ...], int]
"""Storage, offset, advance and number of the elements that a tensor is."""


def fuse(tree: Tree[Work]) -> Tree[Work]:
    """The same program with pointwise ops fused into their producers.

    A rider has kernels = 0 and does not read what its group has at hand: what the group made, and what a
    pointwise op of it read, element by element. A producer does not write what nobody but its riders
    reads. MACs and other arithmetic stay as they are.
    """
    readers: dict[str, int] = defaultdict(int)
    for work, _ in leaves(tree):
        for storage in {tensor.storage.id for tensor in work.reads}:
            readers[storage] += 1
    return _fused(tree, readers)


def _fused(tree: Tree[Work], readers: dict[str, int]) -> Tree[Work]:
    items: list[Work | Loop[Work]] = list(tree)
    leader: dict[int, int] = {}
    writer: dict[str, int] = {}
    touched: dict[str, int] = {}
    at_hand: dict[int, set[_Elements]] = {}
    for index, item in enumerate(items):
        if isinstance(item, Loop):
            items[index] = Loop(times=item.times, body=_fused(item.body, readers), axis=item.axis)
            for work, _ in leaves(item.body):
                for tensor in (*work.reads, *work.writes):
                    touched[tensor.storage.id] = index
                for tensor in work.writes:
                    writer[tensor.storage.id] = index
            continue
        source = _rides_on(item, items, leader, writer, touched)
        head = index if source is None else leader.get(source, source)
        if source is not None:
            leader[index] = head
            items[index] = rider = _rider(item, at_hand[head])
            for storage in _storages(item.reads) - _storages(rider.reads):
                readers[storage] -= 1
                if not readers[storage]:
                    items[writer[storage]] = _unwritten(items[writer[storage]], storage)
        here = (*item.reads, *item.writes) if item.op_class == "pointwise" else item.writes
        at_hand.setdefault(head, set()).update(filter(None, map(_elements, here)))
        for tensor in (*item.reads, *item.writes):
            touched[tensor.storage.id] = index
        for tensor in item.writes:
            writer[tensor.storage.id] = index
    return tuple(items)


def _storages(tensors: tuple[Tensor, ...]) -> set[str]:
    return {tensor.storage.id for tensor in tensors}


def _rider(work: Work, at_hand: set[_Elements]) -> Work:
    """A work that starts no kernel and does not read what its group has at hand."""
    (out,) = work.writes
    seen: dict[_Elements, tuple[int, ...]] = {}
    reads = []
    for tensor in work.reads:
        elements = _elements(tensor)
        is_at_hand = elements in at_hand and tensor.elements == out.elements
        # Of x + x.T, only one comes in the order in which the group runs.
        if elements is None or not is_at_hand or seen.setdefault(elements, tensor.strides) != tensor.strides:
            reads.append(tensor)
    return replace(work, kernels=0, reads=tuple(reads))


def _unwritten(item: Work | Loop[Work], storage: str) -> Work | Loop[Work]:
    """A producer that keeps to itself what it hands on; results of the model are written in any case."""
    if isinstance(item, Loop):
        return item
    writes = (t for t in item.writes if t.storage.id != storage or t.role != "activation")
    return replace(item, writes=tuple(writes))


def _rides_on(
    work: Work,
    items: list[Work | Loop[Work]],
    leader: dict[int, int],
    writer: dict[str, int],
    touched: dict[str, int],
) -> int | None:
    """The op that a work can ride on; None if it cannot."""
    if work.op_class != "pointwise" or not work.kernels or len(work.writes) != 1:
        return None
    (out,) = work.writes
    for handed in sorted(work.reads, key=lambda t: writer.get(t.storage.id, -1), reverse=True):
        source = writer.get(handed.storage.id)
        if source is None:
            return None
        made = items[source]
        if isinstance(made, Loop) or made.op_class not in _PRODUCERS or handed.elements != out.elements:
            return None
        if made.op.part != work.op.part:
            return None
        if _elements(handed) is None or _elements(handed) not in map(_elements, made.writes):
            return None
        head = leader.get(source, source)
        others = [t for t in work.reads if t != handed]
        if any(_is_after(writer.get(t.storage.id), head, leader) for t in others):
            return None
        is_clear = out.storage.id == handed.storage.id or not _is_after(
            touched.get(out.storage.id), head, leader
        )
        return source if is_clear else None
    return None


def _is_after(index: int | None, head: int, leader: dict[int, int]) -> bool:
    """Whether an op comes after the one that leads a group, without riding with it."""
    return index is not None and index > head and leader.get(index, index) != head


def _elements(tensor: Tensor) -> _Elements | None:
    """Which elements a tensor is, whatever shape they are seen in; None where it repeats or skips some."""
    if tensor.elements != tensor.distinct_elements:
        return None
    return tensor.storage.id, tensor.offset, tensor.advance, tensor.elements
