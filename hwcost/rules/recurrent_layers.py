"""Recurrent layers and cells, caught whole, as the parts that they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

from hwcost.graph import Attribute, Loop, Op, Tensor, Tree, contiguous
from hwcost.rules.recurrent import CELLS
from hwcost.rules.recurrent_directions import (
    Direction,
    directions,
    dropped,
    has_dropout,
    mask,
    named,
    place,
    region,
    result,
    row,
    storage_of,
    stretches,
)
from hwcost.rules.registry import RULES
from hwcost.rules.work import present


@RULES.add(*(f"torch.{kind}" for kind in CELLS))
def recurrent_layers(op: Op) -> Tree[Op]:
    """y, h_n(, c_n) = layers of cells over x[T,N,I]; x[N,T,I] if batch first, packed x[sum of batches,I].

    amounts to   per layer and direction, in this order: the input product of all steps; the initial state;
                 a loop over time of one step (for packed sequences one loop per stretch of equal batch,
                 backwards in the reverse direction); the final state. A layer reads the layer before it,
                 both directions side by side, in training after dropout
    state        h and c are one storage each per layer and direction, which a step reads and then writes.
                 A step also writes h' to its place in y: nothing reads y back within the layer
    training     what the backward pass needs is kept for all steps: an LSTM's gates and c', a GRU's gates and
                 h w_n' + b_n. A step writes its gates where the input product was
    macs         per step and batch element of a layer: g * H * (I + R) (+ H * R with a projection to R),
                 with I = 2R above a bidirectional layer
    source       torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN
    """
    ops: list[Op | Loop[Op]] = []
    for direction in directions(op):
        if direction.layer and not direction.way and has_dropout(op):
            ops.append(_dropout(op, direction.layer - 1))
        ops.extend(_parts(direction))
    return tuple(ops)


@RULES.add(*(f"torch.{kind}_cell" for kind in CELLS))
def recurrent_cell(op: Op) -> Tree[Op]:
    """h'(, c') = one step of a recurrent layer, over x[N,I] and h[N,H] (and c).

    amounts to   the input product of one step and the step
    training     gates, and a GRU's h w_n' + b_n, are kept for the backward pass
    macs         g * H * (I + H) per batch element, as in a layer
    source       torch.nn.LSTMCell, torch.nn.GRUCell, torch.nn.RNNCell
    """
    kind = op.name.removeprefix("torch.").removesuffix("_cell")
    x, *rest = op.inputs
    states, weights = tuple(rest[: CELLS[kind].states]), rest[CELLS[kind].states :]
    w_ih, w_hh, *biases = weights
    b_ih, b_hh = biases or (None, None)
    shape = (*x.shape[:-1], w_ih.shape[0])
    results, kept = op.outputs[: len(states)], op.outputs[len(states) :]
    if kept:
        gates_x = region(kept[0], 0, shape)
        products = region(kept[0], prod(shape), states[0].shape)
        results = (*results, gates_x, *((products,) if kind == "gru" else ()))
    else:
        gates_x = contiguous(storage_of(op, "gates_x", prod(shape), x.dtype), shape)
    return (
        _input_product(op, kind, "", (x, w_ih, b_ih), gates_x),
        _step(op, kind, "", (gates_x, *states, w_hh, b_hh, None), results),
    )


def _dropout(op: Op, layer: int) -> Op:
    """Dropout of what a layer hands to the next."""
    attributes: dict[str, Attribute] = {"p": op.attributes["dropout"], "train": True}
    return Op(
        name="aten.native_dropout",
        module=op.module,
        inputs=(result(op, layer),),
        outputs=(dropped(op, layer), mask(op, layer)),
        attributes=attributes,
    )


def _parts(direction: Direction) -> Iterator[Op | Loop[Op]]:
    """The input product, the initial state, the steps and the final state of one direction."""
    op, kind, label = direction.op, direction.kind, direction.label
    w_ih, w_hh, b_ih, b_hh, w_hr = direction.weights
    gates = w_ih.shape[0] if w_ih is not None else 0
    gates_x = direction.gates
    if gates_x is None:
        storage = storage_of(op, f"{label}.gates_x", direction.positions * gates, direction.x.dtype)
        gates_x = contiguous(storage, (direction.positions, gates))
    yield _input_product(op, kind, label, (direction.x, w_ih, b_ih), gates_x)
    states = tuple(
        contiguous(storage_of(op, f"{label}.{name}", before.elements, before.dtype, "state"), before.shape)
        for name, before in zip("hc", direction.before, strict=False)
    )
    yield named(op, f"torch.{kind}.initial_state", label, direction.before, states)
    sign = -1 if direction.is_reverse else 1
    for start, batch, steps in stretches(direction):
        first = steps - 1 if direction.is_reverse else 0
        now = tuple(replace(state, shape=(batch, state.shape[-1])) for state in states)
        gates_now = place(gates_x, start, batch, first, sign)
        y = row(direction.y, direction.time, start, batch, first, sign)
        outputs = (y, *now)
        if direction.gates is not None and direction.cells is not None:
            outputs = (*outputs, gates_now, place(direction.cells, start, batch, first, sign))
        step = _step(op, kind, label, (gates_now, *now, w_hh, b_hh, w_hr), outputs)
        yield Loop(times=steps, body=(step,))
    yield named(op, f"torch.{kind}.final_state", label, states, direction.after)


def _input_product(op: Op, kind: str, label: str, inputs: tuple[Tensor | None, ...], gates_x: Tensor) -> Op:
    absent: dict[str, Attribute] = {"bias": None} if inputs[2] is None else {}
    return named(op, f"torch.{kind}.input_product", label, present(*inputs), (gates_x,), absent)


def _step(
    op: Op, kind: str, label: str, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]
) -> Op:
    """One step; inputs end with w_hh, b_hh, w_hr, of which the last two may be absent."""
    absent: dict[str, Attribute] = {}
    if inputs[-2] is None:
        absent["b_hh"] = None
    if inputs[-1] is None:
        absent["w_hr"] = None
    return named(op, f"torch.{kind}.step", label, present(*inputs), outputs, absent)
