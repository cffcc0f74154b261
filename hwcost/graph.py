"""The nouns of a recorded model: storage, tensor, op, loop, trace, and the work of an op."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Generic, Literal, TypeVar

from hwcost.units import compute_dtype, dtype_bits

Role = Literal["weight", "input", "state", "activation", "output", "optimiser"]
"""What a storage is for; "optimiser": what an optimiser keeps beside a weight from step to step."""

Part = Literal["forward", "backward", "optimiser"]
"""The parts of a training iteration; inference is forward alone."""

OpClass = Literal[
    "gemm",
    "gemv",
    "conv",
    "depthwise",
    "attention",
    "recurrent step",
    "pointwise",
    "reduction",
    "gather",
    "copy",
    "view",
    "unknown",
]

Phase = Literal["once", "first", "steady", "last"]
"""Where in its loop a call stands: outside of any, in the first round, between, in the last."""

FIRST_STEP, STEPS, LAST_STEP = "first step", "steps", "last step"
"""What the outermost loops of a stream run along; its first and its last chunk may be loops of their own."""

PROMPT = "prompt"
"""What the one round runs along in which the prompt of a generation is read."""

Attribute = bool | int | float | str | None | tuple["Attribute", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """One allocation. Views share it; tied weights are one storage.

    id: unique within a trace. elements: its length. name: a weight's first parameter name, else "".
    """

    id: str
    elements: int
    dtype: str
    role: Role = "activation"
    name: str = ""

    @property
    def bytes(self) -> int:
        return bytes_of(self.elements, self.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A view of a storage: element (i, j, ...) lies at offset + i*strides[0] + j*strides[1] + ...

    advance: by how many elements the offset grows per round of each enclosing loop, outermost
    first; () where every round sees the same elements (a weight, a state, a temporary).
    """

    storage: Storage
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str
    offset: int = 0
    advance: tuple[int, ...] = ()

    @property
    def elements(self) -> int:
        """Index positions, repeats of an expanded dimension included."""
        return prod(self.shape)

    @property
    def distinct_elements(self) -> int:
        """Elements that lie in memory: an expanded dimension (stride 0) counts once."""
        return prod(n for n, stride in zip(self.shape, self.strides, strict=True) if stride or not n)

    @property
    def bytes(self) -> int:
        """Bytes that a pass over the tensor touches: distinct elements only."""
        return bytes_of(self.distinct_elements, self.dtype)

    @property
    def role(self) -> Role:
        return self.storage.role


