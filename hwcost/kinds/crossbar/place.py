"""Puts a program onto arrays: weights that stay, copies of them, and operands that change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, inf

from hwcost.devices.arrays import Arrays
from hwcost.devices.device import Device
from hwcost.graph import Storage, Tree, Work, leaves, mapped
from hwcost.kinds.crossbar.capacity import (
    Key,
    Missing,
    arrays_taken,
    demands_of,
    key_of,
    missing_of,
    replicas,
)
from hwcost.kinds.crossbar.matrices import Matrix, matrices
from hwcost.kinds.crossbar.operands import changing, digital_s, is_sooner_written, passing_s, write_s
from hwcost.kinds.crossbar.parts import arrays_of, digital_device
from hwcost.kinds.crossbar.placed import Held, placed


def place(tree: Tree[Work], device: Device) -> Tree[Work]:
    """The same program, each op with what arrays hold of it and without the reads of that.

    Weights come first: as many as there are arrays for stay from pass to pass, of the rest a fixed part
    is missing whenever it is used (`missing_of`). What is left over takes the operands that change, then
    copies of weights that many vectors pass. Biases and the like stay in the buffers where they fit.
    """
    arrays, digital = arrays_of(device), digital_device(device)
    count = int(arrays.count)
    written = frozenset(tensor.storage.id for work, _ in leaves(tree) for tensor in work.writes)
    found = {id(work): matrices(work, arrays, written) for work, _ in leaves(tree)}
    demands = demands_of((found[id(work)], calls) for work, calls in leaves(tree))
    taken = arrays_taken(demands)
    missing = iter(missing_of(tree, found, count, taken))
    spare = max(count - taken, 0)
    need = _needed(((work, found[id(work)]) for work, _ in leaves(tree)), digital, arrays)
    copies = replicas(demands, spare - need) if spare > need else {}
    kept = _kept(tree, found, device)

    def on_arrays(work: Work) -> Work:
        several, dtype = found[id(work)], work.operand_dtype
        held = tuple(
            _held(matrix, digital, arrays, copies, absent, dtype)
            for matrix, absent in zip(several, next(missing), strict=True)
            if matrix.stays
        )
        others = [matrix for matrix in several if not matrix.stays]
        gone = kept | {one.matrix.tensor.storage.id for one in held}
        reads = tuple(tensor for tensor in work.reads if tensor.storage.id not in gone)
        return placed(
            work,
            reads=work.reads if work.op_class == "gather" else reads,
            held=held,
            changing=tuple(changing(matrix, digital, arrays, spare, dtype) for matrix in others),
            arrays_taken=taken,
        )

    return mapped(tree, on_arrays)


def _held(
    matrix: Matrix,
    digital: Device,
    arrays: Arrays,
    copies: Mapping[Key, int],
    missing: Missing | None,
    dtype: str,
) -> Held:
    if missing is None:
        return Held(matrix=matrix, replicas=copies.get(key_of(matrix), 1))
    if _is_sooner_digital(matrix, digital, arrays, missing, dtype):
        loads = {phase: calls * missing.share for phase, calls in missing.calls.items()}
        return Held(matrix=matrix, loads=loads, in_digital=True)
    return Held(matrix=matrix, loads=missing.loads)


def _is_sooner_digital(matrix: Matrix, digital: Device, arrays: Arrays, missing: Missing, dtype: str) -> bool:
    """Whether a fixed part is sooner multiplied on the digital unit than written into arrays.

    written  max(calls * t_arrays + loads * t_write, loads * t_link)
    digital  max(calls * (share * t_digital + (1 - share) * t_arrays), calls * share * t_link)

    A digital unit that is faster than the arrays themselves does not count, or a chip with more
    arrays would be the slower one.
    """
    if arrays.writing is None:
        return True
    calls, loads = sum(missing.calls.values()), sum(missing.loads.values())
    link_s = matrix.bytes / (digital.levels[-1].achieved_bytes_per_s or inf)
    arrays_s = passing_s(matrix, arrays, matrix.vectors, ceil(matrix.arrays / arrays.count))
    alone_s = digital_s(matrix, digital, dtype)
    written_s = max(calls * arrays_s + loads * write_s(matrix, arrays, arrays.writing), loads * link_s)
    mixed_s = missing.share * alone_s + (1 - missing.share) * arrays_s
    return arrays_s <= alone_s and calls * max(mixed_s, missing.share * link_s) < written_s


def _needed(works: Iterable[tuple[Work, Sequence[Matrix]]], digital: Device, arrays: Arrays) -> int:
    """Arrays to leave free for the operand that takes the most, of those that are sooner written."""
    if arrays.writing is None:
        return 0
    wanted = (
        matrix.arrays
        for work, several in works
        for matrix in several
        if not matrix.stays and is_sooner_written(matrix, digital, arrays, work.operand_dtype)
    )
    return max(wanted, default=0)


def _kept(tree: Tree[Work], found: Mapping[int, Sequence[Matrix]], device: Device) -> frozenset[str]:
    """Weights beside those in arrays, such as biases, that stay in the buffers: all where they fit, or none.

    What gathers read (embeddings) or ops write stays in memory.
    """
    in_arrays = {one.tensor.storage.id for several in found.values() for one in several if one.stays}
    others: dict[str, Storage] = {}
    not_kept: set[str] = set()
    for work, _ in leaves(tree):
        not_kept |= {tensor.storage.id for tensor in work.writes}
        for tensor in work.reads:
            if tensor.role == "weight" and tensor.storage.id not in in_arrays:
                others[tensor.storage.id] = tensor.storage
                if work.op_class == "gather":
                    not_kept.add(tensor.storage.id)
    kept = {key: storage for key, storage in others.items() if key not in not_kept}
    room = sum(level.size_bytes or 0.0 for level in device.levels[:-1])
    fits = sum(storage.bytes for storage in kept.values()) <= room
    return frozenset(kept) if fits else frozenset()
