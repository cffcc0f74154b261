"""Recurrent nodes of ONNX: what torch's layers of the same sizes cost, and what the formula says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from onnx import TensorProto
from torch import nn

import hwcost
from hwcost.graph import Loop
from hwcost.rules.count import count
from tests.sources.onnx_models import flops, macs, model, moved_bytes, names, node, numbers, tensor, traced

T, N, F, H = 7, 3, 5, 4
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
TWINS = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}


def layer(
    op: str,
    directions: int,
    *,
    biased: bool = True,
    inputs: str = "",
    shape: tuple[int, int, int] = (T, N, F),
    extra: tuple = (),
    given: dict | None = None,
    **attributes,
):
    rows = GATES[op] * H
    weights = [tensor("w", directions, rows, F), tensor("r", directions, rows, H)]
    weights += [tensor("b", directions, 2 * rows)] if biased else []
    taken = f"x w r {'b' if biased else '-'} {inputs}"
    outputs = "y h c" if op == "LSTM" else "y h"
    calls = [node(op, taken, outputs, hidden_size=H, **attributes)]
    return model(calls, {"x": list(shape), **(given or {})}, outputs, [*weights, *extra])


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("biased", [True, False])
def test_costs_what_the_layer_of_torch_costs(tmp_path: Path, op: str, direction: str, biased: bool) -> None:
    directions = 2 if direction == "bidirectional" else 1
    trace = traced(layer(op, directions, biased=biased, direction=direction), tmp_path)
    twin = hwcost.trace(TWINS[op](F, H, bias=biased, bidirectional=directions == 2), torch.empty(T, N, F))
    assert macs(trace) == directions * T * N * GATES[op] * H * (F + H)
    assert (macs(trace), flops(trace)) == (macs(twin), flops(twin))
    assert (trace.parameters, trace.weight_bytes) == (twin.parameters, twin.weight_bytes)
    weights = {op.storage.name: op.storage.bytes for op in trace.items[-1].inputs if op.role == "weight"}
    assert sum(weights.values()) == twin.weight_bytes


@pytest.mark.parametrize("op", GATES)
def test_is_a_loop_over_time(tmp_path: Path, op: str) -> None:
    loops = [item for item in count(traced(layer(op, 1), tmp_path).items) if isinstance(item, Loop)]
    assert [loop.times for loop in loops] == [T]


@pytest.mark.parametrize("op", GATES)
def test_batch_first(tmp_path: Path, op: str) -> None:
    """Layout 1 takes [N, T, F] and gives [N, T, D, H]."""
    trace = traced(layer(op, 2, shape=(N, T, F), layout=1, direction="bidirectional"), tmp_path)
    assert macs(trace) == 2 * T * N * GATES[op] * H * (F + H)
    y = next(item.outputs[0] for item in trace.items if item.name.startswith("torch."))
    assert y.shape == (N, T, 2 * H)


def test_result_is_laid_out_as_the_standard_says(tmp_path: Path) -> None:
    """Y[T,D,N,H] is concatenated with a tensor of that shape, Y_h[D,N,H] likewise."""
    made = layer("GRU", 2, direction="bidirectional", given={"y0": [T, 2, N, H], "h0": [2, N, H]})
    made.graph.node.extend([node("Add", "y y0", "s"), node("Add", "h h0", "t")])
    adds = [item for item in traced(made, tmp_path).items if item.name == "aten.add"]
    assert [item.outputs[0].shape for item in adds] == [(T, 2, N, H), (2, N, H)]


def test_activation_of_a_plain_layer(tmp_path: Path) -> None:
    assert "torch.rnn_relu" in names(traced(layer("RNN", 1, activations=["Relu"]), tmp_path))
    assert "torch.rnn_tanh" in names(traced(layer("RNN", 1), tmp_path))


def test_reset_before_the_product_costs_the_same(tmp_path: Path) -> None:
    after, before = (traced(layer("GRU", 1, linear_before_reset=n), tmp_path) for n in (1, 0))
    assert (macs(after), moved_bytes(after)) == (macs(before), moved_bytes(before))


def test_states_that_are_given(tmp_path: Path) -> None:
    given = {"h0": [1, N, H], "c0": [1, N, H]}
    trace = traced(layer("LSTM", 1, inputs="- h0 c0", given=given), tmp_path)
    assert names(trace) == ["torch.lstm"]
    assert [each.role for each in trace.items[0].inputs[:3]] == ["input"] * 3


def test_states_of_zeros_are_no_parameters(tmp_path: Path) -> None:
    zeros = (tensor("h0", 1, N, H), tensor("c0", 1, N, H))
    trace = traced(layer("LSTM", 1, inputs="- h0 c0", extra=zeros), tmp_path)
    assert trace.parameters == 4 * H * (F + H) + 8 * H


def test_known_lengths_leave_out_what_is_padding(tmp_path: Path) -> None:
    """Sequences of 7, 4 and 2 steps: 13 of 21 steps are run."""
    lengths = (numbers("lengths", [4, 7, 2], "int32"),)
    trace = traced(layer("LSTM", 1, inputs="lengths", extra=lengths), tmp_path)
    assert macs(trace) == (4 + 7 + 2) * 4 * H * (F + H)


def test_lengths_that_are_data_are_taken_as_whole(tmp_path: Path) -> None:
    given = {"lengths": ([N], TensorProto.INT32)}
    trace = traced(layer("LSTM", 1, inputs="lengths", given=given), tmp_path)
    assert macs(trace) == T * N * 4 * H * (F + H)
    assert any("sequence lengths are data" in note for note in trace.assumptions)


def test_says_what_it_leaves_out(tmp_path: Path) -> None:
    peepholes = (tensor("p", 1, 3 * H),)
    trace = traced(layer("LSTM", 1, inputs="- - - p", extra=peepholes, clip=5.0), tmp_path)
    assert any("peephole weights, the clip" in note for note in trace.assumptions)
    odd = traced(layer("GRU", 1, activations=["Sigmoid", "Softsign"]), tmp_path)
    assert any("the activation softsign" in note for note in odd.assumptions)
