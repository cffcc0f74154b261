"""Backward passes of recurrent layers against cells written by hand in plain torch, step by step."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from hwcost.graph import Loop
from hwcost.rules.count import count

from .flops import macs_by_part, torch_macs, trained, works

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
CELLS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell}


class Unrolled(nn.Module):
    """Recurrent layers in products of one step each, but for the input's, which are one over all steps.

    x @ w_ih' of all steps, then h @ w_hh' step by step: only products are counted, so gates are any
    elementwise functions of the right size.
    """

    def __init__(self, kind: str, inputs: int, hidden: int, layers: int, ways: int, projection: int) -> None:
        super().__init__()
        self.gates, self.hidden, self.width = GATES[kind], hidden, projection or hidden
        self.projection = projection
        self.layers, self.ways = layers, ways
        widths = [inputs] + [ways * self.width] * (layers - 1)
        rows = self.gates * hidden
        self.w_ih = nn.ParameterList(nn.Parameter(torch.zeros(rows, w)) for w in widths for _ in range(ways))
        count = layers * ways
        self.w_hh = nn.ParameterList(nn.Parameter(torch.zeros(rows, self.width)) for _ in range(count))
        self.w_hr = nn.ParameterList(nn.Parameter(torch.zeros(projection, hidden)) for _ in range(count))

    def forward(self, x: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
        steps, batch = x.shape[:2]
        for layer in range(self.layers):
            ys = []
            for way in range(self.ways):
                index = layer * self.ways + way
                gates_x = x.reshape(steps * batch, -1) @ self.w_ih[index].t()
                gates_x = gates_x.view(steps, batch, -1)
                h, outputs = h0, []
                for step in reversed(range(steps)) if way else range(steps):
                    gates = gates_x[step] + h @ self.w_hh[index].t()
                    h = gates.view(batch, self.gates, self.hidden).tanh().sum(1)
                    if self.projection:
                        h = h @ self.w_hr[index].t()
                    outputs.append(h)
                ys.append(torch.stack(outputs[::-1] if way else outputs))
            x = torch.cat(ys, -1)
        return x


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("ways", [1, 2])
@pytest.mark.parametrize("needs_dx", [False, True])
def test_layers_agree_with_unrolled_cells(kind: str, layers: int, ways: int, needs_dx: bool) -> None:
    steps, batch, inputs, hidden = 5, 3, 4, 6
    module = LAYERS[kind](inputs, hidden, layers, bidirectional=ways == 2)
    unrolled = Unrolled(kind, inputs, hidden, layers, ways, 0).to("meta")
    x = torch.empty(steps, batch, inputs, device="meta", requires_grad=needs_dx)
    forward, backward, _ = torch_macs(unrolled, x, torch.empty(batch, hidden, device="meta"))
    ours = macs_by_part(trained(module, x))
    assert (ours["forward"], ours["backward"]) == (forward, backward)


@pytest.mark.parametrize("needs_dh", [False, True])
def test_a_projection_agrees_with_unrolled_cells(needs_dh: bool) -> None:
    steps, batch, inputs, hidden, width = 5, 3, 4, 6, 2
    module = nn.LSTM(inputs, hidden, 1, proj_size=width)
    unrolled = Unrolled("lstm", inputs, hidden, 1, 1, width).to("meta")
    x = torch.empty(steps, batch, inputs, device="meta")
    h0 = torch.empty(batch, width, device="meta", requires_grad=needs_dh)
    forward, backward, _ = torch_macs(unrolled, x, h0)
    states = (h0.detach()[None].requires_grad_(needs_dh), torch.empty(1, batch, hidden, device="meta"))
    ours = macs_by_part(trained(module, x, states))
    assert (ours["forward"], ours["backward"]) == (forward, backward)


size = st.integers(1, 9)


@settings(max_examples=30, deadline=None)
@given(steps=size, batch=size, inputs=size, hidden=size)
def test_by_formula(steps: int, batch: int, inputs: int, hidden: int) -> None:
    """2 * forward, less dx of all steps and dh of the first: T N I gH and N gH H."""
    for kind, gates in GATES.items():
        ours = macs_by_part(trained(LAYERS[kind](inputs, hidden), torch.zeros(steps, batch, inputs)))
        rows = gates * hidden
        assert ours["forward"] == steps * batch * rows * (inputs + hidden)
        assert ours["backward"] == 2 * ours["forward"] - steps * batch * inputs * rows - batch * rows * hidden


@pytest.mark.parametrize("kind", CELLS)
def test_a_loop_over_a_cell_costs_what_the_layer_costs(kind: str) -> None:
    steps, batch, inputs, hidden = 50, 3, 4, 6

    class Looped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = CELLS[kind](inputs, hidden)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            state = None
            ys = []
            for now in x:
                state = self.cell(now, state)
                ys.append(state[0] if kind == "lstm" else state)
            return torch.stack(ys)

    looped = trained(Looped(), torch.zeros(steps, batch, inputs))
    layer = trained(LAYERS[kind](inputs, hidden), torch.zeros(steps, batch, inputs))
    for part in ("forward", "backward"):
        assert macs_by_part(looped)[part] == macs_by_part(layer)[part]
    assert len(works(looped)) < 40, "both loops are rolled up"
    loops = [item for item in looped.items if isinstance(item, Loop)]
    assert [loop.axis for loop in loops] == ["time", "time"]


@pytest.mark.parametrize("steps", [100, 1000])
def test_a_trace_does_not_grow_with_the_steps(steps: int) -> None:
    trace = trained(nn.LSTM(4, 6, 2), torch.zeros(steps, 1, 4))
    assert len(works(trace)) == len(works(trained(nn.LSTM(4, 6, 2), torch.zeros(10, 1, 4))))


def test_frozen_layers_are_not_reached() -> None:
    module = nn.LSTM(4, 6, 2)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(requires_grad="l1" in name)
    steps, batch, rows = 5, 3, 4 * 6
    second = steps * batch * rows * (6 + 6) + (steps - 1) * batch * rows * 6  # dw_ih, dw_hh, dh
    assert macs_by_part(trained(module, torch.zeros(steps, batch, 4)))["backward"] == second


def test_only_biases_train() -> None:
    module = nn.LSTM(4, 6)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(requires_grad="bias" in name)
    assert macs_by_part(trained(module, torch.zeros(5, 3, 4)))["backward"] == 4 * 3 * 24 * 6  # dh alone


def test_packed_sequences_by_hand() -> None:
    """Lengths 4, 2, 1: 7 positions; dh of every step but the first, whose batches are 2, 1, 1."""

    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(4, 6)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.lstm(pack_padded_sequence(x, torch.tensor([4, 2, 1])))[0].data

    ours = macs_by_part(trained(Packed(), torch.zeros(4, 3, 4)))
    assert ours["forward"] == 7 * 24 * (4 + 6)
    assert ours["backward"] == 7 * 24 * 4 + 7 * 24 * 6 + (2 + 1 + 1) * 24 * 6  # dw_ih, dw_hh, dh


def test_vector_ops_of_a_step_by_hand() -> None:
    """An LSTM of H = 6, N = 3: 22 per unit and 1 for the gradient that comes from above; tanh once."""
    trace = trained(nn.LSTM(4, 6), torch.zeros(5, 3, 4))
    (step,) = [w for w, calls in works(trace) if w.op.name.endswith("step_backward") and calls > 1]
    assert (step.vector_ops, step.special_ops) == (23 * 18, 18)
    trace = trained(nn.GRU(4, 6), torch.zeros(5, 3, 4))
    (step,) = [w for w, calls in works(trace) if w.op.name.endswith("step_backward") and calls > 1]
    assert (step.vector_ops, step.special_ops) == (18 * 18, 0)


def test_a_step_reads_what_was_kept() -> None:
    """Per step of N = 3, H = 6, 4 bytes: gates 4H, c and c before, dh and dc, dy; the gates' gradients 4H."""
    trace = trained(nn.LSTM(4, 6), torch.zeros(5, 3, 4))
    (step,) = [w for w, calls in works(trace) if w.op.name.endswith("step_backward") and calls > 1]
    assert step.read_bytes == 4 * 3 * 6 * (4 + 1 + 1 + 1 + 1 + 1) + 4 * 24 * 6  # and w_hh
    assert step.write_bytes == 4 * 3 * 6 * (4 + 1 + 1)


