"""The whole way from a counted trace to the same one in the formats that are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwcost.formats import kv, retype
from hwcost.formats.asked import Asked
from hwcost.formats.matrices import Matrix, is_free, matrices
from hwcost.formats.overhead import scales_of
from hwcost.formats.retype import Plan
from hwcost.formats.sentences import sentences
from hwcost.graph import Trace, Tree, Work, bytes_of, leaves
from hwcost.report.formats import Formats


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A trace and its works in their formats.

    computed_in: the dtypes of arithmetic: those of products, the one with the most MACs first, then that
    of the rest.
    """

    trace: Trace
    works: Tree[Work]
    formats: Formats
    computed_in: tuple[str, ...]


def stored(trace: Trace, works: Tree[Work], asked: Asked) -> Stored:
    """The trace, and its works as `count` gives them, in the formats that are asked for.

    MACs stay what they are. Weights stored as whole numbers bring their scales, and what is stored in
    few bits and computed in more brings the arithmetic that undoes it (see `overhead`).
    """
    if asked.is_nothing:
        formats = Formats.uniform(trace.dtype)
        return Stored(trace=trace, works=works, formats=formats, computed_in=(trace.dtype,))
    each = tuple(work for work, _ in leaves(works))
    plan = Plan(asked=asked, matrices=matrices(each), kv=kv.storages(each) if asked.kv else frozenset())
    formats = _formats(trace, asked)
    new = replace(
        trace,
        dtype=formats.activations,
        weight_bytes=_weight_bytes(trace, plan),
        assumptions=(*trace.assumptions, *sentences(trace, each, plan, formats)),
        items=retype.ops(trace.items, plan),
    )
    changed = retype.works(works, plan)
    computed_in = (*_product_dtypes(changed), formats.activations)
    return Stored(trace=new, works=changed, formats=formats, computed_in=computed_in)


def _product_dtypes(works: Tree[Work]) -> list[str]:
    macs: dict[str, int] = {}
    for work, calls in leaves(works):
        if work.macs:
            macs[work.operand_dtype] = macs.get(work.operand_dtype, 0) + calls * work.macs
    return sorted(macs, key=lambda dtype: -macs[dtype])


def _formats(trace: Trace, asked: Asked) -> Formats:
    activations = asked.activations or trace.dtype
    return Formats(weights=asked.weights or trace.dtype, activations=activations, kv=asked.kv or activations)


def _weight_bytes(trace: Trace, plan: Plan) -> int:
    """Bytes of the parameters: the matrices with their scales, and the others.

    The others follow the activations; where the model stores them in few bits, they stay.
    """
    found = plan.matrices.values()
    rest = max(trace.parameters - sum(matrix.storage.elements for matrix in found), 0)
    rest_bytes = max(trace.weight_bytes - sum(matrix.storage.bytes for matrix in found), 0)
    if plan.asked.activations is not None and is_free(trace.dtype):
        rest_bytes = bytes_of(rest, plan.asked.activations)
    return rest_bytes + sum(_matrix_bytes(matrix, plan) for matrix in found)


def _matrix_bytes(matrix: Matrix, plan: Plan) -> int:
    dtype = plan.dtype_of(matrix.storage)
    scales = scales_of(matrix, dtype)
    return bytes_of(matrix.storage.elements, dtype) + (scales.storage.bytes if scales else 0)
