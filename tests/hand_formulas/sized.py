"""Models of practical width, where biases, norms and activations weigh little beside the products."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from .case import Case, Written, case, x


def two_layer_lstm() -> Case:
    """T 40, N 2, I 96, H 128: 80 * (4*128*(96+128) + 4*128*(128+128))."""
    return case(nn.LSTM(96, 128, 2), x(40, 2, 96), macs=80 * 4 * 128 * (224 + 256))


def bidirectional_gru_batch_first() -> Case:
    """80 * 2 * 3*128*(96+128), then over 256: 80 * 2 * 3*128*(256+128)."""
    model = nn.GRU(96, 128, 2, batch_first=True, bidirectional=True)
    return case(model, x(2, 40, 96), macs=80 * 2 * 3 * 128 * (224 + 384))


def lstm_with_projection() -> Case:
    """R 32: 80 * (4*128*(96+32) + 128*32)."""
    return case(nn.LSTM(96, 128, proj_size=32), x(40, 2, 96), macs=80 * (4 * 128 * 128 + 128 * 32))


def packed_lstm() -> Case:
    """Lengths 40 and 10 are 50 steps: 50 * 4*128*(96+128)."""

    def forward(self: Written, a: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return self.layer(pack_padded_sequence(a, lengths))[0].data

    model = Written(forward, layer=nn.LSTM(96, 128))
    return case(model, x(40, 2, 96), torch.tensor([40, 10]), macs=50 * 4 * 128 * 224)


def lstm_cell_in_a_loop() -> Case:
    """20 steps at N 2."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        state = None
        for step in a:
            state = self.cell(step, state)
        return self.out(state[0])

    model = Written(forward, cell=nn.LSTMCell(96, 128), out=nn.Linear(128, 64))
    return case(model, x(20, 2, 96), macs=40 * 4 * 128 * 224 + 2 * 128 * 64)