def bytes_of(elements: int, dtype: str) -> int:
    """Bytes of packed elements, rounded up to a whole byte."""
    return -(-elements * dtype_bits(dtype) // 8)


def contiguous(
    storage: Storage, shape: tuple[int, ...], *, offset: int = 0, advance: tuple[int, ...] = ()
) -> Tensor:
    """A row-major tensor in a storage, of the storage's dtype."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return Tensor(
        storage=storage,
        shape=shape,
        strides=tuple(reversed(strides)),
        dtype=storage.dtype,
        offset=offset,
        advance=advance,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One call that the model made.

    name: library and op, without overload (`aten.addmm`, `torch.lstm`).
    module: dotted path of the module whose forward made the call, "" for the model itself.
    inputs: its tensor arguments in the order of its schema, lists flattened, absent ones left out.
    outputs: the tensors it returns or writes; one that it writes in place shares an input's storage.
    attributes: its other arguments by schema name; an absent optional tensor is there as None.
    is_view: the outputs alias inputs and nothing is written.
    is_pointwise: torch tags it as elementwise.
    part: of the training iteration that it belongs to.
    """

    name: str
    module: str = ""
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    is_view: bool = False
    is_pointwise: bool = False
    part: Part = "forward"


Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop(Generic[Item]):
    """`times` rounds of the same body, carrying state from one round to the next along `axis`.

    The tensors of the body are those of the first round. Storages that every round makes anew have
    one id: a round that reads one before writing it reads what the round before wrote.
    """

    times: int
    body: tuple[Item | Loop[Item], ...]
    axis: str = "time"


Tree = tuple[Item | Loop[Item], ...]


def leaves(tree: Tree[Item]) -> Iterator[tuple[Item, int]]:
    """Each item of a tree in order, with the number of times that it runs."""
    for item in tree:
        if isinstance(item, Loop):
            for leaf, calls in leaves(item.body):
                yield leaf, calls * item.times
        else:
            yield item, 1


def mapped(tree: Tree[Item], change: Callable[[Item], Result]) -> Tree[Result]:
    """The same tree with each item changed."""
    return tuple(
        Loop(times=item.times, body=mapped(item.body, change), axis=item.axis)
        if isinstance(item, Loop)
        else change(item)
        for item in tree
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What one forward pass of a model does, or one training iteration, without weights and without torch.

    model: name to show. parameters: elements of the distinct parameters. weight_bytes: their bytes.
    seq_len, batch: where known, else None. dtype: of the parameters (the commonest). order: in which
    the steps of the sequence reach it ("offline", "streaming", "chunk:N", "prompt:N+generate:M"). prompt:
    steps that are there at once before others are generated one by one; None where none are.
    items: ops and loops in order of execution. assumptions: sentences on values that had to be
    assumed. made_by: versions that made it, by name.
    """

    model: str
    parameters: int
    weight_bytes: int
    dtype: str
    items: Tree[Op]
    seq_len: int | None = None
    batch: int | None = None
    assumptions: tuple[str, ...] = ()
    made_by: Mapping[str, str] = field(default_factory=dict)
    order: str = "offline"
    prompt: int | None = None

    def save(self, path: str | Path) -> None:
        """Write the trace as a JSON file (see `hwcost.tracefile.write`)."""
        from hwcost.tracefile import write

        write(self, path)

    @staticmethod
    def load(path: str | Path) -> Trace:
        """Read a saved trace (see `hwcost.tracefile.read`)."""
        from hwcost.tracefile import read

        return read(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """`batch` products C[m,n] += A[m,k] B[k,n]; of a convolution, the product that it amounts to.

    a, b, c: the operand tensors (of a convolution: input, weight, output).
    input_reuse: R = Kh*Kw/(sh*sw) of a convolution, by how much its input is smaller than A; else 1.
    halo_elements: elements of input that must stay for that reuse (Kh * width * channels); else 0.
    """

    batch: int
    m: int
    k: int
    n: int
    a: Tensor
    b: Tensor
    c: Tensor
    input_reuse: float = 1.0
    halo_elements: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """softmax(Q K^T) V for `heads` query heads (batch included): n queries, m keys.

    key_heads: heads of K and V (batch included). d: width of q and k; dv: of v.
    """

    heads: int
    key_heads: int
    n: int
    m: int
    d: int
    dv: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one call of an op has to do.

    macs: multiply-accumulates of products and convolutions. vector_ops: other elementary
    arithmetic, one each. special_ops: exp, log, tanh, sqrt, division and the like, one each.
    reads, writes: tensors that cross memory, once each. products: its inner products.
    kernels: how many kernels a call starts; 0 for a view, and for what rides with its producer.
    is_assumed: no rule knows the op; arithmetic unknown, bytes from its tensors.
    counts_real: its operations are counted in real numbers, also where its tensors are complex.
    """

    op: Op
    op_class: OpClass
    macs: int = 0
    vector_ops: int = 0
    special_ops: int = 0
    reads: tuple[Tensor, ...] = ()
    writes: tuple[Tensor, ...] = ()
    products: tuple[Product, ...] = ()
    attention: Attention | None = None
    kernels: int = 1
    is_assumed: bool = False
    counts_real: bool = False

    @property
    def flops(self) -> int:
        return 2 * self.macs + self.vector_ops + self.special_ops

    @property
    def operand_dtype(self) -> str:
        """The dtype in which its macs are computed.

        That of A and B of its first product together; without products that of the first two tensors
        that it reads (input and kernel, Q and K).
        """
        product = self.products[0] if self.products else None
        first = (product.a, product.b) if product else (self.reads or self.writes)[:2]
        return compute_dtype(first[0].dtype, first[-1].dtype) if first else "float32"

    @property
    def read_bytes(self) -> int:
        return sum(tensor.bytes for tensor in self.reads)

    @property
    def write_bytes(self) -> int:
        return sum(tensor.bytes for tensor in self.writes)
