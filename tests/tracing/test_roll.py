"""Recurrences written in Python become loops, and cost what their steps cost."""

import pytest
import torch
from torch import nn

import hwcost
from hwcost.graph import Loop, Op, Trace, leaves
from hwcost.rules.count import count


def loops(trace: Trace) -> list[Loop[Op]]:
    return [item for item in trace.items if isinstance(item, Loop)]


def totals(trace: Trace) -> tuple[int, int, int]:
    works = list(leaves(count(trace.items)))
    return (
        sum(work.macs * calls for work, calls in works),
        sum(work.vector_ops * calls for work, calls in works),
        sum(work.special_ops * calls for work, calls in works),
    )


class Cells(nn.Module):
    """An LSTM layer written as a Python loop over LSTMCell."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(width, hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = None
        out = []
        for step in x:
            state = self.cell(step, state)
            out.append(state[0])
        return torch.stack(out)


class Gated(nn.Module):
    """A cell of one's own: gates from separate linear layers, outputs written into a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.gates = nn.ModuleList(nn.Linear(12, 8) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x.new_zeros(x.shape[0], 8)
        out = torch.zeros(x.shape[0], x.shape[1], 8)
        for t in range(x.shape[1]):
            both = torch.cat([x[:, t], h], dim=-1)
            z, r, n = (gate(both) for gate in self.gates)
            h = torch.sigmoid(z) * h + torch.tanh(n + torch.sigmoid(r) * h)
            out[:, t] = h
        return out


@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_lstm_cell_loop_costs_what_the_layer_costs(steps: int) -> None:
    layer = hwcost.trace(nn.LSTM(6, 10), torch.randn(steps, 4, 6))
    cells = hwcost.trace(Cells(6, 10), torch.randn(steps, 4, 6))
    assert totals(layer) == totals(cells)
    assert totals(cells)[0] == steps * 4 * 4 * 10 * (6 + 10)
    assert [loop.times for loop in loops(cells)] == ([steps] if steps > 1 else [])


def test_a_cell_of_ones_own_is_one_loop() -> None:
    trace = hwcost.trace(Gated(), torch.randn(3, 20, 4))
    (loop,) = loops(trace)
    assert (loop.times, loop.axis) == (20, "time")
    assert totals(trace)[0] == 20 * 3 * 3 * 12 * 8


def test_the_loop_keeps_the_data_flow() -> None:
    (loop,) = loops(hwcost.trace(Gated(), torch.randn(3, 20, 4)))
    cat, *_, copy = loop.body
    assert isinstance(cat, Op)
    assert isinstance(copy, Op)
    x, h = cat.inputs
    assert x.role == "input"
    assert x.advance == (4,)  # x[:, t] of x[3, 20, 4]
    assert h.advance == ()
    assert copy.outputs[0].advance == (8,)
    assert copy.outputs[0].role == "output"
    state = copy.inputs[-1]
    assert state.storage == h.storage  # read by the next round before it is written


def test_shared_layers_are_read_as_often_as_they_are_used() -> None:
    shared = nn.Linear(8, 8)
    trace = hwcost.trace(nn.Sequential(shared, nn.ReLU(), shared, nn.ReLU(), shared), torch.randn(2, 8))
    assert trace.parameters == 8 * 8 + 8
    assert totals(trace)[0] == 3 * 2 * 8 * 8


def test_layers_side_by_side_are_no_time_steps() -> None:
    shared = nn.Linear(8, 8)

    class Siamese(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared = shared

        def forward(self, xs: list[torch.Tensor]) -> list[torch.Tensor]:
            return [self.shared(x) for x in xs]

    trace = hwcost.trace(Siamese(), [torch.randn(2, 8) for _ in range(12)])
    assert all(loop.axis != "time" for loop in loops(trace))
    assert totals(trace)[0] == 12 * 2 * 8 * 8


def test_tied_weights_are_stored_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(50, 8)
            self.head = nn.Linear(8, 50, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.head(self.embedding(ids))

    trace = hwcost.trace(Tied(), torch.zeros(2, 3, dtype=torch.int64))
    assert trace.parameters == 400
    weights = {t.storage.id for op in trace.items for t in op.inputs if t.role == "weight"}  # type: ignore[union-attr]
    assert len(weights) == 1


def test_steps_that_differ_stay_unrolled() -> None:
    class Growing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for t in range(1, 6):
                x = torch.cat([x, x[:, :t]], dim=1)
            return x

    assert loops(hwcost.trace(Growing(), torch.randn(2, 6))) == []


def test_a_state_that_stands_last_among_the_inputs_is_read() -> None:
    """h = w h: the new state takes the old one's place, and is no destination."""

    class Decay(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.zeros(5, 5))

        def forward(self, h: torch.Tensor) -> torch.Tensor:
            for _ in range(10):
                h = self.w * h
                h = torch.mm(self.w, h)
            return h

    works = list(leaves(count(hwcost.trace(Decay(), torch.zeros(5, 5)).items)))
    assert [(work.macs, work.read_bytes, calls) for work, calls in works] == [(0, 200, 10), (125, 200, 10)]
