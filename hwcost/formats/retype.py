"""A program with its numbers in other formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from hwcost.formats import kv
from hwcost.formats.asked import Asked
from hwcost.formats.matrices import Matrix, is_free
from hwcost.formats.overhead import with_overhead
from hwcost.graph import Op, Product, Storage, Tensor, Tree, Work, mapped
from hwcost.units import is_floating


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which storage gets which format. matrices, kv: by the id of their storage."""

    asked: Asked
    matrices: Mapping[str, Matrix]
    kv: frozenset[str]

    def dtype_of(self, storage: Storage) -> str:
        """The format of a storage; whole numbers, and what the model quantised itself, keep theirs."""
        if not is_free(storage.dtype):
            return storage.dtype
        if storage.id in self.matrices:
            return self.asked.weights or storage.dtype
        rest = self.asked.activations or storage.dtype
        return (self.asked.kv or rest) if storage.id in self.kv else rest


Change = Callable[[Tensor], Tensor]


def ops(tree: Tree[Op], plan: Plan) -> Tree[Op]:
    """The ops with every tensor in the format of its storage."""
    change = _change(plan)
    return mapped(tree, lambda op: _op(op, change))


def works(tree: Tree[Work], plan: Plan) -> Tree[Work]:
    """The works with every tensor in its format, and with what that costs beside the bytes.

    Attention reads K and V in their format also where they lie in one storage with Q.
    """
    change = _change(plan)
    matrices = plan.matrices if plan.asked.weights else {}
    return mapped(tree, lambda work: _work(work, plan.asked.kv, change, matrices))


def _work(work: Work, kv_format: str | None, change: Change, matrices: Mapping[str, Matrix]) -> Work:
    held = kv.operands(work) if kv_format else ()

    def read(old: Tensor) -> Tensor:
        new = change(old)
        return replace(new, dtype=kv_format or new.dtype) if old in held else new

    new = replace(
        work,
        op=replace(_op(work.op, change), inputs=tuple(map(read, work.op.inputs))),
        reads=tuple(map(read, work.reads)),
        writes=tuple(map(change, work.writes)),
        products=tuple(_product(product, change) for product in work.products),
    )
    return with_overhead(new, matrices, map(read, held))


def _change(plan: Plan) -> Change:
    """Each tensor and each storage is changed once, so that those who share one still do."""
    storages: dict[str, Storage] = {}
    tensors: dict[int, tuple[Tensor, Tensor]] = {}

    def storage(old: Storage) -> Storage:
        if old.id not in storages:
            storages[old.id] = replace(old, dtype=plan.dtype_of(old))
        return storages[old.id]

    def tensor(old: Tensor) -> Tensor:
        # The old tensor is kept with the new one: its address is its key.
        if id(old) not in tensors:
            new = storage(old.storage)
            is_real = is_floating(old.dtype) and is_free(old.storage.dtype)
            tensors[id(old)] = old, replace(old, storage=new, dtype=new.dtype if is_real else old.dtype)
        return tensors[id(old)][1]

    return tensor


def _op(op: Op, change: Change) -> Op:
    return replace(op, inputs=tuple(map(change, op.inputs)), outputs=tuple(map(change, op.outputs)))


def _product(product: Product, change: Change) -> Product:
    return replace(product, a=change(product.a), b=change(product.b), c=change(product.c))
