"""Recurrent layers and cells as eager torch records them, made without torch."""

from __future__ import annotations

from math import prod
from typing import Final

from hwcost.graph import Attribute, Loop, Op, Role, Storage, Tensor, Trace, contiguous
from hwcost.rules.recurrent import CELLS
from hwcost.validation.traces import chain

TITLES: Final = {"lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN"}


def recurrent(
    cell: str, *, widths: tuple[int, ...], batch: int, steps: int, layers: int, directions: int, dtype: str
) -> Trace:
    """A stack of layers over a whole sequence, from states of zeros on; widths: inputs and hidden."""
    inputs, hidden = widths
    ways = layers * directions
    states = tuple(
        _tensor(f"{key}0", (ways, batch, hidden), dtype, "activation") for key in "hc"[: CELLS[cell].states]
    )
    ends = tuple(_tensor(key, state.shape, dtype, "output") for key, state in zip("hc", states, strict=False))
    weights: list[Tensor] = []
    for layer in range(layers):
        for direction in range(directions):
            key = f"_l{layer}" + "_reverse" * direction
            weights += _weights(cell, directions * hidden if layer else inputs, hidden, key, dtype)
    attributes: dict[str, Attribute] = {"has_biases": True, "num_layers": layers, "batch_first": False}
    attributes |= {"bidirectional": directions > 1, "batch_sizes": None, "projection": 0}
    x = _tensor("x", (steps, batch, inputs), dtype, "input")
    y = _tensor("y", (steps, batch, directions * hidden), dtype, "output")
    stack = Op(name=f"torch.{cell}", inputs=(x, *states, *weights), outputs=(y, *ends), attributes=attributes)
    more = (f", {layers} layers" if layers > 1 else "") + (", both directions" if directions > 1 else "")
    name = f"{TITLES[cell]} {inputs} to {hidden}, batch {batch}, {_steps(steps)}{more}"
    return chain(name, (*(_zeros(state) for state in states), stack), dtype)


def lstm_cells(*, widths: tuple[int, ...], batch: int, steps: int, dtype: str) -> Trace:
    """An LSTM written as a loop over its cell; the first h and c are the same zeros."""
    inputs, hidden = widths
    whole = _tensor("x", (steps, batch, inputs), dtype, "input")
    x = contiguous(whole.storage, (batch, inputs), advance=(batch * inputs,))
    h, c = _tensor("h", (batch, hidden), dtype, "output"), _tensor("c", (batch, hidden), dtype, "state")
    zeros = Op(
        name="aten.new_zeros", inputs=(whole,), outputs=(h,), attributes={"dtype": None, "size": h.shape}
    )
    cell = Op(
        name="torch.lstm_cell",
        inputs=(x, h, c, *_weights("lstm", inputs, hidden, "", dtype)),
        outputs=(h, c),
        attributes={"has_biases": True},
    )
    name = f"LSTM cells {inputs} to {hidden}, batch {batch}, {_steps(steps)}"
    return chain(name, (zeros, Loop(times=steps, body=(cell,))), dtype)


def _weights(cell: str, inputs: int, hidden: int, key: str, dtype: str) -> tuple[Tensor, ...]:
    """w_ih, w_hh, b_ih, b_hh of one layer in one direction."""
    rows = CELLS[cell].gates * hidden
    shapes = {"w_ih": (rows, inputs), "w_hh": (rows, hidden), "b_ih": (rows,), "b_hh": (rows,)}
    return tuple(_tensor(f"{name}{key}", shape, dtype, "weight") for name, shape in shapes.items())


def _zeros(state: Tensor) -> Op:
    return Op(name="aten.zeros", outputs=(state,), attributes={"dtype": state.dtype, "size": state.shape})


def _steps(steps: int) -> str:
    return f"{steps} step{'s' * (steps > 1)}"


def _tensor(key: str, shape: tuple[int, ...], dtype: str, role: Role) -> Tensor:
    return contiguous(Storage(id=key, elements=prod(shape), dtype=dtype, role=role), shape)
