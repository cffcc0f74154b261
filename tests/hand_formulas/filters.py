"""Convolutions of the less usual kinds."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .case import Case, Written, case, x


def same_padding_dilated_in_groups() -> Case:
    """9x9 stays: 81*8*3*9."""
    model = nn.Conv2d(6, 8, 3, padding="same", dilation=2, groups=2)
    return case(model, x(1, 6, 9, 9), macs=81 * 216)


def valid_padding_with_stride_in_groups() -> Case:
    """Kernel 3x2 at stride 2 of 9x9: 4x4, N 2: 32*8*3*6."""
    model = nn.Conv2d(6, 8, (3, 2), stride=2, padding="valid", groups=2)
    return case(model, x(2, 6, 9, 9), macs=32 * 144)


def repeated_padding() -> Case:
    """4^3 stays: 64*3*2*27."""
    return case(nn.Conv3d(2, 3, 3, padding=1, padding_mode="replicate"), x(1, 2, 4, 4, 4), macs=10368)


def every_option_of_a_transposed_one() -> Case:
    """N 2, 7 places of 6, each spread over 9/3 * 5: 2*7*6*15."""
    model = nn.ConvTranspose1d(6, 9, 5, stride=3, padding=2, output_padding=2, groups=3, dilation=2)
    return case(model, x(2, 6, 7), macs=1260)


def transposed_to_a_given_size() -> Case:
    """64*3*4*9, whatever the size."""
    model = Written(
        lambda self, a: self.up(a, output_size=[18, 18]), up=nn.ConvTranspose2d(3, 4, 3, stride=2)
    )
    return case(model, x(1, 3, 8, 8), macs=6912)


def transposed_depthwise() -> Case:
    """27*4*27."""
    return case(nn.ConvTranspose3d(4, 4, 3, groups=4), x(1, 4, 3, 3, 3), macs=2916)


def transposed_function() -> Case:
    """2*20*3*4*5."""
    model = Written(lambda self, a: F.conv_transpose1d(a, self.w, stride=2), w=x(3, 4, 5))
    return case(model, x(2, 3, 20), macs=2400)


def time_first() -> Case:
    """conv_tbc, K 3, 4 -> 5, 20 steps stay: 20*2*5*12."""
    model = Written(lambda self, a: torch.conv_tbc(a, self.w, self.b, 1), w=x(3, 4, 5), b=x(5))
    return case(model, x(20, 2, 4), macs=2400)


def filters_of_each_image() -> Case:
    """Batch as groups: 2*36*4*27."""

    def forward(_: Written, a: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return F.conv2d(a.view(1, 6, 8, 8), w.view(8, 3, 3, 3), groups=2)

    return case(Written(forward), x(2, 3, 8, 8), x(2, 4, 3, 3, 3), macs=7776)


def windows_by_a_matrix() -> Case:
    """unfold twice, 72 windows of 27 by 4."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return a.unfold(2, 3, 1).unfold(3, 3, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 27) @ self.w

    return case(Written(forward, w=x(27, 4)), x(2, 3, 8, 8), macs=7776)


def spatial_transformer() -> Case:
    """1x1 convolution 64*3*4, six numbers from 192, and the grid: 64 places * 3 * 2."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        theta = self.place(a.flatten(1)).view(1, 2, 3)
        grid = F.affine_grid(theta, [1, 4, 8, 8], align_corners=False)
        return F.grid_sample(self.conv(a), grid, align_corners=False)

    model = Written(forward, conv=nn.Conv2d(3, 4, 1), place=nn.Linear(192, 6))
    return case(model, x(1, 3, 8, 8), macs=768 + 1152 + 384)


def patches_there_and_back() -> Case:
    """16 patches of 12: 16*12*12."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        patches = F.unfold(a, 2, stride=2).transpose(1, 2)
        return F.fold(self.part(patches).transpose(1, 2), (8, 8), 2, stride=2)

    return case(Written(forward, part=nn.Linear(12, 12)), x(1, 3, 8, 8), macs=2304)


def pooling_alone() -> Case:
    return case(Written(lambda _, a: F.avg_pool2d(a, 2) + F.lp_pool2d(a, 2, 2)), x(1, 3, 8, 8), macs=0)
