"""What is known of every storage while the ops of a stream are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from hwcost.errors import OrderError
from hwcost.graph import Op, Storage, Tensor
from hwcost.orders.growth import Growth
from hwcost.orders.matching import STEP_MEND, Pair, named
from hwcost.orders.views import NOW, WHOLE, Kind, Past, Place, Step, View

Status = Literal["now", "final", "first"]
"""Of a storage that depends on the sequence: it has time, or is known after all steps, or after the first."""

CACHE, RING = ".cache", ".ring"
"""How the names of storages end that a stream keeps beside those of the model."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """Places, and what they depend on.

    steps: of a chunk. names: places of storages that lie in another's. status: of places that depend on
    the sequence. repeats: copies that only repeat heads, with what they read. written: places that the
    stream writes. pending: ops that come before the one that is looked at.
    """

    growth: Growth
    steps: int
    places: dict[str, Place] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    status: dict[str, Status] = field(default_factory=dict)
    repeats: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    pending: list[Step] = field(default_factory=list)

    def grows(self, short: Tensor, long: Tensor) -> tuple[int, ...]:
        """The dimensions whose sizes differ with the length of the sequence."""
        return tuple(i for i, (a, b) in enumerate(zip(short.shape, long.shape, strict=True)) if a != b)

    def place(self, short: Storage, long: Storage) -> Place:
        """Where a storage lies."""
        name = self.names.get(long.id, long.id)
        if name not in self.places:
            self.places[name] = Place(
                name=name,
                short=short,
                long=long,
                is_whole=long.role in ("input", "output", "weight"),
                # What a fixed loop of the model carries is not kept from chunk to chunk.
                role="activation" if long.role == "state" else long.role,
            )
        return self.places[name]

    def status_of(self, tensor: Tensor) -> Status | None:
        """What a tensor depends on; None: not on the sequence."""
        return self.status.get(self.names.get(tensor.storage.id, tensor.storage.id))

    def view(self, short: Tensor, long: Tensor, *, in_rounds: bool = False) -> View:
        """A tensor with the kinds of its dimensions, as far as its storage tells them."""
        place = self.place(short.storage, long.storage)
        grows = self.grows(short, long)
        kinds: list[Kind] = [None] * len(long.shape)
        for i in grows:
            past = next(
                (p for stride, p in place.pasts.items() if _covers(long.strides[i], long.shape[i], stride)),
                None,
            )
            kinds[i] = past or (WHOLE if in_rounds else NOW)
        return View(short=short, long=long, kinds=tuple(kinds), place=place.name)

    def views(self, shorts: Sequence[Tensor], longs: Sequence[Tensor]) -> list[View]:
        """Views of tensors in pairs."""
        return [self.view(a, b) for a, b in zip(shorts, longs, strict=True)]

    def with_kinds(self, view: View, kinds: Sequence[Kind]) -> View:
        """A view whose dimensions are of these kinds, which its place learns."""
        place = self.places[view.place]
        for i, kind in enumerate(kinds):
            if isinstance(kind, Past):
                place.pasts[view.long.strides[i]] = kind
        return replace(view, kinds=tuple(kinds))

    def so_far(self, view: View, dim: int, past: Past, op: Op) -> View:
        """The view over all steps so far along `dim`: of a table, or of a cache that is filled here."""
        kinds = tuple(past if i == dim else kind for i, kind in enumerate(view.kinds))
        if isinstance(view.kinds[dim], Past) or self.status_of(view.long) is None:
            return replace(view, kinds=kinds)
        return replace(view, kinds=kinds, place=self._filled(view, CACHE, past, op))

    def ring(self, view: View, op: Op) -> View:
        """The view of a chunk of an input or a result, in a ring of its own that is filled here."""
        return replace(view, place=self._filled(view, RING, None, op))

    def _filled(self, view: View, ending: str, past: Past | None, op: Op) -> str:
        """The name of a place beside a view's own, to which the new steps are copied, once."""
        offset = f".{view.long.offset}" if view.long.offset else ""
        name = f"{view.place}{offset}{ending}"
        if name in self.places:
            return name
        source = self.places[view.place]
        self.places[name] = Place(
            name=name,
            short=source.short,
            long=source.long,
            is_whole=False,
            role="state",
            is_copy=True,
            base=view.long.offset,
            past=past,
        )
        there = replace(view, place=name)
        copy = Op(name="aten.copy_", module=op.module)
        self.pending.append(Step(short=copy, long=copy, inputs=(there, view), outputs=(there,)))
        return name

    def taken(self) -> list[Step]:
        """The pending ops, which are no longer pending."""
        found, self.pending = self.pending, []
        return found

    def wrote(self, op: Op, status: Status) -> None:
        """Let the storages that an op of the stream writes have this status."""
        for tensor in op.outputs:
            name = self.names.get(tensor.storage.id, tensor.storage.id)
            self.written.add(name)
            self.status[name] = status


def _covers(stride: int, size: int, of_time: int) -> bool:
    return stride <= of_time < stride * size


def mixing(op: Op, *, mend: str = STEP_MEND) -> OrderError:
    """The error of an op that needs all steps at once."""
    return OrderError(f"{named(op)} mixes all steps: it has no streaming form", mend=mend)


def normalised_dims(op: Op, ndim: int, key: str) -> tuple[int, ...]:
    """The dimensions that an attribute names, from 0; all of them where it names none."""
    value = op.attributes.get(key)
    if isinstance(value, bool) or value is None or value == ():
        return tuple(range(ndim))
    entries = value if isinstance(value, tuple) else (value,)
    return tuple(entry % ndim for entry in entries if isinstance(entry, int)) if ndim else ()


def outputs_of(scene: Scene, pair: Pair) -> list[View]:
    """Views of what an op writes."""
    return scene.views(pair.short.outputs, pair.long.outputs)
