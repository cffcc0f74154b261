"""Recurrent layers as ops, beside the modules of torch that they stand for."""

from __future__ import annotations

from typing import Any

import torch

from hwcost.graph import Loop, Op, Tree, Work, leaves
from hwcost.rules.count import count

from .recording import tensor

MODULES = {
    "lstm": (torch.nn.LSTM, {}),
    "gru": (torch.nn.GRU, {}),
    "rnn_tanh": (torch.nn.RNN, {"nonlinearity": "tanh"}),
    "rnn_relu": (torch.nn.RNN, {"nonlinearity": "relu"}),
}

CELLS = {
    "lstm": (torch.nn.LSTMCell, {}),
    "gru": (torch.nn.GRUCell, {}),
    "rnn_tanh": (torch.nn.RNNCell, {"nonlinearity": "tanh"}),
    "rnn_relu": (torch.nn.RNNCell, {"nonlinearity": "relu"}),
}


def module_of(kind: str, inputs: int, hidden: int, **options: Any) -> torch.nn.RNNBase:
    made, extra = MODULES[kind]
    return made(inputs, hidden, device="meta", **extra, **options)


def layer(
    kind: str,
    inputs: int,
    hidden: int,
    *,
    steps: int = 1,
    batch: int = 1,
    runs: tuple[tuple[int, int], ...] | None = None,
    num_layers: int = 1,
    bidirectional: bool = False,
    bias: bool = True,
    batch_first: bool = False,
    proj_size: int = 0,
) -> Op:
    """One call of a recurrent layer; `runs` makes its sequences packed."""
    options = {"proj_size": proj_size} if kind == "lstm" else {}
    module = module_of(
        kind, inputs, hidden, num_layers=num_layers, bidirectional=bidirectional, bias=bias, **options
    )
    weights = [tensor(f"w{i}", *weight.shape) for i, weight in enumerate(module.parameters())]
    ways = 2 if bidirectional else 1
    width = proj_size or hidden
    batch = runs[0][0] if runs else batch
    states = [tensor("h0", num_layers * ways, batch, width)]
    results = [tensor("h_n", num_layers * ways, batch, width)]
    if kind == "lstm":
        states.append(tensor("c0", num_layers * ways, batch, hidden))
        results.append(tensor("c_n", num_layers * ways, batch, hidden))
    if runs:
        leading: tuple[int, ...] = (sum(size * count for size, count in runs),)
    else:
        leading = (batch, steps) if batch_first else (steps, batch)
    return Op(
        name=f"torch.{kind}",
        module="recurrent",
        inputs=(tensor("x", *leading, inputs), *states, *weights),
        outputs=(tensor("y", *leading, ways * width), *results),
        attributes={
            "has_biases": bias,
            "num_layers": num_layers,
            "bidirectional": bidirectional,
            "batch_first": batch_first,
            "batch_sizes": runs,
            "projection": proj_size,
        },
    )


def cell(kind: str, inputs: int, hidden: int, *, batch: int = 1, bias: bool = True, name: str = "") -> Op:
    """One call of a cell."""
    made, extra = CELLS[kind]
    module = made(inputs, hidden, bias=bias, device="meta", **extra)
    weights = [tensor(f"w{i}", *weight.shape) for i, weight in enumerate(module.parameters())]
    letters = "hc" if kind == "lstm" else "h"
    return Op(
        name=f"torch.{kind}_cell",
        inputs=(
            tensor("x", batch, inputs),
            *(tensor(letter, batch, hidden) for letter in letters),
            *weights,
        ),
        outputs=tuple(tensor(f"{name}{letter}'", batch, hidden) for letter in letters),
        attributes={"has_biases": bias},
    )


def totals(tree: Tree[Work]) -> tuple[int, int, int]:
    """(macs, vector ops, special ops) of all calls."""
    found = list(leaves(tree))
    return (
        sum(work.macs * calls for work, calls in found),
        sum(work.vector_ops * calls for work, calls in found),
        sum(work.special_ops * calls for work, calls in found),
    )


def counted(op: Op) -> tuple[int, int, int]:
    return totals(count((op,)))


def loops(tree: Tree[Work]) -> list[Loop[Work]]:
    return [item for item in tree if isinstance(item, Loop)]
