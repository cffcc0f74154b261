"""Replays a trace: op by op, from what the inputs of each see to what its outputs see."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hwcost.dependence.call import Call, Writes, meaning_of, to_all
from hwcost.dependence.field import ONCE, Field, Rounds
from hwcost.dependence.pointwise import pointwise
from hwcost.dependence.recast import in_units, read_view, write_view
from hwcost.dependence.windows import Array, Charge, gathered, is_constant, joined, nothing, stepped
from hwcost.graph import Loop, Op, Tensor, Tree

PRODUCTS = {"aten.mm": 0, "aten.bmm": 0, "aten.linear": 0, "aten.addmm": 1, "aten.baddbmm": 1}
FOLDED = PRODUCTS | {f"torch.{cell}": 0 for cell in ("lstm", "gru", "rnn_tanh", "rnn_relu")}
"""By name of the op, the input of which the last dimension is summed over."""

Fields = dict[str, Field]
"""What the elements of each storage see, by its id; storages that no input has reached may be missing."""


@dataclass(slots=True)
class State:
    """What a replay knows so far. assumed: names of ops whose meaning it does not know."""

    fields: Fields = field(default_factory=dict)
    assumed: dict[str, None] = field(default_factory=dict)


def replay(items: Tree[Op], state: State) -> None:
    """Follow ops and loops in order."""
    from hwcost.dependence.loops import replay_loop

    for item in items:
        if isinstance(item, Loop):
            replay_loop(item, state)
        else:
            run(item, state)


def replay_round(body: tuple[Op, ...], state: State, rounds: Rounds = ONCE, *, in_step: bool) -> None:
    """One round of a loop, or several that do not wait for each other.

    in_step: what the round reads but has not made itself is one step further away.
    """
    made: dict[str, list[tuple[int, int]]] = {}
    for op in body:
        run(op, state, rounds, made if in_step else None)
        for tensor in op.outputs:
            made.setdefault(tensor.storage.id, []).append(extent(tensor))


def run(
    op: Op, state: State, rounds: Rounds = ONCE, made: dict[str, list[tuple[int, int]]] | None = None
) -> None:
    """Follow one op. made: what this round of a loop along time has made so far, by storage."""
    if op.is_view:
        return
    folded = _folded(op, state)
    inputs = tuple(
        _seen(tensor, state, rounds, made, is_set=place == folded) for place, tensor in enumerate(op.inputs)
    )
    call = Call(op=op, inputs=inputs, in_step=made is not None, in_loop=rounds is not ONCE)
    if all(map(is_constant, inputs)) and not _makes_zeros(op):
        writes: Writes = [(output, nothing(len(output.shape))) for output in op.outputs]
    else:
        writes = _meant(call, state)
    for tensor, numbers in writes:
        if tensor.storage.id in state.fields or not is_constant(numbers):
            before = state.fields.get(tensor.storage.id)
            state.fields[tensor.storage.id] = write_view(before, tensor, numbers, rounds)


def _folded(op: Op, state: State) -> int:
    """The input of which an op takes the features of a position together, or -1.

    A product with a weight and a recurrent layer do, and thousands of features that are one of two kinds
    (of a layer that reads both ways) are then two numbers.
    """
    place = FOLDED.get(op.name, -1)
    if op.name in PRODUCTS and op.inputs[place + 1].storage.id in state.fields:
        return -1
    return place


def _makes_zeros(op: Op) -> bool:
    """Whether an op may make zeros of constants that a later product must know of."""
    return "band" in op.attributes or op.name.startswith(("aten.tril", "aten.triu"))


def _meant(call: Call, state: State) -> Writes:
    meaning = meaning_of(call.op.name)
    if meaning is not None:
        return meaning(call)
    if call.op.is_pointwise:
        return pointwise(call)
    state.assumed[call.op.name] = None
    return unknown(call)


def unknown(call: Call) -> Writes:
    """An op of which nothing is known: each element of its outputs depends on all of its inputs."""
    flat = [
        gathered(numbers, range(1, numbers.ndim), call.charge(Charge.MIXING)).reshape(len(numbers))
        for numbers in call.inputs
    ]
    return to_all(call, joined(flat, call.charge(Charge.WIDENING)))


def _seen(
    tensor: Tensor,
    state: State,
    rounds: Rounds,
    made: dict[str, list[tuple[int, int]]] | None,
    *,
    is_set: bool,
) -> Array:
    found = state.fields.get(tensor.storage.id)
    if found is None:
        return nothing(len(tensor.shape))
    numbers = read_view(found, tensor, rounds, is_set=is_set)
    if made is None or _is_within(extent(tensor), made.get(tensor.storage.id, ())):
        return numbers
    return stepped(numbers)


def extent(tensor: Tensor) -> tuple[int, int]:
    """The first and the last position of a storage that a view touches in the first round."""
    tensor = in_units(tensor)
    ends = [stride * (size - 1) for size, stride in zip(tensor.shape, tensor.strides, strict=True)]
    return (
        tensor.offset + sum(end for end in ends if end < 0),
        tensor.offset + sum(end for end in ends if end > 0),
    )


def _is_within(inner: tuple[int, int], outer: list[tuple[int, int]] | tuple[()]) -> bool:
    return any(first <= inner[0] and inner[1] <= last for first, last in outer)


def at_round(items: Tree[Op], index: int) -> Tree[Op]:
    """The body of a loop as it is in one of its rounds."""

    def moved(tensor: Tensor) -> Tensor:
        if not tensor.advance:
            return tensor
        offset = tensor.offset + index * tensor.advance[0]
        return replace(tensor, offset=offset, advance=tensor.advance[1:])

    def op(item: Op) -> Op:
        return replace(item, inputs=tuple(map(moved, item.inputs)), outputs=tuple(map(moved, item.outputs)))

    return tuple(
        replace(item, body=at_round(item.body, index)) if isinstance(item, Loop) else op(item)
        for item in items
    )
