"""Mamba: a language model of selective state spaces, whose state of fixed size is its only memory.

The selective scan is a loop over time, h = exp(dt A) h + (dt x) B and y = h C for each token, with the
additions and multiplications of the published kernel; the tracer folds it into one loop per layer. The
kernel's parallel form does the same arithmetic in another order.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from hwcost.models.card import Published
from hwcost.models.settings import LAYERS_AT_MOST, at_least, at_most

CITATION: Final = "Gu and Dao 2023, arXiv:2312.00752, mamba-130m"

PARAMETERS: Final = 129_135_360

PUBLISHED: Final = (
    Published(
        source="state-spaces/mamba-130m as its author counts it, github.com/state-spaces/mamba issue 48",
        settings={},
        parameters=129_135_360,
    ),
)

WIDTH: Final = "d_model"

REACH: Final = "state"

CHANNELS_PER_RANK: Final = 16
"""Features over the rank of dt's projection, ceil(d_model / 16) (mamba_simple.py of the authors' code)."""


class SelectiveScan(nn.Module):
    """h_t = exp(dt_t A) * h_(t-1) + (dt_t x_t) B_t; y_t = h_t C_t + D * x_t, for each of `inner` features."""

    def __init__(self, *, inner: int, state_size: int) -> None:
        super().__init__()
        self.A_log = nn.Parameter(torch.empty(inner, state_size))
        self.D = nn.Parameter(torch.empty(inner))

    def forward(self, x: Tensor, dt: Tensor, b: Tensor, c: Tensor) -> Tensor:
        """x, dt[seq_len, batch, inner], b, c[seq_len, batch, state_size] -> y as x."""
        decay = -torch.exp(self.A_log)
        h = x.new_zeros(*x.shape[1:], decay.shape[1])
        steps = zip(
            dt.unsqueeze(3).unbind(0),
            (dt * x).unsqueeze(3).unbind(0),
            b.unsqueeze(2).unbind(0),
            c.unsqueeze(3).unbind(0),
            strict=True,
        )
        outputs = []
        for dt_t, x_t, b_t, c_t in steps:
            h = torch.addcmul(x_t * b_t, torch.exp(dt_t * decay), h)
            outputs.append(torch.bmm(h, c_t))
        return torch.stack(outputs).squeeze(3) + self.D * x


class Block(nn.Module):
    """y = x + out(scan(silu(conv(u))) * silu(z)), (u, z) = in(norm(x))."""

    def __init__(self, *, d_model: int, state_size: int, expand: int, kernel_size: int) -> None:
        super().__init__()
        inner, rank = expand * d_model, -(-d_model // CHANNELS_PER_RANK)
        self.sizes = (rank, state_size, state_size)
        self.norm = nn.RMSNorm(d_model, eps=1e-5)
        self.in_projection = nn.Linear(d_model, 2 * inner, bias=False)
        self.convolution = nn.Conv1d(inner, inner, kernel_size, groups=inner)
        self.x_projection = nn.Linear(inner, sum(self.sizes), bias=False)
        self.dt_projection = nn.Linear(rank, inner)
        self.scan = SelectiveScan(inner=inner, state_size=state_size)
        self.out_projection = nn.Linear(inner, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x[seq_len, batch, d_model] -> y of the same shape."""
        u, z = self.in_projection(self.norm(x)).chunk(2, -1)
        past = self.convolution.kernel_size[0] - 1
        u = self.convolution(functional.pad(u.permute(1, 2, 0), (past, 0))).permute(2, 0, 1)
        u = functional.silu(u)
        dt, b, c = self.x_projection(u).split(self.sizes, -1)
        y = self.scan(u, functional.softplus(self.dt_projection(dt)), b, c)
        result: Tensor = x + self.out_projection(y * functional.silu(z))
        return result


class Mamba(nn.Module):
    """ids[seq_len, batch] -> scores[seq_len, batch, vocabulary] of the token after each."""

    def __init__(
        self,
        *,
        d_model: int,
        num_layers: int,
        state_size: int,
        expand: int,
        kernel_size: int,
        vocabulary: int,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, d_model)
        self.layers = nn.Sequential(
            *(
                Block(d_model=d_model, state_size=state_size, expand=expand, kernel_size=kernel_size)
                for _ in range(num_layers)
            )
        )
        self.norm = nn.RMSNorm(d_model, eps=1e-5)

    def forward(self, ids: Tensor) -> Tensor:
        """Scores of every position in one pass; the output layer shares its weights with the embedding."""
        return functional.linear(self.norm(self.layers(self.tokens(ids))), self.tokens.weight)


def build(
    *,
    seq_len: int = 1000,
    batch: int = 1,
    d_model: int = 768,
    num_layers: int = 24,
    state_size: int = 16,
    expand: int = 2,
    kernel_size: int = 4,
    vocabulary: int = 50_280,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The model on the meta device, and ids[seq_len, batch].

    Args:
        seq_len: Tokens.
        batch: Sequences side by side.
        d_model: Features of a token.
        num_layers: Blocks on top of each other.
        state_size: Numbers that each inner feature remembers.
        expand: Inner features over d_model.
        kernel_size: Taps of the causal convolution before the scan.
        vocabulary: Tokens that it knows, filled up to a multiple of 8.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, seq_len=seq_len, batch=batch, d_model=d_model, num_layers=num_layers, state_size=state_size)
    at_least(1, expand=expand, kernel_size=kernel_size, vocabulary=vocabulary)
    at_most(LAYERS_AT_MOST, num_layers=num_layers)
    with torch.device("meta"):
        model = Mamba(
            d_model=d_model,
            num_layers=num_layers,
            state_size=state_size,
            expand=expand,
            kernel_size=kernel_size,
            vocabulary=vocabulary,
        )
        return model.eval(), (torch.empty(seq_len, batch, dtype=torch.int64),)
