"""First and last times against real modules: what does not move is not seen, and the other way round."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.dependence.oracle import assert_exact

T, C = 9, 4


class Recurrent(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)[0]


class FinalState(Recurrent):
    def forward(self, x: Tensor) -> Tensor:
        state = self.inner(x)[1]
        return state[0] if isinstance(state, tuple) else state


class CellLoop(nn.Module):
    """A Python loop over a cell, which a trace folds into a loop."""

    def __init__(self, *, backwards: bool = False, steps: int = T) -> None:
        super().__init__()
        self.cell = nn.GRUCell(C, C)
        self.backwards = backwards

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[1], C)
        outputs = []
        for t in reversed(range(len(x))) if self.backwards else range(len(x)):
            h = self.cell(x[t], h)
            outputs.append(h)
        return torch.stack(outputs)


class HandWritten(nn.Module):
    """A recurrence of plain products and sums."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.over = nn.Linear(C, C), nn.Linear(C, C)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[1], C)
        out = torch.zeros_like(x)
        for t in range(len(x)):
            h = torch.tanh(self.into(x[t]) + self.over(h))
            out[t] = h
        return out


class Attention(nn.Module):
    """Attention through torch's own function."""

    def __init__(self, *, causal: bool = False, mask: Tensor | None = None, heads: int = 2) -> None:
        super().__init__()
        self.projection = nn.Linear(C, 3 * C)
        self.causal, self.heads = causal, heads
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.projection(x).chunk(3, -1)
        )
        mask = self.mask if self.mask is None or self.mask.dtype == torch.bool else self.mask.to(x.dtype)
        y = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=self.causal)
        return y.transpose(1, 2).flatten(2)


class WrittenOut(nn.Module):
    """Attention by hand: products, a mask, a softmax."""

    def __init__(self, masking: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.projection = nn.Linear(C, 3 * C)
        self.masking = masking

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.projection(x).chunk(3, -1)
        scores = self.masking(q @ k.transpose(1, 2) / math.sqrt(C))
        return torch.softmax(scores, -1) @ v


def causal(n: int = T) -> Tensor:
    return torch.ones(n, n, dtype=torch.bool).tril()


def near(width: int, n: int = T) -> Tensor:
    distance = torch.arange(n)[:, None] - torch.arange(n)
    return (distance >= 0) & (distance < width)


def as_float(mask: Tensor) -> Tensor:
    return torch.zeros(mask.shape).masked_fill(~mask, -math.inf)


def sequential(*modules: nn.Module) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(*modules)


CONVOLUTIONS: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: nn.Conv1d(C, C, 3),
    "padded": lambda: nn.Conv1d(C, C, 3, padding=1),
    "dilated": lambda: nn.Conv1d(C, C, 3, padding=2, dilation=2),
    "strided": lambda: nn.Conv1d(C, C, 3, stride=2, padding=1),
    "grouped": lambda: nn.Conv1d(C, 2 * C, 2, groups=2),
    "depthwise": lambda: nn.Conv1d(C, C, 4, groups=C),
    "transposed": lambda: nn.ConvTranspose1d(C, C, 3, stride=2, padding=1, output_padding=1),
    "causal": lambda: nn.Sequential(
        nn.ConstantPad1d((2, 0), 0.0), nn.Conv1d(C, C, 3), nn.ReLU(), nn.ConstantPad1d((4, 0), 0.0),
        nn.Conv1d(C, C, 3, dilation=2),
    ),
    "same": lambda: nn.Conv1d(C, C, 5, padding="same"),
    "reflected": lambda: nn.Conv1d(C, C, 3, padding=1, padding_mode="reflect"),
    "replicated": lambda: nn.Conv1d(C, C, 3, padding=1, padding_mode="replicate"),
    "circular": lambda: nn.Conv1d(C, C, 3, padding=1, padding_mode="circular"),
    "maximum": lambda: nn.MaxPool1d(3, stride=2),
    "average": lambda: nn.AvgPool1d(2, ceil_mode=False),
    "adaptive": lambda: nn.AdaptiveAvgPool1d(4),
    "upsampled": lambda: nn.Upsample(scale_factor=2, mode="nearest"),
    "interpolated": lambda: nn.Upsample(scale_factor=2, mode="linear"),
    "group norm": lambda: nn.GroupNorm(2, C),
    "batch norm": lambda: nn.BatchNorm1d(C),
    "glu": lambda: nn.Sequential(nn.Conv1d(C, C, 2), nn.GLU(1)),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_and_pooling(name: str) -> None:
    assert_exact(CONVOLUTIONS[name], (2, C, T), 2)


RECURRENT: dict[str, Callable[[], nn.Module]] = {
    "rnn": lambda: Recurrent(nn.RNN(C, 3)),
    "lstm": lambda: Recurrent(nn.LSTM(C, 3, num_layers=2)),
    "gru": lambda: Recurrent(nn.GRU(C, 3)),
    "both ways": lambda: Recurrent(nn.LSTM(C, 3, bidirectional=True)),
    "two both ways": lambda: Recurrent(nn.GRU(C, 3, num_layers=2, bidirectional=True)),
    "projected": lambda: Recurrent(nn.LSTM(C, 3, proj_size=2, bidirectional=True)),
    "final states": lambda: FinalState(nn.LSTM(C, 3, num_layers=2, bidirectional=True)),
    "loop": CellLoop,
    "loop backwards": lambda: CellLoop(backwards=True),
    "by hand": HandWritten,
}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent(name: str) -> None:
    assert_exact(RECURRENT[name], (T, 2, C), 0)


def test_batch_first() -> None:
    assert_exact(lambda: Recurrent(nn.LSTM(C, 3, bidirectional=True, batch_first=True)), (2, T, C), 1)


ATTENTION: dict[str, Callable[[], nn.Module]] = {
    "full": Attention,
    "causal": lambda: Attention(causal=True),
    "mask": lambda: Attention(mask=causal()),
    "window": lambda: Attention(mask=near(3)),
    "float mask": lambda: Attention(mask=as_float(near(4))),
    "written out": lambda: WrittenOut(lambda s: s),
    "written out, masked_fill": lambda: WrittenOut(lambda s: s.masked_fill(~causal(), -math.inf)),
    "written out, where": lambda: WrittenOut(
        lambda s: torch.where(near(2), s, torch.tensor(-1e9, dtype=s.dtype))
    ),
    "written out, where not": lambda: WrittenOut(lambda s: torch.where(~near(2), -math.inf, s)),
    "written out, added": lambda: WrittenOut(lambda s: s + as_float(causal()).to(s.dtype)),
    "written out, scaled after": lambda: WrittenOut(lambda s: s.masked_fill(~causal(), -1e9) / 2),
    "encoder layer": lambda: nn.TransformerEncoderLayer(C, 2, 8, batch_first=True),
}


@pytest.mark.parametrize("name", ATTENTION)
def test_attention(name: str) -> None:
    assert_exact(ATTENTION[name], (2, T, C), 1)


def test_a_masked_encoder_layer() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(C, 2, 8, batch_first=True, norm_first=True)

        def forward(self, x: Tensor) -> Tensor:
            mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=x.dtype)
            y: Tensor = self.layer(x, src_mask=mask)
            return y

    assert_exact(Masked, (2, T, C), 1)


