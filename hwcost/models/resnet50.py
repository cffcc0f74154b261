"""ResNet-50 v1.5: a convolutional network for images, of 16 residual bottleneck blocks.

Version 1.5 has the stride of a stage in its 3 x 3 convolution, not in the 1 x 1 before it; it is what
torchvision calls resnet50, and modules have the same names here.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from hwcost.models.card import Published
from hwcost.models.settings import at_least

CITATION: Final = "He et al. 2015, arXiv:1512.03385; version 1.5, as torchvision.models.resnet50"

PARAMETERS: Final = 25_557_032

PUBLISHED: Final = (
    Published(
        source="num_params of torchvision's ResNet50_Weights.IMAGENET1K_V1",
        settings={},
        parameters=25_557_032,
    ),
    Published(
        source="GFLOPS (multiply-adds) of torchvision's ResNet50_Weights.IMAGENET1K_V1",
        settings={},
        macs=4_089_000_000,
        rounded_to=1_000_000,
    ),
)

EXPANSION: Final = 4
"""Channels that leave a bottleneck block, over its inner channels (He et al. 2015, table 1)."""

STAGES: Final = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Inner channels, blocks and stride of each stage (He et al. 2015, table 1)."""


class Bottleneck(nn.Module):
    """y = relu(shortcut(x) + f(x)), f: 1 x 1, 3 x 3 with the stride, 1 x 1."""

    def __init__(self, *, inputs: int, inner: int, stride: int) -> None:
        super().__init__()
        outputs = EXPANSION * inner
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = (
            nn.Identity()
            if inputs == outputs and stride == 1
            else nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """x[batch, inputs, h, w] -> y[batch, 4 * inner, h / stride, w / stride]."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += self.downsample(x)
        result: Tensor = self.relu(y)
        return result


class ResNet50(nn.Module):
    """x[batch, 3, h, w] -> scores[batch, classes]."""

    def __init__(self, *, classes: int) -> None:
        super().__init__()
        width = STAGES[0][0]
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        for number, (inner, blocks, stride) in enumerate(STAGES, start=1):
            stage = nn.Sequential(
                *(
                    Bottleneck(
                        inputs=EXPANSION * inner if block else width,
                        inner=inner,
                        stride=1 if block else stride,
                    )
                    for block in range(blocks)
                )
            )
            self.add_module(f"layer{number}", stage)
            width = EXPANSION * inner
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """One score per class."""
        y = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for number in range(1, len(STAGES) + 1):
            y = self.get_submodule(f"layer{number}")(y)
        scores: Tensor = self.fc(self.avgpool(y).flatten(1))
        return scores


def build(
    *, batch: int = 1, image_size: int = 224, classes: int = 1000
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The network on the meta device, and x[batch, 3, image_size, image_size].

    Args:
        batch: Images side by side.
        image_size: Height and width of an image.
        classes: Scores that it gives.

    Raises:
        ModelError: A size is out of range.
    """
    at_least(1, batch=batch, image_size=image_size, classes=classes)
    with torch.device("meta"):
        return ResNet50(classes=classes).eval(), (torch.empty(batch, 3, image_size, image_size),)
