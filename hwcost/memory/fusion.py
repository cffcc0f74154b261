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


def fuse(tree: Tree[Work]) -> Tree[Work]:
    """The same program with pointwise ops fused into their producers.

    A rider has kernels = 0 and does not read what its producer hands it; a producer does not write what
    nobody but its riders reads. MACs and other arithmetic stay as they are.
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
    for index, item in enumerate(items):
        if isinstance(item, Loop):
            items[index] = Loop(times=item.times, body=_fused(item.body, readers), axis=item.axis)
            for work, _ in leaves(item.body):
                for tensor in (*work.reads, *work.writes):
                    touched[tensor.storage.id] = index
                for tensor in work.writes:
                    writer[tensor.storage.id] = index
            continue
        made = _rides_on(item, items, leader, writer, touched)
        if made is not None:
            source, handed = made
            leader[index] = leader.get(source, source)
            items[index] = replace(item, kernels=0, reads=tuple(t for t in item.reads if t != handed))
            readers[handed.storage.id] -= 1
            if handed.role == "activation" and not readers[handed.storage.id]:
                items[source] = _unwritten(items[source], handed)
        for tensor in (*item.reads, *item.writes):
            touched[tensor.storage.id] = index
        for tensor in item.writes:
            writer[tensor.storage.id] = index
    return tuple(items)


def _unwritten(item: Work | Loop[Work], handed: Tensor) -> Work | Loop[Work]:
    """A producer that keeps to itself what it hands on."""
    if isinstance(item, Loop):
        return item
    return replace(item, writes=tuple(t for t in item.writes if t.storage.id != handed.storage.id))


def _rides_on(
    work: Work,
    items: list[Work | Loop[Work]],
    leader: dict[int, int],
    writer: dict[str, int],
    touched: dict[str, int],
) -> tuple[int, Tensor] | None:
    """The op that a work can ride on, and the tensor that it is handed; None if it cannot."""
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
        if not any(_same(handed, t) for t in made.writes):
            return None
        head = leader.get(source, source)
        others = [t for t in work.reads if t != handed]
        if any(_is_after(writer.get(t.storage.id), head, leader) for t in others):
            return None
        is_clear = out.storage.id == handed.storage.id or not _is_after(
            touched.get(out.storage.id), head, leader
        )
        return (source, handed) if is_clear else None
    return None


def _is_after(index: int | None, head: int, leader: dict[int, int]) -> bool:
    """Whether an op comes after the one that leads a group, without riding with it."""
    return index is not None and index > head and leader.get(index, index) != head


def _same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are the same elements, whatever shape they are seen in."""
    return (
        a.storage.id == b.storage.id
        and a.offset == b.offset
        and a.advance == b.advance
        and a.elements == b.elements == a.distinct_elements == b.distinct_elements
    )
