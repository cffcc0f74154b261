"""Which tensors hold K and V of attention, the cache among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hwcost.formats.matrices import is_free
from hwcost.graph import Tensor, Work
from hwcost.rules.attention import SEQUENCE_FIRST

HANDING_ON = ("copy", "gather")
"""Classes of ops that move elements and change none: concatenation to a cache, expansion of heads."""


def operands(work: Work) -> tuple[Tensor, ...]:
    """K and V of an attention op; () for any other op. What is Q as well is left out."""
    if work.attention is None:
        return ()
    names = SEQUENCE_FIRST.get(work.op.name, ("query",))
    first = names.index("query") + work.op.name.endswith("_backward")
    q, *others = work.op.inputs[first : first + 3]
    return tuple(tensor for tensor in others if tensor != q and is_free(tensor.dtype))


def storages(works: Iterable[Work]) -> frozenset[str]:
    """The storages that hold K and V and nothing else.

    They are what attention reads as K or V, and what is only copied into such a storage. One that
    something else reads too (Q lies in it, or a product takes it) is none.
    """
    leaves = tuple(works)
    found = {t.storage.id for work in leaves for t in operands(work) if _may_be(t)}
    while grown := _copied_into(leaves, found) - found:
        found |= grown
    while others := _read_by_others(leaves, found):
        found -= others
    return frozenset(found)


def _may_be(tensor: Tensor) -> bool:
    return is_free(tensor.storage.dtype) and tensor.role != "weight"


def _hands_on(work: Work, found: set[str]) -> bool:
    return work.op_class in HANDING_ON and any(tensor.storage.id in found for tensor in work.writes)


def _copied_into(works: Sequence[Work], found: set[str]) -> set[str]:
    return {t.storage.id for work in works if _hands_on(work, found) for t in work.reads if _may_be(t)}


def _read_by_others(works: Sequence[Work], found: set[str]) -> set[str]:
    """Those among `found` that an op reads otherwise than as K or V, to hand on, or to change in place."""
    others: set[str] = set()
    for work in works:
        if not _hands_on(work, found):
            here = (*operands(work), *work.writes)
            others |= {t.storage.id for t in work.reads if t not in here} - {
                t.storage.id for t in work.writes
            }
    return others & found
