"""Operands that change: written into arrays, or multiplied on the digital unit, whichever is sooner."""

from __future__ import annotations

from math import ceil

from hwcost.devices.arrays import Arrays, Writing
from hwcost.devices.device import Device
from hwcost.kinds.crossbar.geometry import OPS_PER_MAC, interval_s, latency_s
from hwcost.kinds.crossbar.matrices import Matrix
from hwcost.kinds.crossbar.placed import Changing
from hwcost.kinds.processor.rates import product_rate


def digital_s(matrix: Matrix, device: Device, dtype: str) -> float:
    """Seconds of a call on the digital unit: 2 * macs / (peak * efficiency)."""
    peak = product_rate(device, dtype).flop_per_s * device.efficiency.get("gemm", 1.0)
    return OPS_PER_MAC * matrix.macs / peak


def passing_s(matrix: Matrix, arrays: Arrays, vectors: int, turns: int) -> float:
    """Seconds until the last of some vectors has passed: turns * (t_first + (vectors - 1) * t_mvm).

    t_first = max(t_mvm + pipeline, t_tiles). A matrix for which there are too few arrays is passed part
    by part, in turns.
    """
    bits = matrix.form.input_bits
    first_s = max(latency_s(arrays, bits), tiles_s(matrix, arrays))
    return turns * (first_s + (vectors - 1) * interval_s(arrays, bits))


def tiles_s(matrix: Matrix, arrays: Arrays) -> float:
    """t_tiles: seconds from a vector to its product, with the messages that bring and add it up.

    t_turn, if a tile adds up a column by itself; else t_turn * min(tiles, in turn), since a tile waits for
    the sums of the one before. 0 for a chip without tiles.
    """
    tiles = arrays.tiles
    if tiles is None:
        return 0.0
    if matrix.row_tiles <= tiles.blocks:
        return float(tiles.turn_s)
    return tiles.turn_s * min(ceil(matrix.arrays / tiles.arrays), tiles.in_turn)


def rows_of(matrix: Matrix, arrays: Arrays) -> float:
    """Rows to write in the array that takes longest: of a matrix taller than that all of its rows."""
    return min(matrix.k, int(arrays.rows)) * matrix.new


def write_s(matrix: Matrix, arrays: Arrays, writing: Writing, waves: int = 1) -> float:
    """Seconds of writing a matrix: rows * t_row, for each turn that the circuits for writing take."""
    turns = max(ceil(matrix.arrays / writing.at_once), waves)
    return turns * rows_of(matrix, arrays) * writing.row_s


def written_s(matrix: Matrix, arrays: Arrays, waves: int) -> float:
    """Seconds of a call whose matrix is written first: writing, then the vectors of each wave."""
    if arrays.writing is None:
        return float("inf")
    passed_s = passing_s(matrix, arrays, matrix.vectors, waves)
    return write_s(matrix, arrays, arrays.writing, waves) + passed_s


def is_sooner_written(matrix: Matrix, device: Device, arrays: Arrays, dtype: str) -> bool:
    """Whether writing pays if there is room for the whole matrix."""
    return written_s(matrix, arrays, 1) < digital_s(matrix, device, dtype)


def changing(matrix: Matrix, device: Device, arrays: Arrays, spare: int, dtype: str) -> Changing:
    """Where an operand that changes is multiplied, with `spare` arrays free for it."""
    if spare < 1 or arrays.writing is None:
        return Changing(matrix=matrix, waves=0)
    waves = ceil(matrix.arrays / spare)
    is_written = written_s(matrix, arrays, waves) < digital_s(matrix, device, dtype)
    return Changing(matrix=matrix, waves=waves if is_written else 0)
