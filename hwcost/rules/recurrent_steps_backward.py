"""The steps of a recurrent layer's backward pass, against the order in which the layer ran."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

from hwcost.graph import Attribute, Loop, Op, Tensor, contiguous
from hwcost.rules.recurrent_directions import Direction, named, place, row, storage_of, stretches
from hwcost.rules.recurrent_gradients import GRADIENT_OPERANDS
from hwcost.rules.work import present


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The backward pass of one direction.

    dy: the gradient of its columns of the layer's result, None where nothing reads it. gates: [positions,
    g*H] of the gates' gradients; gates_h: the same behind a GRU's reset gate. dh: of each step, where the
    projection's gradient needs it. states: dh (and dc) as they go from step to step. weights: their
    gradients, as w_ih, w_hh, b_ih, b_hh, w_hr. before: gradients of h0 (and c0).
    """

    direction: Direction
    dy: Tensor | None
    gates: Tensor
    gates_h: Tensor
    dh: Tensor | None
    states: tuple[Tensor, ...]
    weights: tuple[Tensor | None, ...]
    before: tuple[Tensor | None, ...]


def steps_of(op: Op, run: Pass) -> Iterator[Op | Loop[Op]]:
    """Loops over time against the order of the forward pass; the first step of each stretch stands alone.

    What a step reads of the one before lies elsewhere there: in another stretch, or in h0 (and c0).
    """
    direction = run.direction
    move = 1 if direction.is_reverse else -1
    order = stretches(direction)
    needs_before = any(tensor is not None for tensor in run.before)
    for number in range(len(order) - 1, -1, -1):
        start, batch, steps = order[number]
        last, first = (0, steps - 1) if direction.is_reverse else (steps - 1, 0)
        if steps > 1:
            before = (start, batch, last + move)
            body = _step_of(op, run, (start, batch, last), before, move, is_needed=True)
            yield Loop(times=steps - 1, body=(body,))
        before_it = None
        if number:
            other, size, length = order[number - 1]
            before_it = (other, min(batch, size), 0 if direction.is_reverse else length - 1)
        is_needed = bool(number) or needs_before
        yield _step_of(op, run, (start, batch, first), before_it, 0, is_needed=is_needed)


def _step_of(
    op: Op,
    run: Pass,
    now: tuple[int, int, int],
    before: tuple[int, int, int] | None,
    move: int,
    *,
    is_needed: bool,
) -> Op:
    """One step. now: first row of its stretch, batch, step; before: of the step before, None for h0."""
    direction = run.direction
    batch = now[1]
    states = tuple(replace(state, shape=(batch, state.shape[-1])) for state in run.states)
    found: dict[str, Tensor | None] = dict(zip(("dh", "dc"), states, strict=False))
    if run.dy is not None:
        found["gradient"] = row(run.dy, direction.time, *now, move)
    found["h"] = row(direction.y, direction.time, *now, move)
    if direction.gates is not None and direction.cells is not None:
        found["gates"] = place(direction.gates, *now, move)
        found["c"] = found["products"] = place(direction.cells, *now, move)
    found["h_before"], found["c_before"] = _before(direction, before, move)
    found["w_hh"] = direction.weights[1] if is_needed else None
    found["w_hr"] = direction.weights[4]
    gates = place(run.gates, *now, move)
    gates_h = (place(run.gates_h, *now, move),) if direction.kind == "gru" else ()
    every = () if run.dh is None else (place(run.dh, *now, move),)
    outputs = (gates, *gates_h, *(states if is_needed else ()), *every)
    return step_backward(op, direction.kind, direction.label, found, outputs)


def _before(
    direction: Direction, before: tuple[int, int, int] | None, move: int
) -> tuple[Tensor, Tensor | None]:
    """What h and c are before a step: places in y and the cells kept, or h0 and c0."""
    if before is None:
        return direction.before[0], direction.before[-1]
    cells = None if direction.cells is None else place(direction.cells, *before, move)
    return row(direction.y, direction.time, *before, move), cells


def step_backward(
    op: Op, kind: str, label: str, found: dict[str, Tensor | None], outputs: tuple[Tensor, ...]
) -> Op:
    """The op of one step: of what it may read (`GRADIENT_OPERANDS`), that which is there."""
    names = GRADIENT_OPERANDS[kind]
    absent: dict[str, Attribute] = {name: None for name in names if found.get(name) is None}
    inputs = present(*(found.get(name) for name in names))
    return named(op, f"torch.{kind}.step_backward", label, inputs, outputs, absent)


def gates_of(op: Op, kind: str, label: str, shape: tuple[int, ...], dtype: str) -> tuple[Tensor, Tensor]:
    """Where the gates' gradients go; a GRU's are others behind its reset gate."""
    prefix = f"{label}." if label else ""
    gates = contiguous(storage_of(op, f"{prefix}d_gates", prod(shape), dtype), shape)
    if kind != "gru":
        return gates, gates
    return gates, contiguous(storage_of(op, f"{prefix}d_gates_h", prod(shape), dtype), shape)
