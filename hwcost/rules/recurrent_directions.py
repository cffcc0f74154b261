"""The directions of recurrent layers: which part of its tensors each reads and writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

from hwcost.graph import Attribute, Op, Role, Storage, Tensor, contiguous
from hwcost.rules.recurrent import CELLS
from hwcost.rules.work import integer, number, require
from hwcost.training.reserve import KEPT_BLOCKS, Reserve

Runs = tuple[tuple[int, int], ...]
"""(batch, steps) for each stretch of steps of equal batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """One direction of one layer.

    kind: lstm, gru, rnn_tanh or rnn_relu. layer, way: which one. label: l0, l0_reverse, ... runs: in the
    order of time. time: which dimension of x and y is time, None where they are packed.
    x: what it reads. y: its columns of the layer's result. weights: w_ih, w_hh, b_ih, b_hh, w_hr.
    before, after: slices of h0 (and c0), and of h_n (and c_n).
    gates, cells: [positions, g*H] and [positions, H] that are kept for a backward pass, else None.
    """

    op: Op
    kind: str
    layer: int
    way: int
    label: str
    is_reverse: bool
    runs: Runs
    time: int | None
    x: Tensor
    y: Tensor
    weights: tuple[Tensor | None, ...]
    before: tuple[Tensor, ...]
    after: tuple[Tensor, ...]
    gates: Tensor | None = None
    cells: Tensor | None = None

    @property
    def positions(self) -> int:
        """Steps times batch."""
        return prod(self.x.shape[:-1])


def directions(op: Op) -> Iterator[Direction]:
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
        y = result(op, layer)
        for way in range(ways):
            index = layer * ways + way
            gates, cells = _kept(op, index)
            yield Direction(
                op=op,
                kind=kind,
                layer=layer,
                way=way,
                label=f"l{layer}_reverse" if way else f"l{layer}",
                is_reverse=bool(way),
                runs=runs,
                time=time,
                x=x,
                y=columns(y, way, ways),
                weights=_weights(op, weights[index * share : (index + 1) * share]),
                before=tuple(state_slice(state, index) for state in rest[:states]),
                after=tuple(state_slice(state, index) for state in op.outputs[1 : 1 + states]),
                gates=gates,
                cells=cells,
            )
        x = dropped(op, layer) if has_dropout(op) else y


def has_dropout(op: Op) -> bool:
    """Whether what a layer hands to the next passes dropout."""
    return number(op, "dropout", 0) > 0 and integer(op, "num_layers", 1) > 1


def reserve_of(op: Op) -> Reserve:
    """What a layer keeps for a backward pass, where there is one."""
    kind = op.name.removeprefix("torch.")
    hidden, width = op.inputs[CELLS[kind].states].shape[-1], op.inputs[1].shape[-1]
    return Reserve(
        kind=kind,
        positions=prod(op.inputs[0].shape[:-1]),
        hidden=hidden,
        width=width,
        layers=integer(op, "num_layers", 1),
        ways=2 if op.attributes.get("bidirectional") else 1,
        has_dropout=has_dropout(op),
    )


def _kept_storages(op: Op) -> tuple[Tensor, ...]:
    """The reserve, and the masks of dropout, of a layer in training."""
    return op.outputs[1 + CELLS[op.name.removeprefix("torch.")].states :]


def _kept(op: Op, index: int) -> tuple[Tensor | None, Tensor | None]:
    """Gates and cells of one direction in the reserve."""
    kept, reserve = _kept_storages(op), reserve_of(op)
    gates, cells = KEPT_BLOCKS[reserve.kind]
    if not kept or not gates:
        return None, None
    shapes = (reserve.positions, gates * reserve.hidden), (reserve.positions, cells * reserve.hidden)
    return region(kept[0], reserve.gates(index), shapes[0]), region(kept[0], reserve.cells(index), shapes[1])


