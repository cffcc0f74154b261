"""What few bits cost beside themselves: the scales of weights, and the arithmetic that undoes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from hwcost.formats.matrices import QUANTISED_BITS, Matrix
from hwcost.graph import Storage, Tensor, Work, contiguous
from hwcost.units import dtype_bits, is_floating

GROUP_ELEMENTS: Final[Mapping[str, int]] = {"int4": 128}
"""Weights along a channel that share a scale; formats of whole numbers that are not here have one scale
per channel.

128   GPTQ (Frantar et al. 2022, arXiv:2210.17323) and AWQ (Lin et al. 2023, arXiv:2306.00978), INT4-g128:
      4 + 16/128 = 4.125 bits per weight. Zero points, where a variant has them, are 4 bits more per
      group; blocks of 32 (llama.cpp Q4_0) make 4.5 bits per weight.
one   Krishnamoorthi 2018, arXiv:1806.08342, section 3.1: per channel for weights.
"""

SCALE_DTYPE: Final = "float16"
"""Of a scale (GPTQ, AWQ and llama.cpp alike)."""

DEQUANTISE: Final = 1
"""Vector operations per element read that is stored in few bits and computed in more: its scale, or the
conversion of a float8. It is done again at each read, since nobody keeps the wider copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """The scales of one matrix of weights, `per_channel` for each `length` of its elements."""

    storage: Storage
    length: int
    per_channel: int

    def read_with(self, weight: Tensor) -> Tensor:
        """The scales that a read of so many weights needs: those of the channels that it touches."""
        whole = self.storage.elements
        count = min(-(-weight.distinct_elements // self.length) * self.per_channel, whole)
        return contiguous(
            self.storage,
            (count,),
            offset=min(weight.offset // self.length * self.per_channel, whole - count),
            advance=tuple(step // self.length * self.per_channel for step in weight.advance),
        )


def scales_of(matrix: Matrix, dtype: str) -> Scales | None:
    """The scales of a matrix that is stored in a dtype; None for a real format.

    A float8 has a scale per tensor, which is left out here as everywhere.
    """
    if is_floating(dtype):
        return None
    weight, length = matrix.storage, matrix.length
    per_channel = -(-length // GROUP_ELEMENTS.get(dtype, length))
    scales = Storage(
        id=f"{weight.id}.scales",
        elements=-(-weight.elements // length) * per_channel,
        dtype=SCALE_DTYPE,
        role="weight",
        name=f"{weight.name}.scales" if weight.name else "",
    )
    return Scales(storage=scales, length=length, per_channel=per_channel)


def with_overhead(work: Work, matrices: Mapping[str, Matrix], held: Iterable[Tensor]) -> Work:
    """A work that reads the scales of its weights too, and undoes what is stored in few bits.

    matrices: by the id of their storage, where they are in a format that was asked for.
    held: its K and V, where they are in one that was asked for.
    """
    weights = [tensor for tensor in work.reads if tensor.storage.id in matrices]
    stored = (*weights, *held)
    if not stored:
        return work
    # What is looked up, or copied, ends in the format of the result.
    target = work.operand_dtype if work.macs or not work.writes else work.writes[0].dtype
    undone = sum(tensor.distinct_elements for tensor in stored if is_undone(tensor.dtype, target))
    found = ((scales_of(matrices[t.storage.id], t.dtype), t) for t in weights)
    scales = tuple(of_matrix.read_with(weight) for of_matrix, weight in found if of_matrix is not None)
    return replace(work, reads=(*work.reads, *scales), vector_ops=work.vector_ops + DEQUANTISE * undone)


def is_undone(dtype: str, target: str) -> bool:
    """Whether what is stored in a dtype has to be changed before it is computed with."""
    return dtype_bits(dtype) <= QUANTISED_BITS and dtype != target
