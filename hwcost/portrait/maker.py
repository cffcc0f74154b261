"""One ready-made model at any length: its traces, and where time lies in its inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from hwcost.dependence import TimeAxis
from hwcost.errors import ModelError
from hwcost.graph import Storage, Tensor, Trace, leaves
from hwcost.load import load_trace
from hwcost.models import build, card

SHORT, LONGER = 8, 16
"""Two lengths by which it is told which sizes follow the sequence."""

SOURCE = "source_len"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeInput:
    """An input with a time axis. place: which input. shape: at SHORT steps. axis: where time lies."""

    sequence: str
    place: int
    shape: tuple[int, ...]
    axis: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """A ready-made model with its settings, all but the length of the sequence."""

    name: str
    batch: int | None
    settings: Mapping[str, object]

    @property
    def has_source(self) -> bool:
        """Whether it translates a source of a length of its own."""
        return SOURCE in card(self.name).settings

    def trace(self, seq_len: int | None) -> Trace:
        """Its trace at a length."""
        return load_trace(self.name, seq_len=seq_len, batch=self.batch, settings=self.settings)

    def source_len(self, seq_len: int) -> int:
        """Steps of the source where the target has so many."""
        word = str(self.settings.get(SOURCE, card(self.name).settings.get(SOURCE, 0)))
        return int(word) or seq_len


def time_inputs(maker: Maker) -> tuple[TimeInput, ...]:
    """The inputs that have a time axis: those whose shape follows the length of the sequence or source."""
    if not maker.has_source:
        return _following(maker, "", {}, {})
    both = {SOURCE: SHORT}
    return (*_following(maker, "target", both, both), *_following(maker, "source", both, {SOURCE: LONGER}))


def _following(
    maker: Maker, sequence: str, before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[TimeInput, ...]:
    longer = SHORT if sequence == "source" else LONGER
    first, second = (
        build(maker.name, seq_len=n, batch=maker.batch, settings={**maker.settings, **more})[1]
        for n, more in ((SHORT, before), (longer, after))
    )
    found = []
    for place, (a, b) in enumerate(zip(first, second, strict=True)):
        axes = [axis for axis, (m, n) in enumerate(zip(a.shape, b.shape, strict=True)) if m != n]
        if axes:
            found.append(TimeInput(sequence=sequence, place=place, shape=tuple(a.shape), axis=axes[0]))
    return tuple(found)


def input_axis(maker: Maker, entry: TimeInput, trace: Trace, seq_len: int) -> tuple[str, TimeAxis]:
    """The storage of an input in a trace, and where its time lies.

    Raises:
        ModelError: the model does not read all of its inputs.
    """
    size = maker.source_len(seq_len) if entry.sequence == "source" else seq_len
    axis = TimeAxis(stride=prod(entry.shape[entry.axis + 1 :]), size=size)
    elements = prod(entry.shape) // entry.shape[entry.axis] * size
    found = [storage for storage in _storages(trace, "input") if storage.id.isdigit()]
    for storage in sorted(found, key=lambda it: int(it.id))[entry.place :]:
        if storage.elements == elements:
            return storage.id, axis
    raise ModelError("does not read all of its inputs", where=maker.name)


def output_axis(trace: Trace, short: Trace) -> tuple[Storage, TimeAxis | None]:
    """The first output that has a time axis, and where; else the first output, and None.

    short: the same model over fewer steps.
    """
    pairs = list(zip(_outputs(trace), _outputs(short), strict=True))
    for tensor, other in pairs:
        axes = [i for i, (m, n) in enumerate(zip(tensor.shape, other.shape, strict=True)) if m != n]
        if axes:
            return tensor.storage, TimeAxis(stride=tensor.strides[axes[0]], size=tensor.shape[axes[0]])
        if tensor.advance and tensor.storage.elements != other.storage.elements:
            stride = abs(tensor.advance[-1])
            return tensor.storage, TimeAxis(stride=stride, size=tensor.storage.elements // stride)
    return pairs[0][0].storage, None


def _outputs(trace: Trace) -> list[Tensor]:
    """The last tensor that is written of each output storage."""
    found: dict[str, Tensor] = {}
    for op, _ in leaves(trace.items):
        found |= {it.storage.id: it for it in op.outputs if it.role == "output"}
    order = [storage.id for storage in _storages(trace, "output")]
    return [found[key] for key in order if key in found]


def _storages(trace: Trace, role: str) -> list[Storage]:
    found: dict[str, Storage] = {}
    for op, _ in leaves(trace.items):
        for tensor in (*op.inputs, *op.outputs):
            if tensor.role == role:
                found.setdefault(tensor.storage.id, tensor.storage)
    return list(found.values())
