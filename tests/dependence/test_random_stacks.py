"""Any stack of layers sees what really moves its outputs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.dependence.oracle import assert_exact
from tests.dependence.test_against_torch import Attention, CellLoop, Recurrent, WrittenOut, as_float, near

T, C = 8, 4


class Turned(nn.Module):
    """A layer that wants its axes in another order than (batch, time, features)."""

    def __init__(self, inner: nn.Module, *axes: int) -> None:
        super().__init__()
        self.inner, self.axes = inner, axes

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.inner(x.transpose(*self.axes))
        return y.transpose(*self.axes)


class Function(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + torch.tanh(self.inner(x))
        return y


def causal_convolution(dilation: int) -> nn.Module:
    layers = (nn.ConstantPad1d((dilation, 0), 0.0), nn.Conv1d(C, C, 2, dilation=dilation))
    return Turned(nn.Sequential(*layers), 1, 2)


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(C, C),
    "norm": lambda: nn.LayerNorm(C),
    "gelu": nn.Tanh,
    "causal": lambda: causal_convolution(1),
    "dilated": lambda: causal_convolution(3),
    "padded": lambda: Turned(nn.Conv1d(C, C, 3, padding=1), 1, 2),
    "grouped": lambda: Turned(nn.Conv1d(C, C, 3, padding=1, groups=2), 1, 2),
    "smoothed": lambda: Turned(nn.AvgPool1d(3, stride=1, padding=1), 1, 2),
    "gru": lambda: Recurrent(nn.GRU(C, C, batch_first=True)),
    "both ways": lambda: Recurrent(nn.LSTM(C, C // 2, batch_first=True, bidirectional=True)),
    "cell": lambda: Turned(CellLoop(steps=T), 0, 1),
    "cell backwards": lambda: Turned(CellLoop(steps=T, backwards=True), 0, 1),
    "attention": Attention,
    "causal attention": lambda: Attention(causal=True),
    "window": lambda: Attention(mask=near(3, T)),
    "written out": lambda: WrittenOut(lambda s: s + as_float(near(2, T)).to(s.dtype)),
    "flip": lambda: Function(lambda x: x.flip(1)),
    "shift": lambda: Function(lambda x: torch.cat((x[:, 2:], x[:, :2] * 0.5), 1)),
    "half": lambda: Function(lambda x: torch.cat((x[..., :2], x[..., 2:].roll(1, 1)), 2)),
    "sum": lambda: Function(lambda x: x.cumsum(1)),
    "frames": lambda: Function(lambda x: x.reshape(len(x), T // 2, 2, C).mean(2).repeat_interleave(2, 1)),
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(sorted(LAYERS)), st.booleans()), min_size=1, max_size=4))
def test_stacks(names: list[tuple[str, bool]]) -> None:
    def make() -> nn.Module:
        layers = ((LAYERS[name](), is_residual) for name, is_residual in names)
        return nn.Sequential(*(Residual(layer) if is_residual else layer for layer, is_residual in layers))

    assert_exact(make, (2, T, C), 1)
