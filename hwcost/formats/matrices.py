"""Which weights a weight format concerns: the matrices and kernels that products multiply by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod

from hwcost.graph import Storage, Tensor, Work
from hwcost.units import dtype_bits, is_floating

CONVOLUTIONS = ("conv", "depthwise")
QUANTISED_BITS = 8
"""A real number of so few bits was quantised by the model itself, and stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A storage of weights. length: elements that one output of its first product sums, a channel."""

    storage: Storage
    length: int


def is_free(dtype: str) -> bool:
    """Whether numbers of a dtype can be taken in another: real ones that no quantiser has made."""
    return is_floating(dtype) and dtype_bits(dtype) > QUANTISED_BITS


def matrices(works: Iterable[Work]) -> Mapping[str, Matrix]:
    """The matrices of weights by the id of their storage.

    Operands A and B of products, and kernels of convolutions, of at least two dimensions, that are
    weights. A vector (bias, norm) is none, nor is a table that is only looked up (embedding).
    """
    found: dict[str, Matrix] = {}
    for work in works:
        for tensor, length in _operands(work):
            storage = tensor.storage
            if storage.role == "weight" and is_free(storage.dtype) and _dimensions(tensor) > 1:
                found.setdefault(storage.id, Matrix(storage=storage, length=max(length, 1)))
    return found


def _operands(work: Work) -> Iterator[tuple[Tensor, int]]:
    for product in work.products:
        yield product.b, product.k
        yield product.a, product.k
    if not work.products and work.op_class in CONVOLUTIONS:
        for tensor in work.reads[1:2]:
            yield tensor, prod(tensor.shape[1:])


def _dimensions(tensor: Tensor) -> int:
    """Dimensions along which the elements differ; a bias spread over rows has one."""
    return sum(1 for stride in tensor.strides if stride)