def attention_over_an_encoder() -> Case:
    """GRU over 30 words; 10 steps of dot attention over them, GRU cell on word and context, and 500 classes.

    N 2: 60*3*128*256; per step 2*30*128 twice, cell 3*128*(256+128), classes 256*500, for 20.
    """

    def forward(self: Written, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        keys, h = self.encoder(source)
        h, words = h[0], []
        for word in target.unbind(1):
            weights = torch.bmm(keys, h.unsqueeze(2)).softmax(1)
            context = torch.bmm(weights.transpose(1, 2), keys).squeeze(1)
            h = self.cell(torch.cat([word, context], 1), h)
            words.append(self.classes(torch.cat([h, context], 1)))
        return torch.stack(words, 1)

    model = Written(
        forward,
        encoder=nn.GRU(128, 128, batch_first=True),
        cell=nn.GRUCell(256, 128),
        classes=nn.Linear(256, 500),
    )
    step = 2 * 30 * 128 + 3 * 128 * 384 + 256 * 500
    return case(model, x(2, 30, 128), x(2, 10, 128), macs=60 * 3 * 128 * 256 + 20 * step)


def mixture_of_experts() -> Case:
    """64 tokens, each through the best 2 of 4 experts 128 -> 256 -> 128; router 64*128*4."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        weights, chosen = self.router(a).softmax(-1).topk(2)
        result = torch.zeros_like(a)
        for number, expert in enumerate(self.experts):
            row, place = torch.where(chosen == number)
            result.index_add_(0, row, expert(a[row]) * weights[row, place, None])
        return result

    experts = [nn.Sequential(nn.Linear(128, 256), nn.ReLU(), nn.Linear(256, 128)) for _ in range(4)]
    model = Written(forward, router=nn.Linear(128, 4), experts=nn.ModuleList(experts))
    return case(model, x(64, 128), macs=64 * 128 * 4 + 128 * 2 * 128 * 256)


def mamba_block() -> Case:
    """N 1, L 32, 64 -> 128 inside, state 16, rank 4.

    In 32*64*256, depthwise (32+3)*128*4 with the three places cut off, x 32*128*36, dt 32*4*128, the scan's
    states 32*128*16, out 32*128*64.
    """

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        u, gate = self.come_in(a).chunk(2, -1)
        u = F.silu(self.conv(u.transpose(1, 2))[..., :32].transpose(1, 2))
        dt, b, c = self.pick(u).split([4, 16, 16], -1)
        dt, h, ys = F.softplus(self.dt(dt)), u.new_zeros(1, 128, 16), []
        for t in range(32):
            h = torch.exp(dt[:, t, :, None] * self.a) * h + (dt[:, t] * u[:, t])[..., None] * b[:, t, None]
            ys.append((h @ c[:, t, :, None]).squeeze(-1))
        return self.out(torch.stack(ys, 1) * F.silu(gate))

    model = Written(
        forward,
        come_in=nn.Linear(64, 256),
        conv=nn.Conv1d(128, 128, 4, padding=3, groups=128),
        pick=nn.Linear(128, 36),
        dt=nn.Linear(4, 128),
        a=x(128, 16),
        out=nn.Linear(128, 64),
    )
    macs = 32 * (64 * 256 + 128 * 36 + 4 * 128 + 128 * 16 + 128 * 64) + 35 * 128 * 4
    return case(model, x(1, 32, 64), macs=macs)


def residual_block() -> Case:
    """28x28 of 64: two of 64*64*9."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm2(self.conv2(F.relu(self.norm1(self.conv1(a))))) + a)

    convolutions = {f"conv{i}": nn.Conv2d(64, 64, 3, padding=1, bias=False) for i in (1, 2)}
    norms = {f"norm{i}": nn.BatchNorm2d(64) for i in (1, 2)}
    return case(Written(forward, **convolutions, **norms), x(1, 64, 28, 28), macs=784 * 2 * 36864)


def inverted_residual() -> Case:
    """28x28 of 32, widened to 192, depthwise 3x3, back: 784 * (32*192 + 192*9 + 192*32)."""
    model = nn.Sequential(
        nn.Conv2d(32, 192, 1, bias=False),
        nn.BatchNorm2d(192),
        nn.ReLU6(),
        nn.Conv2d(192, 192, 3, padding=1, groups=192, bias=False),
        nn.BatchNorm2d(192),
        nn.ReLU6(),
        nn.Conv2d(192, 32, 1, bias=False),
        nn.BatchNorm2d(32),
    )
    return case(model, x(1, 32, 28, 28), macs=784 * (6144 + 1728 + 6144))


def u_net() -> Case:
    """32x32: down 1024*3*16*9, bottom (16x16) 256*16*32*9, up 256*32*16*4, joined 1024*32*16*9."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        skip = F.relu(self.down(a))
        low = F.relu(self.bottom(F.max_pool2d(skip, 2)))
        return self.join(torch.cat([skip, self.up(low)], 1))

    model = Written(
        forward,
        down=nn.Conv2d(3, 16, 3, padding=1),
        bottom=nn.Conv2d(16, 32, 3, padding=1),
        up=nn.ConvTranspose2d(32, 16, 2, stride=2),
        join=nn.Conv2d(32, 16, 3, padding=1),
    )
    macs = 1024 * 432 + 256 * 4608 + 256 * 2048 + 1024 * 4608
    return case(model, x(1, 3, 32, 32), macs=macs)


def image_decoder() -> Case:
    """Transposed, K 4 at stride 2: 4x4 of 128 to 64, then 8x8 of 64 to 32, in 1 and 2 groups."""
    model = nn.Sequential(
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1, groups=2),
    )
    return case(model, x(1, 128, 4, 4), macs=16 * 128 * 64 * 16 + 64 * 64 * 16 * 16)


def temporal_convolution() -> Case:
    """L 200, 64 channels, K 3, dilations 1, 2, 4, 8, padded on the left: 4 * 200*64*64*3."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        for depth, layer in enumerate(self.layers):
            a = a + F.relu(layer(F.pad(a, (2 * 2**depth, 0))))
        return a

    layers = nn.ModuleList([nn.Conv1d(64, 64, 3, dilation=2**depth) for depth in range(4)])
    return case(Written(forward, layers=layers), x(1, 64, 200), macs=4 * 200 * 12288)


def perceptron() -> Case:
    """64 rows through 256 -> 512 -> 100."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 100))
    return case(model, x(64, 16, 16), macs=64 * (256 * 512 + 512 * 100))


def low_rank_adapter_by_function() -> Case:
    """64 rows of 256: W 256x256, A 256x8, B 8x256."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return F.linear(a, self.w, self.b) + (a @ self.low) @ self.high

    model = Written(forward, w=x(256, 256), b=x(256), low=x(256, 8), high=x(8, 256))
    return case(model, x(64, 256), macs=64 * (65536 + 2 * 2048))


def bilinear_matching() -> Case:
    """einsum of three: 32 pairs of 128 through W [16, 128, 128], the first with W, then a dot each."""
    model = Written(lambda self, a, b: torch.einsum("ni,oij,nj->no", a, self.w, b), w=x(16, 128, 128))
    return case(model, x(32, 128), x(32, 128), macs=32 * 16 * 128 * 129)
