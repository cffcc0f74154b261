"""Residual networks for images: a stem, four stages of residual blocks, a linear layer over the mean.

Modules have the names of torchvision's, and a bottleneck block has its stride where torchvision has it
(version 1.5): in the 3 x 3 convolution, not in the 1 x 1 before it.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from hwcost.models.settings import at_least

FACTORS: Final = (1, 2, 4, 8)
"""Inner channels of the blocks of each stage, over those of the first (He et al. 2015, table 1)."""

STRIDES: Final = (1, 2, 2, 2)
"""Stride of the first block of each stage; the others have none."""


class BasicBlock(nn.Module):
    """y = relu(shortcut(x) + f(x)), f: two 3 x 3 convolutions, the first with the stride."""

    expansion: Final = 1

    def __init__(self, *, inputs: int, inner: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inner, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(inner, inner, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.downsample = shortcut(inputs=inputs, outputs=inner, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, inputs, h, w] -> y[batch, inner, h / stride, w / stride]."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.downsample(x)
        result: Tensor = self.relu(y)
        return result


class Bottleneck(nn.Module):
    """y = relu(shortcut(x) + f(x)), f: 1 x 1, 3 x 3 with the stride, 1 x 1 to four times the channels."""

    expansion: Final = 4

    def __init__(self, *, inputs: int, inner: int, stride: int) -> None:
        super().__init__()
        outputs = self.expansion * inner
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(inputs=inputs, outputs=outputs, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, inputs, h, w] -> y[batch, 4 * inner, h / stride, w / stride]."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += self.downsample(x)
        result: Tensor = self.relu(y)
        return result


def shortcut(*, inputs: int, outputs: int, stride: int) -> nn.Module:
    """The way around a block: the input itself, or a 1 x 1 convolution where shapes differ."""
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))


class ResidualNetwork(nn.Module):
    """x[batch, 3, h, w] -> scores[batch, classes]; blocks: how many each of the four stages has."""

    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        *,
        blocks: tuple[int, int, int, int],
        classes: int,
        width: int,
    ) -> None:
        super().__init__()
        stages = zip([width * factor for factor in FACTORS], blocks, STRIDES, strict=True)
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        for number, (inner, times, stride) in enumerate(stages, start=1):
            outputs = block.expansion * inner
            first = block(inputs=width, inner=inner, stride=stride)
            others = (block(inputs=outputs, inner=inner, stride=1) for _ in range(times - 1))
            self.add_module(f"layer{number}", nn.Sequential(first, *others))
            width = outputs
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """One score per class."""
        y = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for number in range(1, len(FACTORS) + 1):
            y = self.get_submodule(f"layer{number}")(y)
        scores: Tensor = self.fc(self.avgpool(y).flatten(1))
        return scores


def residual_network(
    block: type[BasicBlock | Bottleneck],
    *,
    blocks: tuple[int, int, int, int],
    batch: int,
    image_size: int,
    classes: int,
    width: int,
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The network on the meta device, and x[batch, 3, image_size, image_size].

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, batch=batch, image_size=image_size, classes=classes, width=width)
    with torch.device("meta"):
        model = ResidualNetwork(block, blocks=blocks, classes=classes, width=width)
        return model.eval(), (torch.empty(batch, 3, image_size, image_size),)
