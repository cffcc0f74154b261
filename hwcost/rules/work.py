"""What rules are built from: work with the usual reads and writes, operands by name, checks of shapes."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from hwcost.errors import RuleError
from hwcost.graph import Attention, Op, OpClass, Product, Tensor, Work


def work_of(
    op: Op,
    op_class: OpClass,
    *,
    macs: int = 0,
    vector_ops: int = 0,
    special_ops: int = 0,
    reads: Iterable[Tensor] | None = None,
    writes: Iterable[Tensor] | None = None,
    products: tuple[Product, ...] = (),
    attention: Attention | None = None,
    kernels: int = 1,
    counts_real: bool = False,
) -> Work:
    """Work that reads each input tensor once and writes each output once, where nothing else is said."""
    return Work(
        op=op,
        op_class=op_class,
        macs=macs,
        vector_ops=vector_ops,
        special_ops=special_ops,
        reads=distinct(op.inputs if reads is None else reads),
        writes=distinct(op.outputs if writes is None else writes),
        products=products,
        attention=attention,
        kernels=kernels,
        counts_real=counts_real,
    )


def per_element(
    op: Op,
    op_class: OpClass,
    elements: int,
    *,
    vector_ops: int = 0,
    special_ops: int = 0,
    reads: Iterable[Tensor] | None = None,
    writes: Iterable[Tensor] | None = None,
) -> Work:
    """Work of so many vector and special ops for each of some elements."""
    return work_of(
        op,
        op_class,
        vector_ops=vector_ops * elements,
        special_ops=special_ops * elements,
        reads=reads,
        writes=writes,
    )


def free(op: Op) -> Work:
    """Work that is none: no arithmetic, no bytes, no kernel."""
    return work_of(op, "view", reads=(), writes=(), kernels=0)


def distinct(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """The tensors in order, each once: x * x reads x once."""
    found = tuple(tensors)
    return found if len(found) == 1 else tuple(dict.fromkeys(found))


def operands(op: Op, *names: str) -> tuple[Tensor | None, ...]:
    """An op's tensor arguments by the schema's names for them; None for one that is not a tensor."""
    given = iter(op.inputs)
    return tuple(None if name in op.attributes else next(given, None) for name in names)


def present(*tensors: Tensor | None) -> tuple[Tensor, ...]:
    """The tensors that are there."""
    return tuple(tensor for tensor in tensors if tensor is not None)


def require(condition: bool, op: Op, what: str) -> None:
    """Raise RuleError, in words, where an op does not have the shapes that its rule expects."""
    if not condition:
        shapes = ", ".join("x".join(map(str, tensor.shape)) or "scalar" for tensor in op.inputs)
        place = f"{op.name} in {op.module}" if op.module else op.name
        raise RuleError(f"{what} (inputs {shapes})", where=place)


def part(tensor: Tensor, elements: int) -> Tensor:
    """As many elements of a tensor's storage as an op touches, and no more than the tensor has.

    Which elements they are is known only when the model runs, so the first ones stand for them.
    """
    count = min(elements, tensor.distinct_elements)
    return Tensor(
        storage=tensor.storage,
        shape=(count,),
        strides=(1,),
        dtype=tensor.dtype,
        offset=tensor.offset,
        advance=tensor.advance,
    )


def integer(op: Op, name: str, default: int = 0) -> int:
    """A whole-number attribute; the default where it is absent or None."""
    value = op.attributes.get(name)
    return int(value) if isinstance(value, (int, float)) else default


def integers(op: Op, name: str) -> tuple[int, ...]:
    """An attribute that is a list of whole numbers, or one; () where it is absent or None."""
    value = op.attributes.get(name)
    if isinstance(value, tuple):
        return tuple(int(entry) for entry in value if isinstance(entry, (int, float)))
    return (int(value),) if isinstance(value, (int, float)) else ()


def number(op: Op, name: str, default: float) -> float:
    """A numeric attribute; the default where it is absent or None."""
    value = op.attributes.get(name)
    return float(value) if isinstance(value, (int, float)) else default


def rows(tensor: Tensor) -> int:
    """Index positions of all dimensions but the last."""
    return prod(tensor.shape[:-1])
