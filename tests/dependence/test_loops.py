"""Loops: many rounds at once give what one after the other gives."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.dependence import TimeAxis, sight
from hwcost.dependence.field import Field, Rounds, empty_field, one_by_one
from hwcost.dependence.loops import replay_loop
from hwcost.dependence.replay import State, replay_round
from hwcost.dependence.windows import inputs_at
from hwcost.graph import Loop, Op, Role, Storage, Tensor, Trace, contiguous

WIDTH = 3


def storage(name: str, elements: int = WIDTH, role: Role = "activation") -> Storage:
    return Storage(id=name, elements=elements, dtype="float32", role=role)


def step_of(
    name: str, times: int, *, slot: int = 0, backwards: bool = False, role: Role = "activation"
) -> Tensor:
    """Slice `slot` of a joined storage in the first round, the next one (or the one before) in the next."""
    first = times - 1 - slot if backwards else slot
    return contiguous(
        storage(name, (times + 1) * WIDTH, role),
        (WIDTH,),
        offset=first * WIDTH,
        advance=(-WIDTH if backwards else WIDTH,),
    )


def op(name: str, *inputs: Tensor, out: Tensor) -> Op:
    attributes = {"dim": 0, "dims": (0,), "shifts": (1,)}
    return Op(name=f"aten.{name}", inputs=inputs, outputs=(out,), attributes=attributes, is_pointwise=True)


@st.composite
def loops(draw: st.DrawFn) -> Loop[Op]:
    times = draw(st.sampled_from([1, 2, 3, 20, 61, 150]))
    still = {name: contiguous(storage(name), (WIDTH,)) for name in "abc"}
    entries = [
        *still.values(),
        step_of("x", times),
        step_of("x", times, backwards=True),
        step_of("out", times),
        step_of("z", times),
    ]
    exits = [*still.values(), step_of("out", times, slot=1), step_of("y", times)]
    body = [
        op(
            draw(st.sampled_from(["add", "mul", "flip", "cumsum", "roll", "copy_"])),
            draw(st.sampled_from(entries)),
            draw(st.sampled_from(entries)),
            out=draw(st.sampled_from(exits)),
        )
        for _ in range(draw(st.integers(1, 4)))
    ]
    return Loop(times=times, body=tuple(body), axis=draw(st.sampled_from(["time", "repeat"])))


def start(times: int) -> State:
    """An input of `times` steps, another whose times fall to and fro, and a state that has seen time 40."""
    steps = np.arange(times + 1).repeat(WIDTH)
    fields = {
        key: Field(sizes=it.shape, numbers=inputs_at(it)[None])
        for key, it in (("x", steps), ("z", steps * 7 % 11), ("a", np.array([40, 0, 41])))
    }
    return State(fields=fields)


@settings(max_examples=300, deadline=None)
@given(loops())
def test_many_rounds_are_as_one_after_the_other(loop: Loop[Op]) -> None:
    together, apart = start(loop.times), start(loop.times)
    replay_loop(loop, together)
    for index in range(loop.times):
        replay_round(loop.body, apart, Rounds(first=index), in_step=loop.axis == "time")
    for key in {*together.fields, *apart.fields}:
        elements = WIDTH if key in "abc" else (loop.times + 1) * WIDTH
        first, second = (
            np.broadcast_to(one_by_one(state.fields.get(key) or empty_field(elements)).numbers[0], elements)
            for state in (together, apart)
        )
        np.testing.assert_array_equal(first, second, err_msg=key)


def test_ten_thousand_rounds() -> None:
    times = 10_000
    state, temporary = contiguous(storage("h"), (WIDTH,)), contiguous(storage("t"), (WIDTH,))
    body = (
        op("add", step_of("x", times, role="input"), state, out=temporary),
        *(op("tanh", temporary, out=temporary) for _ in range(7)),
        op("cumsum", temporary, out=state),
        op("copy_", state, state, out=step_of("y", times, role="output")),
    )
    trace = Trace(
        model="loop", parameters=0, weight_bytes=0, dtype="float32", items=(Loop(times=times, body=body),)
    )
    (found,) = sight(trace, time={"x": TimeAxis(stride=WIDTH, size=times + 1)})
    at = found.over(TimeAxis(stride=WIDTH, size=times + 1))
    assert at.latest[:times].tolist() == list(range(times))
    assert at.hops[times - 1] == times  # each round is a step
