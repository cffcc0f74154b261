"""Blocks and small networks as papers draw them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .case import Case, Written, case, x


def squeeze_excite() -> Case:
    """8x8 image of 6, convolved 64*6*6*9; squeezed to 6, 6 -> 2 -> 6: 12 + 12."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        a = self.conv(a)
        scale = torch.sigmoid(self.up(F.relu(self.down(F.adaptive_avg_pool2d(a, 1)))))
        return a * scale

    model = Written(
        forward, conv=nn.Conv2d(6, 6, 3, padding=1), down=nn.Conv2d(6, 2, 1), up=nn.Conv2d(2, 6, 1)
    )
    return case(model, x(1, 6, 8, 8), macs=20736 + 24)


def inception() -> Case:
    """64 * (6*2 + 6*3 + 3*4*9 + 6*2 + 2*3*25 + 6*2): 1x1, 3x3, 5x5, pooled."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.one(a), self.three(a), self.five(a), self.pooled(a)], 1)

    model = Written(
        forward,
        one=nn.Conv2d(6, 2, 1),
        three=nn.Sequential(nn.Conv2d(6, 3, 1), nn.Conv2d(3, 4, 3, padding=1)),
        five=nn.Sequential(nn.Conv2d(6, 2, 1), nn.Conv2d(2, 3, 5, padding=2)),
        pooled=nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(6, 2, 1)),
    )
    return case(model, x(1, 6, 8, 8), macs=64 * (12 + 18 + 108 + 12 + 150 + 12))


def u_net() -> Case:
    """Down 64*1*2*9, bottom (4x4) 16*2*4*9, up 16*4*2*4, joined 64*4*1*9."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        skip = F.relu(self.down(a))
        low = F.relu(self.bottom(F.max_pool2d(skip, 2)))
        return self.join(torch.cat([skip, self.up(low)], 1))

    model = Written(
        forward,
        down=nn.Conv2d(1, 2, 3, padding=1),
        bottom=nn.Conv2d(2, 4, 3, padding=1),
        up=nn.ConvTranspose2d(4, 2, 2, stride=2),
        join=nn.Conv2d(4, 1, 3, padding=1),
    )
    return case(model, x(1, 1, 8, 8), macs=1152 + 1152 + 512 + 2304)


def upsampled_then_convolved() -> Case:
    """Interpolation is vector work: 16x16 places of 2*3*9."""
    model = nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), nn.Conv2d(2, 3, 3, padding=1)
    )
    return case(model, x(1, 2, 8, 8), macs=256 * 54)


def residual_block() -> Case:
    """ResNet's basic block with stride 2: 16 places * (4*8*9 + 8*8*9 + 4*8)."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        b = F.relu(self.norm1(self.conv1(a)))
        return F.relu(self.norm2(self.conv2(b)) + self.short(a))

    model = Written(
        forward,
        conv1=nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=False),
        norm1=nn.BatchNorm2d(8),
        conv2=nn.Conv2d(8, 8, 3, padding=1, bias=False),
        norm2=nn.BatchNorm2d(8),
        short=nn.Sequential(nn.Conv2d(4, 8, 1, stride=2, bias=False), nn.BatchNorm2d(8)),
    )
    return case(model, x(1, 4, 8, 8), macs=16 * (288 + 576 + 32))


def mixer() -> Case:
    """N 2, 6 tokens, 8 channels: tokens 2*8 * 2*6*12, channels 2*6 * 2*8*16."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        a = a + self.tokens(self.norm1(a).transpose(1, 2)).transpose(1, 2)
        return a + self.channels(self.norm2(a))

    model = Written(
        forward,
        norm1=nn.LayerNorm(8),
        norm2=nn.LayerNorm(8),
        tokens=nn.Sequential(nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6)),
        channels=nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)),
    )
    return case(model, x(2, 6, 8), macs=2 * 8 * 144 + 2 * 6 * 256)


def vision_transformer() -> Case:
    """16 patches 4*4*3 -> 8; 17 tokens through a layer of width 8 (16 inside); 8 -> 10 classes.

    Patches 16*48*8, layer 17*(4*64 + 2*128) + 2*17*17*8, classes 80.
    """

    def forward(self: Written, image: torch.Tensor) -> torch.Tensor:
        patches = self.patch(image).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(1, -1, -1), patches], 1) + self.place
        return self.classes(self.layer(tokens)[:, 0])

    model = Written(
        forward,
        patch=nn.Conv2d(3, 8, 4, stride=4),
        token=x(1, 1, 8),
        place=x(1, 17, 8),
        layer=nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        classes=nn.Linear(8, 10),
    )
    return case(model, x(1, 3, 16, 16), macs=6144 + 17 * 512 + 2 * 17 * 17 * 8 + 80)


