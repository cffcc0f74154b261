"""Recurrent layers, cells and attention written out in plain products, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from hwcost.audit.forward import GROUPED
from hwcost.audit.result import Family

State = tuple[Tensor, ...]
Step = Callable[[Tensor, State, list[Tensor]], State]
"""One step of a cell: (x, states, weights) -> states, of which the first is its output."""


class Apart(TorchFunctionMode):
    """Runs recurrent layers, cells and attention as the plain products that they stand for.

    family: the family of what is being taken apart at the moment, else None.
    """

    def __init__(self) -> None:
        super().__init__()
        self.family: Family | None = None

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = PARTS.get(func)
        if found is None:
            return func(*args, **(kwargs or {}))
        self.family, written_out = found
        try:
            return written_out(*args, **(kwargs or {}))
        finally:
            self.family = None


def _attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(q k') v, every query with every key; with grouped queries, each key head repeated."""
    del attn_mask, dropout_p, is_causal, scale
    if enable_gqa:
        k, v = (x.repeat_interleave(q.shape[-3] // x.shape[-3], dim=-3) for x in (k, v))
    return torch.matmul(torch.softmax(torch.matmul(q, k.transpose(-2, -1)), dim=-1), v)


def _grouped(a: Tensor, b: Tensor, *_rest: Any, **_options: Any) -> Tensor:
    """Rows in groups, a matrix for each: every row meets one matrix, whichever that is.

    [rows, k] by [groups, k, n]; [groups, m, k] by [groups, k, n]; [groups, m, k] by grouped columns [k, n].
    """
    if a.dim() == b.dim():
        return torch.bmm(a, b) if a.dim() > 2 else torch.mm(a, b)
    return torch.mm(a, b[0]) if a.dim() == 2 else torch.mm(a[0], b)


def _linear(x: Tensor, weights: list[Tensor], first: int) -> Tensor:
    """The product of x with the weight at `first` (0: of the input, 1: of the state), and its bias."""
    bias = weights[first + 2] if len(weights) > 3 else None
    return functional.linear(x, weights[first], bias)


def _lstm_step(x: Tensor, states: State, weights: list[Tensor]) -> State:
    h, c = states
    i, f, g, o = (_linear(x, weights, 0) + _linear(h, weights, 1)).chunk(4, dim=-1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    is_projected = len(weights) in (3, 5)
    return (functional.linear(h, weights[-1]) if is_projected else h), c


def _gru_step(x: Tensor, states: State, weights: list[Tensor]) -> State:
    (h,) = states
    of_input = _linear(x, weights, 0).chunk(3, dim=-1)
    of_state = _linear(h, weights, 1).chunk(3, dim=-1)
    r, z = ((a + b).sigmoid() for a, b in zip(of_input[:2], of_state[:2], strict=True))
    n = (of_input[2] + r * of_state[2]).tanh()
    return (n + z * (h - n),)


def _rnn_step(x: Tensor, states: State, weights: list[Tensor]) -> State:
    (h,) = states
    return ((_linear(x, weights, 0) + _linear(h, weights, 1)).tanh(),)


def _layer(step: Step, states: int) -> Callable[..., Any]:
    """A stack of recurrent layers with a step, called as torch.lstm, torch.gru and torch.rnn_tanh are."""

    def layer(x: Tensor, *rest: Any) -> Any:
        is_packed = isinstance(rest[2], list | tuple)
        sizes, given, weights, *options = rest if is_packed else (None, *rest)
        _has_biases, num_layers, _dropout, _train, is_bidirectional, *last = options
        is_batch_first = bool(last and last[0])
        initial = list(given) if isinstance(given, list | tuple) else [given]
        directions = 2 if is_bidirectional else 1
        per_cell = len(weights) // (num_layers * directions)
        steps = _steps(x, sizes, is_batch_first=is_batch_first)
        finals: list[State] = []
        for depth in range(num_layers):
            sides = []
            for side in range(directions):
                cell = depth * directions + side
                own = list(weights[cell * per_cell : (cell + 1) * per_cell])
                start = tuple(state[cell] for state in initial)
                outputs, final = _run(step, steps, start, own, is_reversed=side == 1)
                sides.append(outputs)
                finals.append(final)
            steps = [torch.cat(pair, dim=-1) for pair in zip(*sides, strict=True)]
        out = torch.cat(steps) if is_packed else torch.stack(steps, dim=1 if is_batch_first else 0)
        return (out, *(torch.stack([final[place] for final in finals]) for place in range(states)))

    return layer


def _steps(x: Tensor, sizes: Tensor | None, *, is_batch_first: bool) -> list[Tensor]:
    """The input of each step: [N, I], of a packed sequence [N_t, I]."""
    if sizes is not None:
        return list(torch.split(x, sizes.tolist()))
    return list(x.unbind(1 if is_batch_first else 0))


def _run(
    step: Step, steps: list[Tensor], start: State, weights: list[Tensor], *, is_reversed: bool
) -> tuple[list[Tensor], State]:
    """(output of each step, states after the last) of one direction.

    Rows of a packed batch that have ended (or, in reverse, not begun) keep their states as they are.
    """
    outputs: list[Tensor] = []
    states = start
    for x in reversed(steps) if is_reversed else steps:
        rows = x.shape[0]
        live = step(x, tuple(state[:rows] for state in states), weights)
        outputs.append(live[0])
        states = tuple(
            torch.cat((new, old[rows:])) if rows < old.shape[0] else new
            for new, old in zip(live, states, strict=True)
        )
    return (outputs[::-1] if is_reversed else outputs), states


def _cell(step: Step) -> Callable[..., Any]:
    """One step, called as torch.lstm_cell and torch.gru_cell are."""

    def cell(x: Tensor, given: Any, *weights: Tensor | None) -> Any:
        states = tuple(given) if isinstance(given, list | tuple) else (given,)
        after = step(x, states, [weight for weight in weights if weight is not None])
        return after if len(after) > 1 else after[0]

    return cell


def _parts() -> Iterator[tuple[Any, tuple[Family, Callable[..., Any]]]]:
    yield functional.scaled_dot_product_attention, ("attention", _attention)
    yield torch.lstm, ("recurrent", _layer(_lstm_step, 2))
    yield torch.gru, ("recurrent", _layer(_gru_step, 1))
    yield torch.lstm_cell, ("recurrent", _cell(_lstm_step))
    yield torch.gru_cell, ("recurrent", _cell(_gru_step))
    for grouped in GROUPED:
        yield grouped, ("linear", _grouped)
    for layer in (torch.rnn_tanh, torch.rnn_relu):
        yield layer, ("recurrent", _layer(_rnn_step, 1))
    for cell in (torch.rnn_tanh_cell, torch.rnn_relu_cell):
        yield cell, ("recurrent", _cell(_rnn_step))


PARTS: Final[dict[Any, tuple[Family, Callable[..., Any]]]] = dict(_parts())
"""What each function is written out as, and the family that its products belong to."""
