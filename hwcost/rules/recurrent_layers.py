"""Recurrent layers and cells, caught whole, as the parts that they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

from hwcost.graph import Attribute, Loop, Op, Role, Storage, Tensor, Tree, contiguous
from hwcost.rules.recurrent import CELLS
from hwcost.rules.registry import RULES
from hwcost.rules.work import integer, present, require

Runs = tuple[tuple[int, int], ...]
"""(batch, steps) for each stretch of steps of equal batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """One direction of one layer.

    kind: lstm, gru, rnn_tanh or rnn_relu. label: l0, l0_reverse, ... runs: in the order of time.
    time: which dimension of x and y is time, None where they are packed.
    x: what it reads. y: its columns of the layer's result. weights: w_ih, w_hh, b_ih, b_hh, w_hr.
    before, after: slices of h0 (and c0), and of h_n (and c_n).
    """

    op: Op
    kind: str
    label: str
    is_reverse: bool
    runs: Runs
    time: int | None
    x: Tensor
    y: Tensor
    weights: tuple[Tensor | None, ...]
    before: tuple[Tensor, ...]
    after: tuple[Tensor, ...]


@RULES.add(*(f"torch.{kind}" for kind in CELLS))
def recurrent_layers(op: Op) -> Tree[Op]:
    """y, h_n(, c_n) = layers of cells over x[T,N,I]; x[N,T,I] if batch first, packed x[sum of batches,I].

    amounts to   per layer and direction, in this order: the input product of all steps; the initial state;
                 a loop over time of one step (for packed sequences one loop per stretch of equal batch,
                 backwards in the reverse direction); the final state. A layer reads the layer before it,
                 both directions side by side
    state        h and c are one storage each per layer and direction, which a step reads and then writes.
                 A step also writes h' to its place in y: nothing reads y back within the layer
    macs         per step and batch element of a layer: g * H * (I + R) (+ H * R with a projection to R),
                 with I = 2R above a bidirectional layer; dropout between layers is not counted
    source       torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN
    """
    ops: list[Op | Loop[Op]] = []
    for direction in _directions(op):
        ops.extend(_parts(direction))
    return tuple(ops)


@RULES.add(*(f"torch.{kind}_cell" for kind in CELLS))
def recurrent_cell(op: Op) -> Tree[Op]:
    """h'(, c') = one step of a recurrent layer, over x[N,I] and h[N,H] (and c).

    amounts to   the input product of one step and the step
    macs         g * H * (I + H) per batch element, as in a layer
    source       torch.nn.LSTMCell, torch.nn.GRUCell, torch.nn.RNNCell
    """
    kind = op.name.removeprefix("torch.").removesuffix("_cell")
    x, *rest = op.inputs
    states, weights = tuple(rest[: CELLS[kind].states]), rest[CELLS[kind].states :]
    w_ih, w_hh, *biases = weights
    b_ih, b_hh = biases or (None, None)
    shape = (*x.shape[:-1], w_ih.shape[0])
    gates_x = contiguous(_storage(op, "gates_x", prod(shape), x.dtype), shape)
    return (
        _input_product(op, kind, "", (x, w_ih, b_ih), gates_x),
        _step(op, kind, "", (gates_x, *states, w_hh, b_hh, None), op.outputs),
    )


def _directions(op: Op) -> Iterator[Direction]:
    """Each layer's directions, the lowest layer first."""
    kind = op.name.removeprefix("torch.")
    states = CELLS[kind].states
    x, *rest = op.inputs
    ways = 2 if op.attributes.get("bidirectional") else 1
    layers = integer(op, "num_layers", 1)
    weights = rest[states:]
    share = len(weights) // (layers * ways)
    require(share >= 2 and len(weights) == share * layers * ways, op, "a weight is missing")
    time = (1 if op.attributes.get("batch_first") else 0) if len(x.shape) > 2 else None
    runs = _runs(op, x, time)
    for layer in range(layers):
        y = op.outputs[0] if layer == layers - 1 else _between(op, layer)
        for way in range(ways):
            index = layer * ways + way
            width = y.shape[-1] // ways
            columns = replace(y, shape=(*y.shape[:-1], width), offset=y.offset + way * width * y.strides[-1])
            yield Direction(
                op=op,
                kind=kind,
                label=f"l{layer}_reverse" if way else f"l{layer}",
                is_reverse=bool(way),
                runs=runs,
                time=time,
                x=x,
                y=columns,
                weights=_weights(op, weights[index * share : (index + 1) * share]),
                before=tuple(_slice(state, index) for state in rest[:states]),
                after=tuple(_slice(state, index) for state in op.outputs[1 : 1 + states]),
            )
        x = y


