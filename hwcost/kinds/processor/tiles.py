"""The time of a product by its shape: tiles, waves, split sums, and sides too narrow for a tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Final

from hwcost.devices.family import Products

VECTOR_SIDE: Final = 4
"""Up to this many columns a product runs like that of a matrix with a vector: DeepBench, recurrent layers on
a Titan Xp, where batches of 1, 2 and 4 take the same time."""

NARROW_SIDE: Final = 16
"""Up to this many columns libraries take a kernel of its own: DeepBench, where 16 columns take longer than 32
on a Titan Xp."""

WIDE_TILE: Final = 64
"""No tile is narrower than a product that is narrower than this, nor than this (DeepBench, on a Titan Xp)."""

RESIDENT_ELEMENTS: Final = 32768
"""Elements of C that the blocks on one multiprocessor hold together: half of its 65,536 registers of 32 bit
(CUDA C++ Programming Guide, technical specifications per compute capability)."""

RESIDENT_BLOCKS: Final = 8
"""Most blocks at a time on one multiprocessor: 2048 threads of it (the same table), 256 in each."""

SPLITS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)
"""Into how many parts a sum may be split."""

LEAST_PART: Final = 32
"""Least elements of a part of a split sum: a few steps of a tile's inner loop, 8 elements each."""

CACHED_SHAPES: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`batch` products C[m,n] += A[m,k] B[k,n], named so that the library's A is the first operand.

    strided: "a" or "b" where the larger operand is that one and lies along k in memory, else "".
    strided_part: its part of the bytes that move, 0 to 1.
    """

    batch: int
    m: int
    k: int
    n: int
    strided: str = ""
    strided_part: float = 0.0

    @property
    def side(self) -> int:
        """The narrower side of C."""
        return min(self.m, self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds of one call: arithmetic, bytes of the farthest level, and starting it."""

    compute_s: float
    memory_s: float
    start_s: float

    @property
    def seconds(self) -> float:
        return max(self.compute_s, self.memory_s) + self.start_s


def memory_share(shape: Shape, memory: float, narrow: float, vector: float) -> float:
    """The share of the peak bandwidth that a product reaches, by its narrower side."""
    if shape.side <= VECTOR_SIDE:
        return vector
    return memory * narrow if shape.side <= NARROW_SIDE else memory


@lru_cache(maxsize=CACHED_SHAPES)
def product_timing(
    shape: Shape, rules: Products, flop_per_s: float, cores: int, peak_memory_s: float
) -> Timing:
    """The fastest tile and split, as a library picks it.

    compute   waves of blocks, see `waves_s`; up to VECTOR_SIDE columns 2*batch*m*n*k / peak, no tiles
    memory    bytes / (peak bandwidth * share), of a strided operand the longer by 1/strided_share
    start     kernel_s, split_s where the sum is split, result_s for each element of C
    source    tiles and waves: NVIDIA, "Matrix Multiplication Background User's Guide"
    """
    memory_s = peak_memory_s / memory_share(shape, rules.memory_share, rules.narrow_share, rules.vector_share)
    start_s = rules.kernel_s + rules.result_s * shape.batch * shape.m * shape.n
    if shape.side <= VECTOR_SIDE:
        flops = 2 * shape.batch * shape.m * shape.n * shape.k
        return Timing(compute_s=flops / flop_per_s, memory_s=memory_s, start_s=start_s)
    timings = (
        Timing(
            compute_s=waves_s(
                shape, tile, split, rules.peak_share, rules.tile_loss, rules.k_step_s, flop_per_s, cores
            ),
            memory_s=memory_s * _slowdown(shape, tile, rules),
            start_s=start_s + (rules.split_s if split > 1 else 0.0),
        )
        for tile, split in _choices(shape, rules)
    )
    return min(timings, key=_seconds)


def waves_s(
    shape: Shape,
    tile: tuple[int, int],
    split: int,
    peak_share: float,
    tile_loss: float,
    k_step_s: float,
    flop_per_s: float,
    cores: int,
) -> float:
    """Seconds until the busiest multiprocessor has done its blocks.

    blocks   batch * ceil(m/rows) * ceil(n/columns) * split, ceil(blocks / multiprocessors) on the busiest
    resident r of them at a time, as many as their accumulators leave room for
    seconds  per round ceil(k/split) * max(r * 2*rows*columns / rate, k_step_s), with the last round's r
    rate     peak / multiprocessors * peak_share / (1 + tile_loss * (1/rows + 1/columns)): the larger a
             tile, the fewer operands it loads per multiply-add
    """
    rows, columns = tile
    blocks = shape.batch * ceil(shape.m / rows) * ceil(shape.n / columns) * split
    busiest = ceil(blocks / cores)
    resident = max(1, min(RESIDENT_BLOCKS, RESIDENT_ELEMENTS // (rows * columns)))
    rate = flop_per_s / cores * peak_share / (1 + tile_loss * (1 / rows + 1 / columns))
    element_s = 2 * rows * columns / rate
    rounds, rest = divmod(busiest, resident)
    whole_s = rounds * max(resident * element_s, k_step_s)
    return ceil(shape.k / split) * (whole_s + (max(rest * element_s, k_step_s) if rest else 0.0))


def _choices(shape: Shape, rules: Products) -> Iterator[tuple[tuple[int, int], int]]:
    splits = [split for split in SPLITS if split == 1 or shape.k >= split * LEAST_PART]
    wide = [
        tile
        for tile in rules.tiles
        if tile[0] >= min(shape.m, WIDE_TILE) and tile[1] >= min(shape.n, WIDE_TILE)
    ]
    for tile in wide or rules.tiles:
        for split in splits:
            yield tile, split


def _slowdown(shape: Shape, tile: tuple[int, int], rules: Products) -> float:
    """How much longer the bytes take where the larger operand is read along k: 1 - part + part / share.

    Tiles with both sides of WIDE_TILE and more read that of A with another share than narrower tiles.
    """
    if not shape.strided:
        return 1.0
    is_wide = shape.strided == "a" and min(tile) >= WIDE_TILE
    share = rules.strided_wide_share if is_wide else rules.strided_share
    return 1.0 - shape.strided_part + shape.strided_part / share


def _seconds(timing: Timing) -> float:
    return timing.seconds
