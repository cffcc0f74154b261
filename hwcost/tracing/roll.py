"""Fold calls that repeat round by round (a Python loop over a cell) into loops.

A run of T equal rounds of p calls becomes `Loop(times=T, body=p ops)` if its data flow repeats too.
Each tensor of the body then is one of

    the same in every round      a weight, a buffer written in place
    advancing                    x[t] and out[t]: same storage, offset grows by a constant
    made anew in every round     a temporary, or a state where the next round reads it: one storage
    made anew and kept           read after the loop too: slice t of one joined storage

and storages are renamed accordingly in the whole trace. What does not fit stays as it was recorded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

from hwcost.graph import Attribute, Loop, Op, Role, Storage, Tensor, Tree, mapped
from hwcost.tracing.turns import Columns, Family, families_of, has_outlived

MINIMUM_ROUNDS_OF_TIME = 2
MINIMUM_ROUNDS_OF_OTHERS = 8
"""Fewer rounds without a carried state are calls of a module that happen to stand side by side; fewer of
elementwise ops alone are a product of several factors, say."""

MAXIMUM_PERIODS = 64
"""Candidate periods that are tried at one call."""

TRIES = 2
"""How often a run is tried from each place in its round: what does not fit there does not fit later."""

_VARYING = frozenset({"other", "value", "fill_value", "alpha", "start", "end", "index", "band", "positions"})
"""Numbers that may differ between rounds (a position, a count, the band of a mask) and change no cost."""


def rolled(ops: Sequence[Op]) -> Tree[Op]:
    """The same calls with repeated rounds folded into loops."""
    search = _Search(ops)
    items: list[Op | Loop[Op]] = []
    position = 0
    while position < len(ops):
        for period, times in search.runs(position):
            loop = _fold(search, position, period, times)
            if loop is not None:
                items.append(loop)
                position += period * times
                break
        else:
            items.append(ops[position])
            position += 1
    return mapped(tuple(items), search.renamed) if search.names else tuple(items)


def _kind(op: Op) -> Hashable:
    """What makes two calls the same but for the data that they work on."""
    tensors = tuple(
        (t.shape, t.strides, t.dtype, (t.storage.id, t.offset) if t.role == "weight" else None)
        for t in (*op.inputs, *op.outputs)
    )
    attributes = tuple((key, value) for key, value in op.attributes.items() if key not in _VARYING)
    return (op.name, op.module, op.part, len(op.inputs), tensors, attributes)


class _Search:
    """Indices over the calls: which are alike, who reads and writes what, and new names so far."""

    def __init__(self, ops: Sequence[Op]) -> None:
        self.ops = ops
        self.names: dict[str, tuple[Storage, int]] = {}
        numbers: dict[Hashable, int] = {}
        self.kinds = [numbers.setdefault(_kind(op), len(numbers)) for op in ops]
        self.places: dict[int, list[int]] = defaultdict(list)
        self.users: dict[str, list[int]] = defaultdict(list)
        for index, (op, kind) in enumerate(zip(ops, self.kinds, strict=True)):
            self.places[kind].append(index)
            for tensor in (*op.inputs, *op.outputs):
                self.users[tensor.storage.id].append(index)
        self._lengths: dict[int, list[int]] = {}
        self._tries: Counter[tuple[int, int]] = Counter()

    def runs(self, position: int) -> Iterator[tuple[int, int]]:
        """(period, times) of repeats that start here, those that cover most calls first."""
        places = self.places[self.kinds[position]]
        start = bisect_left(places, position) + 1
        found = []
        for place in places[start : start + MAXIMUM_PERIODS]:
            period = place - position
            times = self._length(period)[position] // period + 1
            if times >= MINIMUM_ROUNDS_OF_TIME:
                found.append((-period * times, period, times))
        for _, period, times in sorted(found)[:2]:
            run = period, position + self._length(period)[position]
            self._tries[run] += 1
            if self._tries[run] <= TRIES * period:
                yield period, times

    def _length(self, period: int) -> list[int]:
        """For each call, how many calls from it on equal the one a period later."""
        if period not in self._lengths:
            kinds = self.kinds
            lengths = [0] * (len(kinds) + 1)
            for index in range(len(kinds) - period - 1, -1, -1):
                lengths[index] = lengths[index + 1] + 1 if kinds[index] == kinds[index + period] else 0
            self._lengths[period] = lengths
        return self._lengths[period]

    def moved(self, tensor: Tensor) -> Tensor:
        """The tensor under the names that hold by now."""
        if tensor.storage.id not in self.names:
            return tensor
        storage, offset = self.names[tensor.storage.id]
        return replace(tensor, storage=storage, offset=tensor.offset + offset)

    def renamed(self, op: Op) -> Op:
        return replace(
            op,
            inputs=tuple(
                t if t.advance or t.storage.id.endswith(ROUNDS) else self.moved(t) for t in op.inputs
            ),
            outputs=tuple(
                t if t.advance or t.storage.id.endswith(ROUNDS) else self.moved(t) for t in op.outputs
            ),
        )


ROUNDS = ".rounds"


def _fold(search: _Search, start: int, period: int, times: int) -> Loop[Op] | None:
    """The loop that a run amounts to, or None if its data flow does not repeat."""
    rounds = [[search.ops[start + r * period + k] for k in range(period)] for r in range(times)]
    columns = [
        [[search.moved(ops[k].outputs[s]) for ops in rounds] for s in range(len(rounds[0][k].outputs))]
        for k in range(period)
    ]
    reads = [
        [[search.moved(ops[k].inputs[s]) for ops in rounds] for s in range(len(rounds[0][k].inputs))]
        for k in range(period)
    ]
    families = families_of(columns, reads)
    if families is None:
        return None
    within = range(start, start + period * times)
    for family in families:
        if not _settle(family, search, within, outlives=has_outlived(family, columns, reads)):
            return None
    has_state = any(f.is_state for f in families) or _writes_in_place(reads, columns)
    advances = any(f.is_kept for f in families) or any(
        column[0].storage.id == column[1].storage.id and column[0].offset != column[1].offset
        for slots in (*columns, *reads)
        for column in slots
    )
    is_time = has_state and advances
    is_plain = all(op.is_pointwise for op in rounds[0])
    if times < (MINIMUM_ROUNDS_OF_TIME if is_time and not is_plain else MINIMUM_ROUNDS_OF_OTHERS):
        return None
    owner = {member: (family, r) for family in families for r, member in enumerate(family.members)}
    body = tuple(
        replace(
            rounds[0][k],
            inputs=tuple(_slot(column, owner) for column in reads[k]),
            outputs=tuple(_slot(column, owner) for column in columns[k]),
            attributes=_attributes([ops[k] for ops in rounds]),
        )
        for k in range(period)
    )
    for family in families:
        _rename(family, search)
    return Loop(times=times, body=body, axis="time" if is_time else "repeat")


def _attributes(ops: Sequence[Op]) -> Mapping[str, Attribute]:
    """Those of the first round, with a band around those of all rounds, and positions if all are alike."""
    rest = dict(ops[0].attributes)
    if any(op.attributes.get("positions") != rest.get("positions") for op in ops):
        rest.pop("positions", None)
    bands = [op.attributes.get("band") for op in ops]
    if all(band == bands[0] for band in bands):
        return rest
    rest.pop("band", None)
    ends = [end for band in bands if isinstance(band, tuple) for end in band if isinstance(end, int)]
    if len(ends) < 2 * len(bands):
        return rest
    return rest | {"band": (min(ends[::2]), max(ends[1::2]))}


def _writes_in_place(reads: Columns, columns: Columns) -> bool:
    def fixed(slots: Columns) -> set[tuple[str, int]]:
        return {
            (c[0].storage.id, c[0].offset)
            for slot in slots
            for c in slot
            if c[0].storage.id == c[1].storage.id and c[0].offset == c[1].offset
        }

    return bool(fixed(reads) & fixed(columns))


def _settle(family: Family, search: _Search, within: range, *, outlives: bool) -> bool:
    """Decide whether a family is one buffer or slices of a joined one; False if it can be neither."""
    if any(member in search.names or member not in search.users for member in family.members):
        return False

    def is_used_outside(member: str) -> bool:
        return any(user not in within for user in search.users[member])

    outputs = [search_role(search, member) == "output" for member in family.members]
    family.is_kept = (not family.is_written or outlives) or any(
        outputs[r] or is_used_outside(member) for r, member in enumerate(family.members[:-1])
    )
    elements = family.storage.elements
    role: Role = "output" if any(outputs) else "state" if family.is_state else family.storage.role
    if not family.is_kept:
        family.storage = replace(family.storage, role=role)
        return True
    lead = 1 if family.is_state else 0
    family.slots = {member: (r + lead) * elements for r, member in enumerate(family.members)}
    family.storage = replace(
        family.storage,
        id=family.members[0] + ROUNDS,
        elements=elements * (len(family.members) + lead),
        role="output" if any(outputs) else family.storage.role,
    )
    return True


def search_role(search: _Search, member: str) -> Role:
    """The role of a storage, read off the first call that uses it."""
    op = search.ops[search.users[member][0]]
    return next(t.role for t in (*op.inputs, *op.outputs) if t.storage.id == member)


def _slot(column: list[Tensor], owner: dict[str, tuple[Family, int]]) -> Tensor:
    """A tensor of the body, from what it is in each round."""
    first, second = column[0], column[1]
    if first.storage.id == second.storage.id:
        step = second.offset - first.offset
        return replace(first, advance=(step,)) if step else first
    family, r = owner[second.storage.id]
    step = second.offset - first.offset
    if r == 0:  # what comes before round 0 may lie in another storage, at a place of its own
        step = column[2].offset - second.offset if len(column) > 2 else 0
    offset = second.offset - step
    if not family.is_kept:
        return replace(first, storage=family.storage, offset=offset, advance=(step,) if step else ())
    size = family.slots[family.members[1]] - family.slots[family.members[0]]
    offset += family.slots[family.members[r]] - size
    return replace(first, storage=family.storage, offset=offset, advance=(size + step,))


def _rename(family: Family, search: _Search) -> None:
    for member in family.members:
        search.names[member] = (family.storage, family.slots.get(member, 0))
    first = family.first
    is_plain = first in search.users and first not in search.names
    if is_plain and search_role(search, first) == "activation":
        op = search.ops[search.users[first][0]]
        made = next(t.storage for t in (*op.inputs, *op.outputs) if t.storage.id == first)
        if made.elements == family.storage.elements or family.is_kept:
            search.names[first] = (family.storage, 0)
