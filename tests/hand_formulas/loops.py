"""Recurrent layers of the less usual kinds, recurrences written as loops, state spaces."""

from __future__ import annotations

import torch
from torch import nn
from torch._higher_order_ops import scan, while_loop
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .case import Case, Written, case, x

LENGTHS = torch.tensor([4, 7, 2])
"""13 steps in all."""


def packed(layer: nn.RNNBase, macs: int) -> Case:
    """A layer over packed sequences, batch first, unsorted."""

    def forward(self: Written, a: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        sequence = pack_padded_sequence(a, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.layer(sequence)[0], batch_first=True)[0]

    return case(Written(forward, layer=layer), x(3, 7, 5), LENGTHS, macs=macs)


def packed_lstm_with_projection_in_both_directions() -> Case:
    """R 2, the second layer reads 4: 13 * 2 * (4*3*(5+2) + 6 + 4*3*(4+2) + 6)."""
    layer = nn.LSTM(5, 3, 2, batch_first=True, proj_size=2, bidirectional=True)
    return packed(layer, 13 * 2 * (84 + 6 + 72 + 6))


def packed_gru_of_three_layers() -> Case:
    """13 * (3*3*(5+3) + 2 * 3*3*(3+3))."""
    return packed(nn.GRU(5, 3, 3, batch_first=True), 13 * (72 + 108))


def packed_rnn_in_both_directions() -> Case:
    """13 * 2 * 3*(5+3)."""
    layer = nn.RNN(5, 3, nonlinearity="relu", batch_first=True, bidirectional=True)
    return packed(layer, 13 * 2 * 24)


def lstm_with_projection_and_given_states() -> Case:
    """14 * (4*3*(5+2) + 6)."""
    layer = nn.LSTM(5, 3, proj_size=2, batch_first=True)
    return case(layer, x(2, 7, 5), (x(1, 2, 2), x(1, 2, 3)), macs=14 * 90)


def lstm_called_step_by_step() -> Case:
    """Two layers, T 1 a call: 14 * (96 + 72)."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        state, results = None, []
        for t in range(7):
            y, state = self.layer(a[t : t + 1], state)
            results.append(y)
        return torch.cat(results)

    return case(Written(forward, layer=nn.LSTM(5, 3, 2)), x(7, 2, 5), macs=14 * 168)


def cell_that_ponders() -> Case:
    """Three rounds at each step: 3*14 * 3*(5+3)."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        h = a.new_zeros(2, 3)
        for t in range(7):
            for _ in range(3):
                h = self.cell(a[t], h)
        return h

    return case(Written(forward, cell=nn.RNNCell(5, 3)), x(7, 2, 5), macs=42 * 24)


def convolutional_lstm() -> Case:
    """5 steps over 6x6: 36 * 16*(3+4)*9."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        h = c = a.new_zeros(1, 4, 6, 6)
        for frame in a:
            i, f, g, o = self.gates(torch.cat([frame, h], 1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h

    return case(Written(forward, gates=nn.Conv2d(7, 16, 3, padding=1)), x(5, 1, 3, 6, 6), macs=5 * 36 * 1008)


def linear_recurrence() -> Case:
    """h = W h, nothing beside the state: 10 * 5*5."""

    def forward(self: Written, h: torch.Tensor) -> torch.Tensor:
        for _ in range(10):
            h = torch.mv(self.w, h)
        return h

    return case(Written(forward, w=x(5, 5)), x(5), macs=250)


def power_iteration() -> Case:
    """v = W v / |W v|, sigma = v . (W v) of the last: 8 * 25 + 25 + 5."""

    def forward(self: Written, v: torch.Tensor) -> torch.Tensor:
        for _ in range(8):
            v = F.normalize(self.w @ v, dim=0)
        return v @ (self.w @ v)

    return case(Written(forward, w=x(5, 5)), x(5), macs=230)


def step_of_a_state_space() -> Case:
    """Mamba decoding, N 2: in 4*12, x 6*9, dt 1*6, out 6*4, states 6*4; a sum for a convolution."""

    def forward(self: Written, a: torch.Tensor, window: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        u, gate = self.come_in(a).chunk(2, -1)
        u = F.silu((torch.cat([window[..., 1:], u[..., None]], -1) * self.filter).sum(-1))
        dt, b, c = self.pick(u).split([1, 4, 4], -1)
        dt = F.softplus(self.dt(dt))
        h = torch.exp(dt[..., None] * self.a) * h + (dt * u)[..., None] * b[:, None]
        return self.out(torch.einsum("bdn,bn->bd", h, c) * F.silu(gate))

    parts = {"come_in": (4, 12), "pick": (6, 9), "dt": (1, 6), "out": (6, 4)}
    linears = {name: nn.Linear(*sizes) for name, sizes in parts.items()}
    model = Written(forward, filter=x(6, 3), a=x(6, 4), **linears)
    return case(model, x(2, 4), x(2, 6, 3), x(2, 6, 4), macs=2 * (48 + 54 + 6 + 24 + 24))


def state_space_in_chunks() -> Case:
    """Mamba 2 at N 2, two chunks of 4, 2 heads of 3, state 4.

    b and c 16*6*4 each; per chunk of four: C B' 4*4*4, its product with x 4*4*6, states 4*4*6 and what they
    give 4*4*6.
    """

    def forward(self: Written, u: torch.Tensor) -> torch.Tensor:
        b, c = self.b(u).view(2, 2, 4, 4), self.c(u).view(2, 2, 4, 4)
        u = u.view(2, 2, 4, 2, 3)
        within = torch.einsum("ncls,ncshp->nclhp", torch.einsum("nclz,ncsz->ncls", c, b), u)
        states = torch.einsum("ncsz,ncshp->nchpz", b, u)
        return within + torch.einsum("nclz,nchpz->nclhp", c, states)

    model = Written(forward, b=nn.Linear(6, 4), c=nn.Linear(6, 4))
    return case(model, x(2, 8, 6), macs=2 * 16 * 24 + 4 * (64 + 3 * 96))


def scan_in_a_tree() -> Case:
    """Elementwise products and sums are no multiply-accumulates of a product."""

    def forward(_: Written, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        for reach in (1, 2, 4):
            b = b + a * F.pad(b[:, :-reach], (0, 0, reach, 0))
            a = a * F.pad(a[:, :-reach], (0, 0, reach, 0), value=1.0)
        return b.cumsum(1) + a.cumprod(1)

    return case(Written(forward), x(2, 8, 6), x(2, 8, 6), macs=0)


def scan_as_an_operator() -> Case:
    """7 steps of a product [2, 5] by [5, 5], whose results are stacked: 7 * 50."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        def step(h: torch.Tensor, row: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            h = torch.tanh(h @ self.w + row)
            return h, h.clone()

        return scan(step, a.new_zeros(2, 5), a)[1]

    return case(Written(forward, w=x(5, 5)), x(7, 2, 5), macs=350)


def map_as_an_operator() -> Case:
    """Each of 7 [2, 5] by [5, 4]."""
    model = Written(lambda self, a: torch._higher_order_ops.map(lambda row: row @ self.w, a), w=x(5, 4))
    return case(model, x(7, 2, 5), macs=280)


def loop_as_an_operator() -> Case:
    """Three rounds of [6, 5] by [5, 5]."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        def body(i: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return i + 1, h @ self.w

        return while_loop(lambda i, _: i < 3, body, (torch.tensor(0), a))[1]

    return case(Written(forward, w=x(5, 5)), x(6, 5), macs=450)
