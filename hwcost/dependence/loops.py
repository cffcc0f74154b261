"""Loops: many rounds at once, by guessing what is carried and proving the guess.

What a round reads of the one before it mostly grows by the same amount every round. So two rounds are
followed one by one, what they carry is extended over many more, and all of these are replayed in one
go from the guess. Where what a round hands on equals what the guess gave to the next one, the guess was
right, by induction from the first of them; rounds from the first wrong one on are followed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import cast

import numpy as np

from hwcost.dependence.field import (
    Field,
    ManyRoundsError,
    Rounds,
    advance_of,
    empty_field,
    one_by_one,
    write,
)
from hwcost.dependence.reading import read
from hwcost.dependence.recast import is_plain
from hwcost.dependence.replay import Fields, State, at_round, extent, replay, replay_round
from hwcost.dependence.windows import Array, nothing
from hwcost.graph import Loop, Op, Tensor

FIRST_CHUNK = 32
GROWTH = 4
"""Rounds that are guessed at once: few at first, more after each success."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a body hands from round to round: whole storages by id, and outputs that advance."""

    whole: tuple[str, ...]
    slices: tuple[Tensor, ...]


def replay_loop(loop: Loop[Op], state: State) -> None:
    """Follow a loop; each round of one along time is a step."""
    in_step = loop.axis == "time"
    if any(isinstance(item, Loop) for item in loop.body):
        for index in range(loop.times):
            replay(at_round(loop.body, index), state)
        return
    body = cast("tuple[Op, ...]", loop.body)
    carried = _carried(body)
    done, chunk = 0, FIRST_CHUNK
    while done < loop.times:
        before = state.fields
        for _ in range(min(2, loop.times - done)):
            before, state.fields = state.fields, dict(state.fields)
            replay_round(body, state, Rounds(first=done), in_step=in_step)
            done += 1
        rounds = Rounds(first=done, count=min(chunk, loop.times - done))
        if carried is not None and rounds.count > 1:
            proven = _attempt(body, carried, state, before, rounds, in_step=in_step)
            done += proven
            chunk = chunk * GROWTH if proven == rounds.count else FIRST_CHUNK


def _carried(body: tuple[Op, ...]) -> Carried | None:
    """What is handed on; None where reads and writes of one storage overlap in other ways than by rounds."""
    tensors = [tensor for op in body for tensor in (*op.inputs, *op.outputs)]
    if not all(map(is_plain, tensors)):
        return None
    outputs = [(place, tensor) for place, op in enumerate(body) for tensor in op.outputs]
    moving = {tensor.storage.id for _, tensor in outputs if advance_of(tensor)}
    still = {tensor.storage.id for _, tensor in outputs if not advance_of(tensor)}
    if moving & still:
        return None
    slices: dict[Tensor, None] = {}
    for place, op in enumerate(body):
        for tensor in op.inputs:
            writers = [it for it in outputs if it[1].storage.id == tensor.storage.id and advance_of(it[1])]
            if len(writers) > 1 or not all(_is_past(tensor, place, *it) for it in writers):
                return None
            slices |= {written: None for _, written in writers}
    return Carried(whole=_read_before_written(body, still), slices=tuple(slices))


def _read_before_written(body: tuple[Op, ...], still: set[str]) -> tuple[str, ...]:
    """Storages in which a round finds what the one before has left."""
    found: dict[str, None] = {}
    renewed: set[str] = set()
    for op in body:
        found |= {it.storage.id: None for it in op.inputs if it.storage.id in still - renewed}
        for tensor in op.outputs:
            if tensor.elements >= tensor.storage.elements:
                renewed.add(tensor.storage.id)
            elif tensor.storage.id in still - renewed:
                found[tensor.storage.id] = None
    return tuple(found)


