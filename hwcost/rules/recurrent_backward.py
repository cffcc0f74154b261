"""Backward passes of recurrent layers and cells, caught whole, as the parts that they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

from hwcost.graph import Loop, Op, Tensor, Tree, contiguous
from hwcost.rules.recurrent import CELLS
from hwcost.rules.recurrent_directions import (
    Direction,
    columns,
    directions,
    has_dropout,
    mask,
    named,
    region,
    state_slice,
    storage_of,
)
from hwcost.rules.recurrent_steps_backward import Pass, gates_of, step_backward, steps_of
from hwcost.rules.registry import RULES
from hwcost.rules.work import integer, present, require

SUFFIX = "_backward"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backward:
    """A backward op taken apart.

    forward: the op that it belongs to. given: the gradient of each of its results, None where nothing reads
    it. wanted: the gradient of each of its inputs, None where none is asked for.
    """

    op: Op
    forward: Op
    given: tuple[Tensor | None, ...]
    wanted: tuple[Tensor | None, ...]

    @property
    def kind(self) -> str:
        return self.forward.name.removeprefix("torch.").removesuffix("_cell")

    @property
    def states(self) -> int:
        return CELLS[self.kind].states

    @property
    def ways(self) -> int:
        return 2 if self.forward.attributes.get("bidirectional") else 1

    def weights(self, index: int) -> tuple[Tensor | None, ...]:
        """The gradients of the weights of one layer and direction."""
        every = self.wanted[1 + self.states :]
        share = len(every) // (self.ways * integer(self.forward, "num_layers", 1))
        return every[index * share : (index + 1) * share]


@RULES.add(*(f"torch.{kind}{SUFFIX}" for kind in CELLS))
def recurrent_layers_backward(op: Op) -> Tree[Op]:
    """Gradients of recurrent layers for x, h0 (and c0) and each weight, those that are asked for.

    amounts to   from the last layer to the first, per direction: a loop over time, backwards, of one step
                 (gradients of the gates, then dh through w_hh), then over all steps at once the gradients of
                 w_hh, w_ih and the biases, and that of x where it, or a layer below, needs one
    macs         2 * the forward pass's, but for the first layer's dx where x needs no gradient, the first
                 step's dh where h0 needs none, and those of frozen weights
    source       torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN; Appleyard et al. 2016, arXiv:1604.01946
    """
    backward = _taken_apart(op)
    forward = backward.forward
    ways, every = backward.ways, list(directions(forward))
    ops: list[Op | Loop[Op]] = []
    dy = backward.given[0]
    for layer in range(len(every) // ways - 1, -1, -1):
        if not _is_reached(backward, layer + 1):
            break
        dx = _gradient_of_input(backward, layer, every[layer * ways].x)
        for way in range(ways - 1, -1, -1):
            direction = every[layer * ways + way]
            ops.extend(_parts(backward, direction, dy, dx, is_first=way == ways - 1))
        if layer and dx is not None and has_dropout(forward):
            dy = _storage(op, f"l{layer - 1}.dy", dx)
            name = "aten.native_dropout_backward"
            ops.append(named(op, name, f"l{layer - 1}", (dx, mask(forward, layer - 1)), (dy,)))
        else:
            dy = dx
    return tuple(ops)


@RULES.add(*(f"torch.{kind}_cell{SUFFIX}" for kind in CELLS))
def recurrent_cell_backward(op: Op) -> Tree[Op]:
    """Gradients of one call of a cell for x, h (and c) and each weight, those that are asked for.

    amounts to   the backward pass of one step, then the gradients of w_hh, w_ih, the biases and x
    macs         2 * g * H * (I + H) per batch element, less what nothing asks for
    source       torch.nn.LSTMCell, torch.nn.GRUCell, torch.nn.RNNCell
    """
    backward = _taken_apart(op)
    forward, kind = backward.forward, backward.kind
    x, *rest = forward.inputs
    states, weights = tuple(rest[: backward.states]), rest[backward.states :]
    dx, *wanted = backward.wanted
    dstates, dweights = tuple(wanted[: backward.states]), _five(wanted[backward.states :])
    shape = (*x.shape[:-1], weights[0].shape[0])
    gates, gates_h = gates_of(op, kind, "", shape, x.dtype)
    kept = forward.outputs[backward.states :]
    found = dict(zip(("h", "c"), forward.outputs, strict=False))
    if kept:
        found["gates"] = region(kept[0], 0, shape)
        found["products"] = region(kept[0], prod(shape), states[0].shape)
    found |= zip(("h_before", "c_before"), states, strict=False)
    given = dict(zip(("dh", "dc"), backward.given, strict=False))
    needs_state = dstates[0] is not None
    inputs = found | given | {"w_hh": weights[1] if needs_state else None}
    outputs = (gates, *((gates_h,) if kind == "gru" else ()), *present(*dstates))
    step = step_backward(op, kind, "", inputs, outputs)
    sums = _sums(op, kind, "", (gates, gates_h), x, (states[0],), dweights)
    if dx is None:
        return (step, *sums)
    return (step, *sums, named(op, f"torch.{kind}.input_gradient", "", (gates, weights[0]), (dx,)))


def _taken_apart(op: Op) -> Backward:
    """The parts of a backward op, whose inputs are gradients, the forward op's inputs, and what it kept."""
    name = op.name.removesuffix(SUFFIX)
    states = CELLS[name.removeprefix("torch.").removesuffix("_cell")].states
    given_flags, needs = op.attributes["given"], op.attributes["needs"]
    require(isinstance(given_flags, tuple) and isinstance(needs, tuple), op, "no gradients are named")
    flags = given_flags if isinstance(given_flags, tuple) else ()
    asked = needs if isinstance(needs, tuple) else ()
    left = iter(op.inputs)
    given = tuple(next(left) if flag else None for flag in flags)
    inputs = tuple(next(left) for _ in asked)
    kept = tuple(left)
    made = iter(op.outputs)
    wanted = tuple(next(made) if flag else None for flag in asked)
    results = kept if name.endswith("_cell") else (kept[0], *inputs[1 : 1 + states], *kept[1:])
    forward = replace(op, name=name, inputs=inputs, outputs=results)
    return Backward(op=op, forward=forward, given=given, wanted=wanted)


