"""The matrices of a product: the one that arrays hold, and the vectors that pass through them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwcost.devices.arrays import Arrays
from hwcost.graph import Product, Tensor, Work
from hwcost.kinds.crossbar.geometry import (
    BITS_PER_BYTE,
    PARTIAL_SUM_BYTES,
    Format,
    arrays_for,
    format_of,
    weights_per_row,
)

ATTENTION_PRODUCTS = 2
"""Q K^T and the scores times V."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """`groups` matrices of k x n, each met by `vectors` vectors in a call of its op.

    tensor: that holds them. vectors: of one group. arrays: that it takes, all groups together. stays: it
    is a weight that the program does not write. new: the share of it that a call writes anew where it
    does not stay: 1, or less where a cache keeps the rest.
    """

    tensor: Tensor
    groups: int
    k: int
    n: int
    vectors: int
    form: Format
    arrays: int
    row_tiles: int
    stays: bool = False
    new: float = 1.0

    @property
    def macs(self) -> int:
        return self.groups * self.vectors * self.k * self.n

    @property
    def weights(self) -> int:
        return self.groups * self.k * self.n

    @property
    def bytes(self) -> float:
        """In the format of the arrays."""
        return self.weights * self.form.weight_bits / BITS_PER_BYTE

    @property
    def network_bytes(self) -> float:
        """Inputs once, sent to all arrays at once; results of each tile of rows, to be added up."""
        inputs = self.k * self.form.input_bits / BITS_PER_BYTE
        return self.groups * self.vectors * (inputs + self.row_tiles * self.n * PARTIAL_SUM_BYTES)

    @property
    def partial_sums(self) -> int:
        """Additions that join the tiles of rows: (ceil(k / rows) - 1) * n per vector."""
        return self.groups * self.vectors * (self.row_tiles - 1) * self.n


def matrices(work: Work, arrays: Arrays, written: frozenset[str] = frozenset()) -> tuple[Matrix, ...]:
    """What arrays would hold of an op's operands: a weight where there is one, else the second operand.

    None where that does not account for all macs of the op (gradients of attention). written: ids of
    the storages that the program writes: a weight that is trained does not stay.
    """
    if work.attention is not None:
        found = _of_attention(work, arrays)
    else:
        found = tuple(_of_product(product, arrays) for product in work.products)
    if sum(matrix.macs for matrix in found) != work.macs:
        return ()
    return tuple(replace(matrix, stays=_stays(matrix.tensor, written)) for matrix in found)


def _stays(tensor: Tensor, written: frozenset[str]) -> bool:
    return tensor.role == "weight" and tensor.storage.id not in written


def matrix_of(
    arrays: Arrays,
    tensor: Tensor,
    *,
    groups: int,
    k: int,
    n: int,
    vectors: int,
    input_dtype: str,
    new: float = 1.0,
) -> Matrix:
    """A matrix with the arrays that it takes."""
    form = format_of(arrays, tensor.dtype, input_dtype)
    return Matrix(
        tensor=tensor,
        groups=groups,
        k=k,
        n=n,
        vectors=vectors,
        form=form,
        arrays=arrays_for(arrays, k, n, form.weight_bits, groups=groups),
        row_tiles=-(-k // int(arrays.rows)),
        new=new,
    )


def utilisation(matrix: Matrix, arrays: Arrays) -> float:
    """The share of its arrays' places for weights that it fills."""
    places = matrix.arrays * int(arrays.rows) * weights_per_row(arrays, matrix.form.weight_bits)
    return matrix.weights / places


def _of_product(product: Product, arrays: Arrays) -> Matrix:
    held, other, n, vectors = product.b, product.a, product.n, product.m
    if product.a.role == "weight" and product.b.role != "weight":
        held, other, n, vectors = product.a, product.b, product.m, product.n
    return matrix_of(
        arrays,
        held,
        groups=max(product.batch, 1),
        k=max(product.k, 1),
        n=max(n, 1),
        vectors=vectors,
        input_dtype=other.dtype,
    )


def _of_attention(work: Work, arrays: Arrays) -> tuple[Matrix, ...]:
    """K^T (d x m) and V (m x dv) of each head of keys; the queries of the heads that share it pass.

    Of a cache (a state of the stream) only the n new keys and values are written, taken to be as many as
    there are queries.
    """
    shape = work.attention
    if shape is None or len(work.reads) <= ATTENTION_PRODUCTS:
        return ()
    q, k, v = work.reads[:3]
    heads = max(shape.key_heads, 1)
    vectors = shape.n * max(shape.heads // heads, 1)
    found = []
    for tensor, rows, columns in ((k, shape.d, shape.m), (v, shape.m, shape.dv)):
        matrix = matrix_of(
            arrays,
            tensor,
            groups=heads,
            k=max(rows, 1),
            n=max(columns, 1),
            vectors=vectors,
            input_dtype=q.dtype,
            new=min(1.0, shape.n / max(shape.m, 1)) if tensor.role == "state" else 1.0,
        )
        found.append(matrix)
    return tuple(found)