MOVES: dict[str, Callable[[Tensor], Tensor]] = {
    "residual": lambda x: x + x.cumsum(1),
    "flip": lambda x: x.flip(1),
    "roll": lambda x: x.roll(2, 1),
    "roll flat": lambda x: x.roll(3),
    "slices": lambda x: x[:, 2:7] * 2,
    "steps": lambda x: torch.cat((x[:, ::2], x[:, 1::2]), 1),
    "shifted sum": lambda x: x[:, 1:] + x[:, :-1],
    "features beside": lambda x: torch.cat((x, x.cumsum(1)), 2),
    "stack": lambda x: torch.stack((x, x.flip(1)), 2),
    "pad": lambda x: functional.pad(x, (0, 0, 3, 1)),
    "crop": lambda x: functional.pad(x, (0, 1, -2, 1)),
    "repeat": lambda x: x.repeat(1, 2, 1),
    "merge": lambda x: x.reshape(x.shape[0], -1) * 3,
    "frames": lambda x: x.reshape(2, 3, 3, C).sum(2),
    "windows": lambda x: x.unfold(1, 3, 2).mean(-1),
    "mean": lambda x: x.mean(1),
    "largest": lambda x: x.max(1)[0],
    "softmax": lambda x: torch.softmax(x, 1),
    "over features": lambda x: torch.softmax(x, -1),
    "norm": lambda x: functional.layer_norm(x, (C,)),
    "cumulated": lambda x: x.cumsum(1),
    "lower triangle": lambda x: torch.ones(T, T, dtype=x.dtype).tril() @ x + x,
    "outer": lambda x: x[:, :, None, 0] * x[:, None, :, 1],
    "einsum": lambda x: torch.einsum("btc,bsc->bts", x, x),
    "written": lambda x: _written(x),
    "transposed": lambda x: x.transpose(1, 2),
    "picked": lambda x: x[:, [7, 0, 3]],
    "picked features": lambda x: x[:, :, [2, 0]],
    "selected": lambda x: x.index_select(1, torch.tensor([4, 4, 1])),
    "complex": lambda x: torch.view_as_real(torch.view_as_complex(x.unflatten(2, (2, 2)).contiguous()) * 2),
    "real part": lambda x: torch.view_as_complex(x.unflatten(2, (2, 2)).cumsum(1)).real * 2,
    "rotated": lambda x: _rotated(x),
    "distances": lambda x: torch.cdist(x, 2 * x + 1),
    "quantised": lambda x: torch.fake_quantize_per_tensor_affine(x.float(), 1e-6, 0, -(2**31), 2**31 - 1),
    "spectrum": lambda x: torch.fft.fft(x, dim=1).real,
    "spectrum of features": lambda x: torch.fft.fft2(x, dim=(-1, -2)).real,
}


@pytest.mark.parametrize("name", [name for name in MOVES if name != "lower triangle"])
def test_movement_and_reductions(name: str) -> None:
    class Function(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return MOVES[name](x)

    assert_exact(Function, (2, T, C), 1)


def _rotated(x: Tensor) -> Tensor:
    turned = torch.view_as_complex(x.unflatten(2, (2, 2)).contiguous()) * torch.polar(
        torch.ones(T, 1, dtype=x.dtype), torch.arange(T, dtype=x.dtype)[:, None]
    )
    return torch.view_as_real(turned).flatten(2)


def _written(x: Tensor) -> Tensor:
    y = torch.zeros_like(x)
    y[:, 1:] = x[:, :-1]
    y[:, 0, 1] = x[:, 5, 2]
    return y
