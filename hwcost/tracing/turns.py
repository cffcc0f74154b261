"""Storages that take turns: round r of a loop writes or reads member r of a family."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from hwcost.graph import Storage, Tensor

Columns = list[list[list[Tensor]]]
"""By call of a round, by place among its inputs or outputs: the tensor of every round."""


@dataclass(slots=True)
class Family:
    """Storages that take turns: member r belongs to round r. first: the one before round 0."""

    members: tuple[str, ...]
    storage: Storage
    is_written: bool
    first: str = ""
    is_state: bool = False
    is_kept: bool = False
    slots: dict[str, int] = field(default_factory=dict)


def families_of(columns: Columns, reads: Columns) -> list[Family] | None:
    """The families of storages that differ from round to round; None if they follow no pattern."""
    found: dict[tuple[str, ...], Family] = {}
    for is_written, slots in ((True, columns), (False, reads)):
        for column in (column for slot in slots for column in slot):
            ids = tuple(tensor.storage.id for tensor in column)
            if len(set(ids)) == 1:
                if not _is_progression([tensor.offset for tensor in column]):
                    return None
                continue
            offsets = [tensor.offset for tensor in column]
            if not _is_progression(offsets[1:]) or len(set(ids)) < len(ids):
                return None
            carried = next((f for f in found.values() if f.is_written and ids[1:] == f.members[:-1]), None)
            if carried is None and not _is_progression(offsets):
                return None
            if ids in found:
                continue
            if carried is not None:
                if carried.first not in ("", ids[0]) or len({tensor.offset for tensor in column}) > 1:
                    return None
                carried.first, carried.is_state = ids[0], True
                continue
            if any(set(ids) & set(family.members) for family in found.values()):
                return None
            sizes = {(tensor.storage.elements, tensor.storage.dtype) for tensor in column}
            if len(sizes) > 1 or any(tensor.role == "weight" for tensor in column):
                return None
            found[ids] = Family(members=ids, storage=column[0].storage, is_written=is_written)
    return list(found.values())


def _is_progression(offsets: list[int]) -> bool:
    return len({b - a for a, b in pairwise(offsets)}) <= 1


def has_outlived(family: Family, columns: Columns, reads: Columns) -> bool:
    """Whether a round still reads the old state after it wrote the new one, so that both are there."""
    if not family.is_state:
        return False

    def places(calls: Columns, members: tuple[str, ...], since: int) -> list[int]:
        return [
            place
            for place, slots in enumerate(calls)
            if any(tuple(tensor.storage.id for tensor in column)[since:] == members for column in slots)
        ]

    written, read = places(columns, family.members, 0), places(reads, family.members[:-1], 1)
    return bool(written and read) and max(read) > min(written)
