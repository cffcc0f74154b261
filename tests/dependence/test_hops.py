"""Hops by hand: the steps on the shortest way from the first input to each output."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hwcost.dependence import TimeAxis, View
from tests.dependence.oracle import seen
from tests.dependence.test_against_torch import Attention, CellLoop, Recurrent, WrittenOut, causal

T, C = 24, 4


def over_time(make: Callable[[], Callable[[Tensor], Tensor]], shape: tuple[int, ...], axis: int) -> View:
    found, _ = seen(make, shape, axis)
    stride = found.storage.elements // (shape[0] * T) if axis == 1 else found.storage.elements // T
    return found.over(TimeAxis(stride=1 if axis == 2 else stride, size=T))


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.inner(x)
        return y


def test_a_recurrent_layer_takes_a_step_per_time_step() -> None:
    hops = over_time(lambda: Recurrent(nn.LSTM(C, C)), (T, 1, C), 0).hops
    assert hops.tolist() == list(range(1, T + 1))  # x0 -> h0 -> h1 ...


def test_each_further_layer_is_one_more() -> None:
    hops = over_time(lambda: Recurrent(nn.GRU(C, C, num_layers=3)), (T, 1, C), 0).hops
    assert hops.tolist() == list(range(3, T + 3))


def test_the_last_step_of_a_layer_both_ways_still_takes_all_steps() -> None:
    hops = over_time(lambda: Recurrent(nn.RNN(C, C, num_layers=2, bidirectional=True)), (T, 1, C), 0).hops
    assert hops[-1] == T + 1
    assert hops[0] == 2


def test_a_python_loop_over_a_cell_is_as_a_layer() -> None:
    hops = over_time(lambda: CellLoop(steps=T), (T, 2, C), 0).hops
    assert hops.tolist() == list(range(1, T + 1))


def test_a_pointwise_recurrence_takes_a_step_per_round() -> None:
    class Scan(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            h, outputs = x.new_zeros(x.shape[1:]), []
            for step in x:
                h = torch.addcmul(step, h, torch.sigmoid(step))
                outputs.append(h * 2)
            return torch.stack(outputs)

    hops = over_time(Scan, (T, 2, C), 0).hops
    assert hops.tolist() == list(range(1, T + 1))


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("is_causal", [False, True])
def test_attention_is_one_step_however_many_layers(layers: int, is_causal: bool) -> None:
    def make() -> nn.Module:
        return nn.Sequential(*(Residual(Attention(causal=is_causal)) for _ in range(layers)))

    hops = over_time(make, (1, T, C), 1).hops
    assert hops.tolist() == [0.0] + [1.0] * (T - 1)  # the first position has it on the residual way


def test_attention_written_out_is_one_step_too() -> None:
    mask = causal(T)

    def make() -> nn.Module:
        return nn.Sequential(*(Residual(WrittenOut(lambda s: s.masked_fill(~mask, -1e9))) for _ in range(3)))

    view = over_time(make, (1, T, C), 1)
    assert view.hops.tolist() == [0.0] + [1.0] * (T - 1)
    assert view.latest.tolist() == list(range(T))


class Causal(nn.Module):
    """A causal convolution of two taps, `dilation` apart."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.padding = nn.ConstantPad1d((dilation, 0), 0.0)
        self.convolution = nn.Conv1d(C, C, 2, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.convolution(self.padding(x))
        return y


def test_dilated_convolutions_with_residuals_take_a_step_per_binary_digit() -> None:
    def make() -> nn.Module:
        return nn.Sequential(*(Residual(Causal(2**level)) for level in range(5)))

    hops = over_time(make, (1, C, T), 2).hops
    assert hops.tolist() == [float(t.bit_count()) for t in range(T)]  # t = a sum of different powers of 2


def test_without_residuals_every_layer_is_a_step() -> None:
    def make() -> nn.Module:
        return nn.Sequential(*(Causal(2**level) for level in range(3)))

    hops = over_time(make, (1, C, T), 2).hops
    # 7 = 1 + 2 + 4 is as far as they reach
    assert hops[:8].tolist() == [3.0] * 8
    assert np.isinf(hops[8:]).all()


def test_what_stays_at_its_position_takes_no_step() -> None:
    def make() -> nn.Module:
        return nn.Sequential(nn.Linear(C, C), nn.LayerNorm(C), nn.GELU(), nn.Softmax(-1))

    view = over_time(make, (1, T, C), 1)
    assert view.hops[0] == 0
    assert np.isinf(view.hops[1:]).all()
    assert view.latest.tolist() == view.earliest.tolist() == list(range(T))


def test_an_unknown_op_sees_everything_and_is_named() -> None:
    class Unknown(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.linalg.inv(x)

    found, _ = seen(Unknown, (1, 5, 5), 1)
    assert found.assumed == ("aten.linalg_inv_ex",)
    assert set(found.earliest) == {0.0}
    assert set(found.latest) == {4.0}
