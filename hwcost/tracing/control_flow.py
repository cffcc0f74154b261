"""Operators for control flow: their functions are called round by round, as they would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

Truth = Callable[[Any], bool]
"""Whether a condition holds."""

NAMES = frozenset({"cond", "while_loop", "scan", "map_impl"})


def followed(name: str, args: tuple[Any, ...], is_true: Truth) -> Any:
    """What one of the operators NAMES returns for its arguments."""
    if name == "cond":
        condition, when_true, when_false, operands = args
        return (when_true if is_true(condition) else when_false)(*operands)
    if name == "while_loop":
        return _while(*args, is_true=is_true)
    return _scan(*args) if name == "scan" else _map(*args)


def _while(
    condition: Any, body: Any, state: Sequence[Any], more: Sequence[Any] = (), *, is_true: Truth
) -> tuple[Any, ...]:
    state = tuple(state)
    while is_true(condition(*state, *more)):
        state = tuple(body(*state, *more))
    return state


def _scan(body: Any, first: Sequence[Any], xs: Sequence[Any], more: Sequence[Any] = ()) -> list[Any]:
    """(*state, *results of each step) = body(*state, *x[t], *more), along the first dimension."""
    state, steps = list(first), []
    for t in range(xs[0].shape[0]):
        made = list(body(*state, *(x[t] for x in xs), *more))
        state = made[: len(state)]
        steps.append(made[len(state) :])
    return [*state, *(torch.stack(parts) for parts in zip(*steps, strict=True))]


def _map(body: Any, xs: Sequence[Any], more: Sequence[Any] = ()) -> list[Any]:
    """body(*x[t], *more) of each t, along the first dimension."""
    made = [body(*(x[t] for x in xs), *more) for t in range(xs[0].shape[0])]
    return [torch.stack(parts) for parts in zip(*made, strict=True)]