def test_dropout_between_layers() -> None:
    trace = trained(nn.LSTM(4, 6, 3, dropout=0.5), torch.zeros(5, 2, 4))
    names = Counter(work.op.name for work, _ in works(trace))
    assert names["aten.native_dropout"] == names["aten.native_dropout_backward"] == 2
    none = trained(nn.LSTM(4, 6, 3), torch.zeros(5, 2, 4))
    assert macs_by_part(trace) == macs_by_part(none)


def test_every_storage_is_written_before_it_is_read() -> None:
    """What the backward pass reads of the forward pass is what that wrote, place by place."""
    for module in (nn.LSTM(4, 6, 2, bidirectional=True), nn.GRU(4, 6, 2), nn.RNN(4, 6, 2)):
        trace = trained(module, torch.zeros(5, 2, 4))
        written: dict[str, set[int]] = {}
        for op, moved in _unrolled(count(trace.items), ()):
            for tensor in op.inputs:
                if tensor.storage.id in written and op.part == "backward":
                    assert _places(tensor, moved) <= written[tensor.storage.id], op.name
            for tensor in op.outputs:
                written.setdefault(tensor.storage.id, set()).update(_places(tensor, moved))


def _unrolled(tree: Any, moved: tuple[int, ...]) -> Any:
    for item in tree:
        if isinstance(item, Loop):
            for step in range(item.times):
                yield from _unrolled(item.body, (*moved, step))
        else:
            yield item.op, moved


def _places(tensor: Any, moved: tuple[int, ...]) -> set[int]:
    advance = (0,) * (len(moved) - len(tensor.advance)) + tensor.advance
    start = tensor.offset + sum(step * by for step, by in zip(moved, advance, strict=True))
    places = {start}
    for length, stride in zip(tensor.shape, tensor.strides, strict=True):
        places = {place + index * stride for place in places for index in range(length)}
    assert all(0 <= place < tensor.storage.elements for place in places), tensor
    return places
