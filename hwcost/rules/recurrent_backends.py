"""Recurrent layers as the libraries below torch see them, led back to torch's own layers."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from hwcost.graph import Attribute, Op, Tensor, Tree
from hwcost.rules.registry import RULES
from hwcost.rules.work import integer, integers, require

KINDS = ("rnn_relu", "rnn_tanh", "lstm", "gru")
"""By the number that cuDNN, MIOpen and oneDNN give them (aten/src/ATen/native/RNN.h)."""


@RULES.add("aten._cudnn_rnn", "aten.miopen_rnn")
def gpu_layers(op: Op) -> Tree[Op]:
    """y, h_n(, c_n) = all layers at once on a GPU.

    amounts to   torch.lstm, torch.gru, torch.rnn_tanh or torch.rnn_relu with the same weights
    source       aten/src/ATen/native/cudnn/RNN.cpp
    """
    kind = KINDS[integer(op, "mode")]
    ways = 2 if op.attributes.get("bidirectional") else 1
    share = integer(op, "weight_stride0")
    count = share * ways * integer(op, "num_layers")
    x, weights = op.inputs[0], op.inputs[1 : 1 + count]
    require(len(weights) == count and count > 0, op, f"{count} weights are needed")
    has_buffer = op.name == "aten._cudnn_rnn" and op.attributes.get("weight_buf", "given") is not None
    states = op.inputs[1 + count + has_buffer :][: 2 if kind == "lstm" else 1]
    steps = tuple((batch, len(list(run))) for batch, run in groupby(integers(op, "batch_sizes")))
    attributes: dict[str, Attribute] = {
        "has_biases": share >= 4,
        "num_layers": integer(op, "num_layers"),
        "bidirectional": ways > 1,
        "batch_first": bool(op.attributes.get("batch_first")),
        "batch_sizes": steps or None,
    }
    return (_layer(op, kind, (x, *states, *weights), attributes),)


@RULES.add("aten.mkldnn_rnn_layer")
def cpu_layer(op: Op) -> Tree[Op]:
    """y, h_n(, c_n) = one direction of one layer on a CPU through oneDNN.

    amounts to   torch.lstm (or its kin) of one layer and direction; which way it runs changes no number
    source       aten/src/ATen/native/mkldnn/RNN.cpp
    """
    kind = KINDS[integer(op, "mode")]
    x, w_ih, w_hh, b_ih, b_hh, h, c = op.inputs[:7]
    has_biases = bool(op.attributes.get("has_biases", True))
    states = (_stacked(h), _stacked(c)) if kind == "lstm" else (_stacked(h),)
    weights = (w_ih, w_hh, b_ih, b_hh) if has_biases else (w_ih, w_hh)
    attributes: dict[str, Attribute] = {
        "has_biases": has_biases,
        "num_layers": 1,
        "bidirectional": False,
        "batch_first": False,
        "batch_sizes": None,
    }
    return (_layer(op, kind, (x, *states, *weights), attributes),)


def _layer(op: Op, kind: str, inputs: tuple[Tensor, ...], attributes: dict[str, Attribute]) -> Op:
    y, *states = op.outputs[: 3 if kind == "lstm" else 2]
    outputs = (y, *(_stacked(state) for state in states))
    return Op(name=f"torch.{kind}", module=op.module, inputs=inputs, outputs=outputs, attributes=attributes)


def _stacked(state: Tensor) -> Tensor:
    """h[N,H] as h[1,N,H]."""
    if len(state.shape) > 2:
        return state
    return replace(state, shape=(1, *state.shape), strides=(state.elements, *state.strides))
