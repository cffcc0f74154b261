"""ResNet-18: a convolutional network for images, of 8 residual blocks of two 3 x 3 convolutions.

Modules have the names of torchvision's resnet18.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hwcost.models.blocks.residual_network import BasicBlock, residual_network
from hwcost.models.card import Published

if TYPE_CHECKING:
    from torch import Tensor, nn

CITATION: Final = "He et al. 2015, arXiv:1512.03385; as torchvision.models.resnet18"

PARAMETERS: Final = 11_689_512

PUBLISHED: Final = (
    Published(
        source="num_params of torchvision's ResNet18_Weights.IMAGENET1K_V1",
        settings={},
        parameters=11_689_512,
    ),
    Published(
        source="GFLOPS (multiply-adds) of torchvision's ResNet18_Weights.IMAGENET1K_V1",
        settings={},
        macs=1_814_000_000,
        rounded_to=1_000_000,
    ),
    Published(
        source="1.8e9 FLOPs (multiply-adds), He et al. 2015, arXiv:1512.03385 table 1",
        settings={},
        macs=1_800_000_000,
        rounded_to=100_000_000,
    ),
)

WIDTH: Final = "width"

BLOCKS: Final = (2, 2, 2, 2)
"""Basic blocks of each stage (He et al. 2015, table 1)."""


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
        BasicBlock, blocks=BLOCKS, batch=batch, image_size=image_size, classes=classes, width=width
    )