def _is_past(tensor: Tensor, place: int, writing: int, written: Tensor) -> bool:
    """Whether what the call at `place` reads is not written by a later call or round."""
    step = advance_of(written)
    if advance_of(tensor) != step:
        return False
    (low, high), (first, last) = extent(tensor), extent(written)
    later = step if place > writing else 0
    return high < first + later if step > 0 else low > last + later


def _attempt(
    body: tuple[Op, ...], carried: Carried, state: State, before: Fields, rounds: Rounds, *, in_step: bool
) -> int:
    """Guess rounds from the two before them, prove as many as can be, and keep these; how many."""
    try:
        guess = _guess(carried, state.fields, before, rounds)
        if guess is None:
            return 0
        trial = State(fields=dict(guess), assumed=state.assumed)
        replay_round(body, trial, rounds, in_step=in_step)
        proven = _proven(carried, guess, trial.fields, rounds)
        if proven < rounds.count:
            rounds = Rounds(first=rounds.first, count=proven)
            trial.fields = _guess(carried, state.fields, before, rounds) or {}
            replay_round(body, trial, rounds, in_step=in_step)
    except ManyRoundsError:
        return 0
    state.fields = {
        key: Field(sizes=it.sizes, numbers=it.numbers[-1:]) if len(it.numbers) > 1 else it
        for key, it in trial.fields.items()
    }
    return rounds.count


def _guess(carried: Carried, now: Fields, before: Fields, rounds: Rounds) -> Fields | None:
    """The fields from which each round starts, if what is carried goes on growing as in the last one."""
    result = dict(now)
    ahead = np.arange(rounds.count)
    for key in carried.whole:
        if key not in now and key not in before:
            continue
        if key not in now or key not in before or now[key].sizes != before[key].sizes:
            return None
        numbers = now[key].numbers
        result[key] = Field(sizes=now[key].sizes, numbers=_extended(numbers, before[key].numbers, ahead))
    for tensor in carried.slices:
        found = now.get(tensor.storage.id)
        if found is not None:
            last, last_but_one = (read(found, tensor, Rounds(first=rounds.first - back)) for back in (1, 2))
            grown = _extended(last, last_but_one, ahead + 1)
            result[tensor.storage.id] = write(result[tensor.storage.id], tensor, grown, rounds)
    return result


def _extended(now: Array, before: Array, ahead: Array) -> Array:
    """What grows by as much as from `before` to `now` in every round, so many rounds ahead."""
    return now + ahead.reshape(-1, *(1,) * (now.ndim - 1)) * (now - before)


def _proven(carried: Carried, guess: Fields, after: Fields, rounds: Rounds) -> int:
    """Rounds up to the first one that starts from a wrong guess."""
    proven = rounds.count
    for key in carried.whole:
        if key in after:
            start, end = _alike(guess.get(key), after[key], rounds.count)
            proven = min(proven, _agreeing(start[1:], end[:-1]) + 1)
    for tensor in carried.slices:
        key = tensor.storage.id
        if key in after:
            found = read(after[key], tensor, rounds)
            supposed = read(guess[key], tensor, rounds) if key in guess else nothing(len(tensor.shape))
            proven = min(proven, _agreeing(supposed, found) + 1)
    return proven


def _alike(start: Field | None, end: Field, count: int) -> tuple[Array, Array]:
    """The numbers of two fields of one storage, round by round, with the same axes."""
    start = start or empty_field(prod(end.sizes))
    if start.sizes != end.sizes:
        start, end = one_by_one(start), one_by_one(end)
    shapes = [(count, *it.numbers.shape[1:]) for it in (start, end)]
    first, second = (
        np.broadcast_to(it.numbers, shape) for it, shape in zip((start, end), shapes, strict=True)
    )
    return first, second


def _agreeing(supposed: Array, found: Array) -> int:
    """How many rounds agree before the first that does not."""
    same = (supposed == found).reshape(max(len(supposed), len(found)), -1).all(1)
    return len(same) if same.all() else int(same.argmin())