def _parts(direction: Direction) -> Iterator[Op | Loop[Op]]:
    """The input product, the initial state, the steps and the final state of one direction."""
    op, kind, label = direction.op, direction.kind, direction.label
    w_ih, w_hh, b_ih, b_hh, w_hr = direction.weights
    gates = w_ih.shape[0] if w_ih is not None else 0
    positions = prod(direction.x.shape[:-1])
    storage = _storage(op, f"{label}.gates_x", positions * gates, direction.x.dtype)
    yield _input_product(op, kind, label, (direction.x, w_ih, b_ih), contiguous(storage, (positions, gates)))
    states = tuple(
        contiguous(_storage(op, f"{label}.{name}", before.elements, before.dtype, "state"), before.shape)
        for name, before in zip("hc", direction.before, strict=False)
    )
    yield _named(op, f"torch.{kind}.initial_state", label, direction.before, states)
    starts = [sum(batch * steps for batch, steps in direction.runs[:i]) for i in range(len(direction.runs))]
    runs = list(zip(starts, direction.runs, strict=True))
    for start, (batch, steps) in reversed(runs) if direction.is_reverse else runs:
        first = steps - 1 if direction.is_reverse else 0
        sign = -1 if direction.is_reverse else 1
        now = tuple(replace(state, shape=(batch, state.shape[-1])) for state in states)
        gates_x = contiguous(
            storage,
            (batch, gates),
            offset=(start + first * batch) * gates,
            advance=(sign * batch * gates,),
        )
        y = _row(direction, start, batch, first, sign)
        step = _step(op, kind, label, (gates_x, *now, w_hh, b_hh, w_hr), (y, *now))
        yield Loop(times=steps, body=(step,))
    yield _named(op, f"torch.{kind}.final_state", label, states, direction.after)


def _row(direction: Direction, start: int, batch: int, first: int, sign: int) -> Tensor:
    """The place in y of the first step that a loop runs, [batch, R]."""
    y = direction.y
    if direction.time is None:
        by_time, by_batch = batch * y.strides[0], y.strides[0]
        origin = start * y.strides[0]
    else:
        by_time, by_batch = y.strides[direction.time], y.strides[1 - direction.time]
        origin = 0
    return replace(
        y,
        shape=(batch, y.shape[-1]),
        strides=(by_batch, y.strides[-1]),
        offset=y.offset + origin + first * by_time,
        advance=(*y.advance, sign * by_time),
    )


def _runs(op: Op, x: Tensor, time: int | None) -> Runs:
    if time is not None:
        return ((x.shape[1 - time], x.shape[time]),)
    batch_sizes = op.attributes.get("batch_sizes")
    require(isinstance(batch_sizes, tuple), op, "packed data come with the batch size of each step")
    pairs = batch_sizes if isinstance(batch_sizes, tuple) else ()
    runs = tuple(_pair(pair) for pair in pairs)
    positions = sum(batch * steps for batch, steps in runs)
    require(positions == x.shape[0], op, f"the batch sizes sum to {positions} rows")
    return runs


def _pair(pair: Attribute) -> tuple[int, int]:
    match pair:
        case (int(batch), int(steps)):
            return batch, steps
    raise TypeError(f"{pair!r} is not (batch, steps)")


def _weights(op: Op, given: list[Tensor]) -> tuple[Tensor | None, ...]:
    """w_ih, w_hh, b_ih, b_hh, w_hr with None for what is absent."""
    w_ih, w_hh, *others = given
    b_ih, b_hh = (others[0], others[1]) if op.attributes.get("has_biases", True) else (None, None)
    w_hr = others[-1] if len(others) % 2 else None
    return w_ih, w_hh, b_ih, b_hh, w_hr


def _between(op: Op, layer: int) -> Tensor:
    """The result of a layer that another one reads."""
    y = op.outputs[0]
    return contiguous(_storage(op, f"l{layer}", prod(y.shape), y.dtype), y.shape)


def _slice(states: Tensor, index: int) -> Tensor:
    """The [N,H] of one layer and direction in the stacked states [layers * directions, N, H]."""
    return replace(
        states,
        shape=states.shape[1:],
        strides=states.strides[1:],
        offset=states.offset + index * states.strides[0],
    )


def _input_product(op: Op, kind: str, label: str, inputs: tuple[Tensor | None, ...], gates_x: Tensor) -> Op:
    absent: dict[str, Attribute] = {"bias": None} if inputs[2] is None else {}
    return _named(op, f"torch.{kind}.input_product", label, present(*inputs), (gates_x,), absent)


def _step(
    op: Op, kind: str, label: str, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]
) -> Op:
    """One step; inputs end with w_hh, b_hh, w_hr, of which the last two may be absent."""
    absent: dict[str, Attribute] = {}
    if inputs[-2] is None:
        absent["b_hh"] = None
    if inputs[-1] is None:
        absent["w_hr"] = None
    return _named(op, f"torch.{kind}.step", label, present(*inputs), outputs, absent)


def _named(
    op: Op,
    name: str,
    label: str,
    inputs: tuple[Tensor, ...],
    outputs: tuple[Tensor, ...],
    absent: dict[str, Attribute] | None = None,
) -> Op:
    attributes: dict[str, Attribute] = {"layer": label, **(absent or {})}
    return Op(name=name, module=op.module, inputs=inputs, outputs=outputs, attributes=attributes)


def _storage(op: Op, name: str, elements: int, dtype: str, role: Role = "activation") -> Storage:
    return Storage(id=f"{op.outputs[0].storage.id}.{name}", elements=elements, dtype=dtype, role=role)