def _is_reached(backward: Backward, layers: int) -> bool:
    """Whether x, a state, or a weight of the first layers asks for a gradient."""
    weights = [backward.weights(index) for index in range(layers * backward.ways)]
    own = backward.wanted[: 1 + backward.states]
    return any(tensor is not None for tensors in (own, *weights) for tensor in tensors)


def _gradient_of_input(backward: Backward, layer: int, x: Tensor) -> Tensor | None:
    """Where the gradient of what a layer reads goes; None where nothing asks for it."""
    if not layer:
        return backward.wanted[0]
    return _storage(backward.op, f"l{layer}.dx", x) if _is_reached(backward, layer) else None


def _parts(
    backward: Backward, direction: Direction, dy: Tensor | None, dx: Tensor | None, *, is_first: bool
) -> Iterator[Op | Loop[Op]]:
    """The steps of one direction, and the sums over them."""
    op, kind, label = backward.op, direction.kind, direction.label
    run = _pass(backward, direction, dy)
    given = present(*(_of(state, direction) for state in backward.given[1:]))
    yield named(op, f"torch.{kind}.last_gradient", label, given, run.states)
    yield from steps_of(op, run)
    if any(tensor is not None for tensor in run.before):
        ends = [pair for pair in zip(run.states, run.before, strict=True) if pair[1] is not None]
        before = present(*(end for _, end in ends))
        yield named(op, f"torch.{kind}.first_gradient", label, tuple(state for state, _ in ends), before)
    gates = (run.gates, run.gates_h)
    yield from _sums(op, kind, label, gates, direction.x, (direction.y, direction.before[0]), run.weights)
    if run.dh is not None and direction.gates is not None and direction.cells is not None:
        inputs = (run.dh, direction.gates, direction.cells)
        yield named(op, f"torch.{kind}.projection_gradient", label, inputs, present(run.weights[4]))
    if dx is not None:
        added = () if is_first else (dx,)
        inputs = (run.gates, *present(direction.weights[0]), *added)
        yield named(op, f"torch.{kind}.input_gradient", label, inputs, (dx,))