def experts_in_a_loop() -> Case:
    """16 tokens of 8, the best 2 of 4 experts 8 -> 12 -> 8: router 16*8*4, experts 16*2 * 2*96."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        weights, chosen = self.router(a).softmax(-1).topk(2)
        result = torch.zeros_like(a)
        for number, expert in enumerate(self.experts):
            row, place = torch.where(chosen == number)
            result.index_add_(0, row, expert(a[row]) * weights[row, place, None])
        return result

    experts = [nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 8)) for _ in range(4)]
    model = Written(forward, router=nn.Linear(8, 4), experts=nn.ModuleList(experts))
    return case(model, x(16, 8), macs=512 + 32 * 192)


def experts_grouped() -> Case:
    """16 rows of 8, each through one of 4 weights [8, 16]: 16*8*16."""

    def forward(self: Written, a: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
        return torch._grouped_mm(a, self.w, offs=ends)

    ends = torch.tensor([4, 8, 12, 16], dtype=torch.int32)
    model = Written(forward, w=x(4, 8, 16, dtype=torch.bfloat16))
    return case(model, x(16, 8, dtype=torch.bfloat16), ends, macs=2048)


def experts_all_at_once() -> Case:
    """Every token through every expert: 4 * 16*8*12, gates 16*8*4, and their sum over experts."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        every = torch.einsum("td,edf->tef", a, self.w)
        return (every * self.router(a).softmax(-1).unsqueeze(-1)).sum(1)

    return case(Written(forward, router=nn.Linear(8, 4), w=x(4, 8, 12)), x(16, 8), macs=6144 + 512)


def selective_scan() -> Case:
    """Mamba at N 2, L 7, inner width 6, state 4, rank 1.

    In 14*4*12, depthwise 2*7*6*3 (and two places of padding that are cut off: 2*9*6*3), x 14*6*9,
    dt 14*1*6, out 14*6*4; the scan sums 4 states per step and channel: 14*6*4.
    """

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        u, gate = self.come_in(a).chunk(2, -1)
        u = F.silu(self.conv(u.transpose(1, 2))[..., :7].transpose(1, 2))
        dt, b, c = self.pick(u).split([1, 4, 4], -1)
        dt = F.softplus(self.dt(dt))
        h = u.new_zeros(2, 6, 4)
        ys = []
        for t in range(7):
            h = torch.exp(dt[:, t, :, None] * self.a) * h + (dt[:, t] * u[:, t])[..., None] * b[:, t, None]
            ys.append((h @ c[:, t, :, None]).squeeze(-1))
        return self.out(torch.stack(ys, 1) * F.silu(gate))

    model = Written(
        forward,
        come_in=nn.Linear(4, 12),
        conv=nn.Conv1d(6, 6, 3, padding=2, groups=6),
        pick=nn.Linear(6, 9),
        dt=nn.Linear(1, 6),
        a=x(6, 4),
        out=nn.Linear(6, 4),
    )
    return case(model, x(2, 7, 4), macs=14 * (48 + 54 + 6 + 24 + 24) + 2 * 9 * 6 * 3)


def temporal_convolution() -> Case:
    """Two causal convolutions 3 -> 4 -> 4, K 3, dilations 1 and 2, padded left and cut: L 20 stays."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        b = F.relu(self.one(F.pad(a, (2, 0))))
        return F.relu(self.two(F.pad(b, (4, 0))) + self.short(a))

    model = Written(
        forward, one=nn.Conv1d(3, 4, 3), two=nn.Conv1d(4, 4, 3, dilation=2), short=nn.Conv1d(3, 4, 1)
    )
    return case(model, x(1, 3, 20), macs=20 * (36 + 48 + 12))


def wavenet_block() -> Case:
    """Filter and gate 4 -> 4 with K 2 and dilation 4, 20 -> 16; 1x1 to residual and skip."""

    def forward(self: Written, a: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        b = torch.tanh(self.filter(a)) * torch.sigmoid(self.gate(a))
        return a[..., 4:] + self.residual(b), self.skip(b)

    model = Written(
        forward,
        filter=nn.Conv1d(4, 4, 2, dilation=4),
        gate=nn.Conv1d(4, 4, 2, dilation=4),
        residual=nn.Conv1d(4, 4, 1),
        skip=nn.Conv1d(4, 6, 1),
    )
    return case(model, x(1, 4, 20), macs=16 * (32 + 32 + 16 + 24))


def read_of_a_turing_machine() -> Case:
    """Memory of 10 rows of 6: key 8*6, similarity M k 10*6, read w M 10*6."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        key = F.normalize(self.key(a), dim=-1)
        weights = (F.normalize(self.memory, dim=-1) @ key).softmax(-1)
        return weights @ self.memory

    return case(Written(forward, key=nn.Linear(8, 6), memory=x(10, 6)), x(8), macs=168)


def graph_convolution() -> Case:
    """Adjacency 10x10, features 8 -> 4: 10*8*4, then 10*10*4."""
    model = Written(lambda self, nodes, edges: edges @ self.part(nodes), part=nn.Linear(8, 4, bias=False))
    return case(model, x(10, 8), x(10, 10), macs=320 + 400)


def gated_feed_forward() -> Case:
    """SwiGLU: 12 rows through 8 -> 16 twice and 16 -> 8."""
    model = Written(
        lambda self, a: self.down(F.silu(self.gate(a)) * self.up(a)),
        gate=nn.Linear(8, 16, bias=False),
        up=nn.Linear(8, 16, bias=False),
        down=nn.Linear(16, 8, bias=False),
    )
    return case(model, x(2, 6, 8), macs=12 * 3 * 128)


def autoencoder_with_factored_norms() -> Case:
    """12 rows, 8 -> 4 -> 8; group, instance and RMS norms are vector work."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        code = F.rms_norm(self.down(a), (4,))
        return F.instance_norm(F.group_norm(self.up(code).transpose(1, 2), 2))

    return case(Written(forward, down=nn.Linear(8, 4), up=nn.Linear(4, 8)), x(2, 6, 8), macs=12 * 64)
