"""ResNet-50 v1.5: a convolutional network for images, of 16 residual bottleneck blocks.

Version 1.5 has the stride of a stage in its 3 x 3 convolution, not in the 1 x 1 before it; it is what
torchvision calls resnet50, and modules have the same names here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hwcost.models.blocks.residual_network import Bottleneck, residual_network
from hwcost.models.card import Published

if TYPE_CHECKING:
    from torch import Tensor, nn

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

WIDTH: Final = "width"

BLOCKS: Final = (3, 4, 6, 3)
"""Bottleneck blocks of each stage (He et al. 2015, table 1)."""


def build(
    *, batch: int = 1, image_size: int = 224, classes: int = 1000, width: int = 64
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The network on the meta device, and x[batch, 3, image_size, image_size].

    Args:
        batch: Images side by side.
        image_size: Height and width of an image.
        classes: Scores that it gives.
        width: Channels of the stem, and inner ones of the first stage; each later stage has twice as many.

    Raises:
        ModelError: A size is out of range.
    """
    return residual_network(
        Bottleneck, blocks=BLOCKS, batch=batch, image_size=image_size, classes=classes, width=width
    )