def _pass(backward: Backward, direction: Direction, dy: Tensor | None) -> Pass:
    op, kind, label = backward.op, direction.kind, direction.label
    ways, w_ih = backward.ways, direction.weights[0]
    shape = (direction.positions, w_ih.shape[0] if w_ih is not None else 0)
    gates, gates_h = gates_of(op, kind, label, shape, direction.x.dtype)
    index = direction.layer * ways + direction.way
    states = tuple(
        contiguous(storage_of(op, f"{label}.d{name}", part.elements, part.dtype, "state"), part.shape)
        for name, part in zip("hc", direction.before, strict=False)
    )
    has_biases = bool(backward.forward.attributes.get("has_biases", True))
    dweights = _five(backward.weights(index), has_biases=has_biases)
    dh = None
    if dweights[4] is not None:
        width = direction.y.shape[-1]
        storage = storage_of(op, f"{label}.dh_all", direction.positions * width, direction.x.dtype)
        dh = contiguous(storage, (direction.positions, width))
    return Pass(
        direction=direction,
        dy=None if dy is None else columns(dy, direction.way, ways),
        gates=gates,
        gates_h=gates_h,
        dh=dh,
        states=states,
        weights=dweights,
        before=tuple(_of(state, direction) for state in backward.wanted[1 : 1 + backward.states]),
    )


def _sums(
    op: Op,
    kind: str,
    label: str,
    gates: tuple[Tensor, Tensor],
    x: Tensor,
    h: tuple[Tensor, ...],
    weights: tuple[Tensor | None, ...],
) -> Iterator[Op]:
    """The gradients of w_hh, w_ih and the biases; gates: of the input's part and of the state's."""
    dw_ih, dw_hh, db_ih, db_hh, _ = weights
    of_x, of_h = gates
    if dw_hh is not None:
        yield named(op, f"torch.{kind}.state_weight_gradient", label, (of_h, *h), (dw_hh,))
    if dw_ih is not None:
        yield named(op, f"torch.{kind}.input_weight_gradient", label, (of_x, x), (dw_ih,))
    if of_x == of_h:
        biases = [(of_x, present(db_ih, db_hh))]
    else:
        biases = [(of_x, present(db_ih)), (of_h, present(db_hh))]
    for source, made in biases:
        if made:
            yield named(op, f"torch.{kind}.bias_gradient", label, (source,), made)


def _storage(op: Op, name: str, like: Tensor) -> Tensor:
    return contiguous(storage_of(op, name, like.elements, like.dtype), like.shape)


def _five(given: Sequence[Tensor | None], *, has_biases: bool = True) -> tuple[Tensor | None, ...]:
    """Gradients of w_ih, w_hh, b_ih, b_hh, w_hr, from those of the weights that are there."""
    w_ih, w_hh, *others = given
    w_hr = others.pop() if len(others) % 2 else None
    b_ih, b_hh = (others[0], others[1]) if has_biases and len(others) > 1 else (None, None)
    return w_ih, w_hh, b_ih, b_hh, w_hr


def _of(states: Tensor | None, direction: Direction) -> Tensor | None:
    """The slice of one layer and direction in the gradient of stacked states."""
    if states is None:
        return None
    ways = 2 if direction.op.attributes.get("bidirectional") else 1
    return state_slice(states, direction.layer * ways + direction.way)
