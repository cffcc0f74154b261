"""Convolutions: every output element sums Cin/g * K products; transposed, every input element is spread."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .case import Case, Written, case, x


def one_dimension() -> Case:
    """N 2, 3 -> 4, K 5, L 20 -> 16: 2*16*4*3*5."""
    return case(nn.Conv1d(3, 4, 5), x(2, 3, 20), macs=1920)


def one_dimension_without_batch() -> Case:
    return case(nn.Conv1d(3, 4, 5), x(3, 20), macs=960)


def stride_padding_dilation() -> Case:
    """L = floor((20 + 2*4 - 3*(3-1) - 1) / 2) + 1 = 11: 2*11*4*3*3."""
    return case(nn.Conv1d(3, 4, 3, stride=2, padding=4, dilation=3), x(2, 3, 20), macs=792)


def two_dimensions() -> Case:
    """8x8 stays with padding 1: 2*64*4*3*9."""
    return case(nn.Conv2d(3, 4, 3, padding=1), x(2, 3, 8, 8), macs=13824)


def two_dimensions_uneven() -> Case:
    """Kernel 3x5, stride (2, 1), of 9x8: 4x4 outputs: 16*4*3*15."""
    return case(nn.Conv2d(3, 4, (3, 5), stride=(2, 1)), x(1, 3, 9, 8), macs=2880)


def three_dimensions() -> Case:
    """4x5x6 with K 3: 2x3x4 outputs: 24*4*3*27."""
    return case(nn.Conv3d(3, 4, 3), x(1, 3, 4, 5, 6), macs=7776)


def groups() -> Case:
    """6 -> 8 in 2 groups of 3 -> 4: 36*8*3*9."""
    return case(nn.Conv2d(6, 8, 3, groups=2), x(1, 6, 8, 8), macs=7776)


def depthwise() -> Case:
    """36*6*9."""
    return case(nn.Conv2d(6, 6, 3, groups=6), x(1, 6, 8, 8), macs=1944)


def depthwise_with_multiplier() -> Case:
    """Two filters per channel: 36*12*9."""
    return case(nn.Conv2d(6, 12, 3, groups=6), x(1, 6, 8, 8), macs=3888)


def same_padding() -> Case:
    """An even kernel pads one side more; 20 outputs stay: 2*20*4*3*4."""
    return case(nn.Conv1d(3, 4, 4, padding="same"), x(2, 3, 20), macs=1920)


def circular_padding() -> Case:
    """64*4*3*9 of the image that is laid out larger first."""
    return case(nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), x(1, 3, 8, 8), macs=6912)


def reflected_padding() -> Case:
    return case(nn.Conv1d(3, 4, 5, padding=2, padding_mode="reflect"), x(1, 3, 20), macs=1200)


def functional_conv2d() -> Case:
    model = Written(lambda self, a: F.conv2d(a, self.w, padding=1), w=x(4, 3, 3, 3))
    return case(model, x(2, 3, 8, 8), macs=13824)


def kernel_from_another_layer() -> Case:
    """Weights that a layer makes, 2 -> 4*3*5: 120; then 16*4*3*5."""

    def forward(self: Written, a: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        return F.conv1d(a, self.make(code).view(4, 3, 5))

    return case(Written(forward, make=nn.Linear(2, 60)), x(1, 3, 20), x(2), macs=120 + 960)


def convolution_as_a_product() -> Case:
    """unfold lays out 36 windows of 27: [4, 27] by [27, 36] for each of 2."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        columns = F.unfold(a, 3)
        return F.fold(self.w @ columns, (6, 6), 1)

    return case(Written(forward, w=x(4, 27)), x(2, 3, 8, 8), macs=2 * 4 * 27 * 36)


def transposed_one_dimension() -> Case:
    """20 inputs of 3, each spread over 4*5: 2*20*3*4*5."""
    return case(nn.ConvTranspose1d(3, 4, 5, stride=2), x(2, 3, 20), macs=2400)


def transposed_two_dimensions() -> Case:
    """Output padding adds places that nothing reaches: 64*3*4*9."""
    model = nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1)
    return case(model, x(1, 3, 8, 8), macs=6912)


def transposed_in_groups() -> Case:
    """6 -> 8 in 2 groups: 64*6*(8/2)*9."""
    return case(nn.ConvTranspose2d(6, 8, 3, groups=2, bias=False), x(1, 6, 8, 8), macs=13824)


def transposed_three_dimensions() -> Case:
    """4*5*6 = 120 places: 120*3*4*8."""
    return case(nn.ConvTranspose3d(3, 4, 2, stride=2), x(1, 3, 4, 5, 6), macs=11520)


def transposed_dilated() -> Case:
    """Holes are not counted: 20*3*4*3."""
    return case(nn.ConvTranspose1d(3, 4, 3, dilation=2), x(1, 3, 20), macs=720)


def separable() -> Case:
    """Depthwise 64*6*9, then pointwise 64*6*8."""
    model = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.Conv2d(6, 8, 1))
    return case(model, x(1, 6, 8, 8), macs=64 * (54 + 48))


def pixel_shuffle() -> Case:
    """3 -> 12 at 8x8, then moved to 16x16: 64*12*3*9."""
    return case(nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2)), x(1, 3, 8, 8), macs=20736)


def lazy() -> Case:
    """The channels follow from the first input: 64*4*3*9."""
    model = nn.LazyConv2d(4, 3, padding=1)
    model(x(1, 3, 8, 8))
    return case(model, x(1, 3, 8, 8), macs=6912)


def channels_last() -> Case:
    model = nn.Conv2d(3, 4, 3, padding=1).to(memory_format=torch.channels_last)
    return case(model, x(2, 3, 8, 8).to(memory_format=torch.channels_last), macs=13824)


def empty_batch() -> Case:
    """No image, no work."""
    return case(nn.Conv2d(3, 4, 3), x(0, 3, 8, 8), macs=0)
