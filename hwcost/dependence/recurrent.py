"""Recurrent layers and cells: what a state sees that is carried from step to step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hwcost.dependence.call import Call, Writes, means, part, slice_of
from hwcost.dependence.windows import (
    FULL,
    NONE,
    Array,
    Charge,
    gathered,
    joined,
    spread,
    united,
)
from hwcost.graph import Tensor

CELLS = "lstm gru rnn_tanh rnn_relu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where step t of sequence n lies among the rows of a packed sequence; -1 where it has ended."""

    rows: Array

    @property
    def lengths(self) -> Array:
        """Steps of each sequence."""
        return np.asarray((self.rows >= 0).sum(0))


@means(*(f"torch.{cell}" for cell in CELLS.split()))
def layers(call: Call) -> Writes:
    """h[t] = f(x[t], h[t - 1]), forwards and backwards, layer on layer; a step adds a hop to both.

    Of the hops H and those of the input X:  H[t] = 1 + min(H[t - 1], X[t]).
    """
    return list(_layers(call))


def _layers(call: Call) -> Iterator[tuple[Tensor, Array]]:
    directions = 2 if call.flag("bidirectional") else 1
    packing = _packing(call)
    x = _time_first(call, packing)
    states = call.inputs[1 : len(call.op.outputs)]
    out, *finals = call.op.outputs
    for layer in range(call.number("num_layers", 1)):
        seen, after = gathered(x, (3,), call.charge(Charge.WIDENING)), []
        for direction in range(directions):
            place = layer * directions + direction
            start = _start(states, place)
            h = _scanned(call, seen, start, backwards=direction == 1)
            after.append(h)
            last = h[:, 0] if direction else _last(h, packing)
            yield from ((slice_of(final, 0, place), last) for final in finals)
        x = np.concatenate(np.broadcast_arrays(*after), 3) if directions > 1 else after[0]
    width = out.shape[-1] // directions
    for direction, h in enumerate(after):
        yield part(out, len(out.shape) - 1, direction * width, width), _laid_out(call, h, packing)


def _start(states: tuple[Array, ...], place: int) -> Array:
    """What the initial state of a layer and direction sees, [round, 1, n, 1]."""
    parts = [state[:, place : place + 1] if state.shape[1] > 1 else state for state in states]
    return joined([gathered(it, (3,), Charge.FREE) for it in parts], Charge.FREE)


def _scanned(call: Call, x: Array, start: Array, *, backwards: bool) -> Array:
    """The states of all steps, from what the steps of the input see, [round, t, n, 1]."""
    steps = _full(x, call)
    lead, batch = max(len(steps), len(start)), max(steps.shape[2], start.shape[2])
    first = np.broadcast_to(start, (lead, 1, batch, 1))
    rows = np.broadcast_to(steps, (lead, steps.shape[1], batch, 1))
    rows = rows[:, ::-1] if backwards else rows
    parts = spread(np.concatenate((first, rows), 1))
    number, last, _, largest = np.minimum.accumulate(parts, 2)
    step = 0 if call.in_step else 1
    # Row r + 1 is the input of step r, row 0 the state before step 0, which pays like that step's input.
    passed = (np.maximum(np.arange(parts.shape[2]) - 1, 0) * step).reshape(-1, 1, 1)
    hop = np.minimum.accumulate(parts[2] - passed, 1) + passed + step
    result = united(np.stack((number, last, np.minimum(hop, FULL), largest)), Charge.FREE)[:, 1:]
    return result[:, ::-1] if backwards else result


def _full(x: Array, call: Call) -> Array:
    """The steps one by one, since a state counts them even where all inputs are alike."""
    if x.shape[1] > 1:
        return x
    shape = call.op.inputs[0].shape
    steps = shape[1] if call.flag("batch_first") and len(shape) == 3 else shape[0]
    return np.broadcast_to(x, (len(x), steps, *x.shape[2:]))


def _packing(call: Call) -> Layout | None:
    """Where the steps lie in a packed sequence, from its runs of (batch, steps)."""
    runs = call.op.attributes.get("batch_sizes")
    if not isinstance(runs, tuple):
        return None
    sizes = [run[0] for run in runs if isinstance(run, tuple) for _ in range(_int(run[1]))]
    batches = np.array([_int(size) for size in sizes], dtype=np.int64)
    starts = np.concatenate(([0], np.cumsum(batches)[:-1]))
    sequence = np.arange(batches.max(initial=1))
    rows = np.where(sequence < batches[:, None], starts[:, None] + sequence, -1)
    return Layout(rows=rows)


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _time_first(call: Call, packing: Layout | None) -> Array:
    """What the input sees, [round, t, n, feature]."""
    x = call.inputs[0]
    if packing is not None:
        rows = np.broadcast_to(x, (len(x), call.op.inputs[0].shape[0], x.shape[2]))
        return np.where(packing.rows[..., None] < 0, NONE, rows[:, packing.rows])
    return x.swapaxes(1, 2) if call.flag("batch_first") else x


def _last(h: Array, packing: Layout | None) -> Array:
    """The states after the last step of each sequence, [round, n, 1]."""
    if packing is None:
        return h[:, -1]
    lengths = packing.lengths
    full = np.broadcast_to(h, (*h.shape[:2], len(lengths), 1))
    return full[:, lengths - 1, np.arange(len(lengths))]


def _laid_out(call: Call, h: Array, packing: Layout | None) -> Array:
    """The states as the output has them."""
    if packing is None:
        return h.swapaxes(1, 2) if call.flag("batch_first") else h
    full = np.broadcast_to(h, (len(h), *packing.rows.shape, 1))
    return full[:, packing.rows >= 0]


@means(*(f"torch.{cell}_cell" for cell in CELLS.split()))
def cell(call: Call) -> Writes:
    """Makes h' = f(x, h[, c]): one step, which adds a hop to what it takes in."""
    count = 1 + len(call.op.outputs)
    parts = [gathered(it, (it.ndim - 1,), call.charge(Charge.WIDENING)) for it in call.inputs[:count]]
    return [(output, joined(parts, call.charge(Charge.STEP))) for output in call.op.outputs]


@means("_pack_padded_sequence _pad_packed_sequence")
def packing(call: Call) -> Writes:
    """Steps of several sequences one after the other, or back: exact where none ends before the others."""
    x, output = call.inputs[0], call.op.outputs[0]
    is_packing = "_pack_padded" in call.op.name
    padded = (call.op.inputs[0] if is_packing else output).shape
    packed = (output if is_packing else call.op.inputs[0]).shape
    if packed[0] != padded[0] * padded[1]:
        axes = (1, 2) if is_packing else (1,)
        seen = gathered(x, axes, call.charge(Charge.MIXING))
        return [(output, seen[:, 0] if is_packing else seen[:, None])]
    if is_packing:
        x = x.swapaxes(1, 2) if call.flag("batch_first") else x
        x = np.broadcast_to(
            x, (len(x), *(padded[1::-1] if call.flag("batch_first") else padded[:2]), *x.shape[3:])
        )
        return [(output, x.reshape(len(x), packed[0], *x.shape[3:]))]
    steps = padded[1] if call.flag("batch_first") else padded[0]
    x = np.broadcast_to(x, (len(x), packed[0], *x.shape[2:])).reshape(len(x), steps, -1, *x.shape[2:])
    return [(output, x.swapaxes(1, 2) if call.flag("batch_first") else x)]