def result(op: Op, layer: int) -> Tensor:
    """The result of a layer: that of the op, or what the next layer reads."""
    y, kept = op.outputs[0], _kept_storages(op)
    if layer == integer(op, "num_layers", 1) - 1:
        return y
    if kept:
        return region(kept[0], reserve_of(op).result(layer), y.shape)
    return contiguous(storage_of(op, f"l{layer}", prod(y.shape), y.dtype), y.shape)


def dropped(op: Op, layer: int) -> Tensor:
    """The result of a layer after dropout."""
    y, kept = op.outputs[0], _kept_storages(op)
    if kept:
        return region(kept[0], reserve_of(op).dropped(layer), y.shape)
    return contiguous(storage_of(op, f"l{layer}.dropped", prod(y.shape), y.dtype), y.shape)


def mask(op: Op, layer: int) -> Tensor:
    """Which elements of a layer's result dropout lets pass."""
    y, kept = op.outputs[0], _kept_storages(op)
    if kept:
        return region(kept[1], layer * prod(y.shape), y.shape)
    return contiguous(storage_of(op, f"l{layer}.mask", prod(y.shape), "bool"), y.shape)


def region(tensor: Tensor, start: int, shape: tuple[int, ...]) -> Tensor:
    """A row-major part of a storage that begins `start` elements into a tensor."""
    laid_out = contiguous(tensor.storage, shape)
    return replace(laid_out, offset=tensor.offset + start, advance=tensor.advance, dtype=tensor.dtype)


def columns(y: Tensor, way: int, ways: int) -> Tensor:
    """The columns of a layer's result that one direction makes."""
    width = y.shape[-1] // ways
    return replace(y, shape=(*y.shape[:-1], width), offset=y.offset + way * width * y.strides[-1])


def place(rows: Tensor, start: int, batch: int, step: int, move: int = 0) -> Tensor:
    """The [batch, width] of one step in rows [positions, width], of the run that begins at row `start`.

    move: by how many steps the rounds of a loop go on; 0 outside of any.
    """
    width = rows.shape[-1]
    return replace(
        rows,
        shape=(batch, width),
        offset=rows.offset + (start + step * batch) * width,
        advance=(*rows.advance, move * batch * width) if move else rows.advance,
    )


def row(y: Tensor, time: int | None, start: int, batch: int, step: int, move: int = 0) -> Tensor:
    """The same in a layer's result, whose dimension of time is `time`, None where it is packed."""
    if time is None:
        by_time, by_batch = batch * y.strides[0], y.strides[0]
        origin = start * y.strides[0]
    else:
        by_time, by_batch = y.strides[time], y.strides[1 - time]
        origin = 0
    return replace(
        y,
        shape=(batch, y.shape[-1]),
        strides=(by_batch, y.strides[-1]),
        offset=y.offset + origin + step * by_time,
        advance=(*y.advance, move * by_time) if move else y.advance,
    )


def stretches(direction: Direction) -> list[tuple[int, int, int]]:
    """(first row, batch, steps) of the stretches of equal batch, in the order in which they run."""
    found, start = [], 0
    for batch, steps in direction.runs:
        found.append((start, batch, steps))
        start += batch * steps
    return found[::-1] if direction.is_reverse else found


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


def state_slice(states: Tensor, index: int) -> Tensor:
    """The [N,H] of one layer and direction in the stacked states [layers * directions, N, H]."""
    return replace(
        states,
        shape=states.shape[1:],
        strides=states.strides[1:],
        offset=states.offset + index * states.strides[0],
    )


def storage_of(op: Op, name: str, elements: int, dtype: str, role: Role = "activation") -> Storage:
    """A storage that an expansion makes: its name is unique, since that of the op's result is."""
    return Storage(id=f"{op.outputs[0].storage.id}.{name}", elements=elements, dtype=dtype, role=role)


def named(
    op: Op,
    name: str,
    label: str,
    inputs: tuple[Tensor, ...],
    outputs: tuple[Tensor, ...],
    absent: dict[str, Attribute] | None = None,
) -> Op:
    """A part of an op, of one layer and direction."""
    attributes: dict[str, Attribute] = {"layer": label, **(absent or {})}
    return Op(name=name, module=op.module, inputs=inputs, outputs=outputs, attributes=attributes)
