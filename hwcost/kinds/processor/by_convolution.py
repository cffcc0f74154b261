"""The time of a convolution by its shape: as a product, or by Winograd's method where that is faster."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, prod
from typing import Final

from hwcost.devices.family import Convolutions, Products
from hwcost.graph import Product, Work
from hwcost.kinds.processor.tiles import CACHED_SHAPES, Shape, Timing, waves_s

WINOGRAD_KERNEL: Final = (3, 3)
WINOGRAD_OUTPUTS: Final = 2
"""Side of the square of results that Winograd's F(2x2, 3x3) makes at a time (Lavin and Gray,
arXiv:1509.09308)."""

WINOGRAD_INPUTS: Final = WINOGRAD_OUTPUTS + WINOGRAD_KERNEL[0] - 1

WINOGRAD_SAVING: Final = prod(WINOGRAD_KERNEL) * WINOGRAD_OUTPUTS**2 / WINOGRAD_INPUTS**2
"""Multiplications of a direct convolution for each of Winograd's: 9 * 4 / 16 = 2.25."""

ALIGNED_CHANNELS: Final = 8
"""Channels that lie side by side for matrix units (NVIDIA, cuDNN developer guide, tensor core operations)."""

SUM_STEP: Final = 8
"""Elements of the sum that a tile takes in at a time: a shorter sum is filled up to it."""


def winograd_suits(work: Work) -> bool:
    """Whether F(2x2, 3x3) can do it: 3 x 3, stride 1, no dilation, one group."""
    if work.op_class != "conv" or len(work.products) != 1:
        return False
    product = work.products[0]
    dilation = work.op.attributes.get("dilation") or (1,)
    return (
        product.batch == 1
        and product.b.shape[2:] == WINOGRAD_KERNEL
        and product.input_reuse == prod(WINOGRAD_KERNEL)
        and set(dilation if isinstance(dilation, tuple) else (dilation,)) == {1}
        and not work.op.attributes.get("transposed")
    )


def convolution_timing(
    product: Product,
    by_winograd: bool,
    rules: Convolutions,
    tiles: Products,
    flop_per_s: float,
    cores: int,
    peak_memory_s: float,
) -> Timing:
    """The faster of the ways that a library has.

    as a product  the waves of its tiles over m = N*Ho*Wo, n = Cout/g, k = Cin/g*Kh*Kw filled up to SUM_STEP;
                  no split sums
    unaligned     2*m*n*k / (peak * unaligned_share), where the matrix unit cannot take the channels
    Winograd      16 products of m = N * ceil(Ho/2) * ceil(Wo/2), k = Cin, n = Cout
    memory        bytes / (peak bandwidth * memory_share)
    source        implicit products: Chetlur et al., "cuDNN", arXiv:1410.0759; Winograd: Lavin and Gray,
                  arXiv:1509.09308
    """
    memory_s = peak_memory_s / rules.memory_share
    if rules.unaligned_share is not None and product.b.shape[1] % ALIGNED_CHANNELS:
        flops = 2 * product.batch * product.m * product.k * product.n
        compute_s = flops / (flop_per_s * rules.unaligned_share)
        return Timing(compute_s=compute_s, memory_s=memory_s, start_s=float(rules.kernel_s))
    k = ceil(product.k / SUM_STEP) * SUM_STEP
    direct = Shape(batch=product.batch, m=product.m, k=k, n=product.n)
    compute_s = _least_waves_s(direct, rules.peak_share, rules, tiles, flop_per_s, cores)
    if by_winograd and rules.winograd_share is not None:
        height, width = product.c.shape[-2:]
        squares = ceil(height / WINOGRAD_OUTPUTS) * ceil(width / WINOGRAD_OUTPUTS)
        positions = product.m // max(height * width, 1) * squares
        channels = product.k // prod(WINOGRAD_KERNEL)
        k = ceil(channels / SUM_STEP) * SUM_STEP
        saved = Shape(batch=WINOGRAD_INPUTS**2, m=positions, k=k, n=product.n)
        compute_s = min(
            compute_s, _least_waves_s(saved, rules.winograd_share, rules, tiles, flop_per_s, cores)
        )
    return Timing(compute_s=compute_s, memory_s=memory_s, start_s=float(rules.kernel_s))


@lru_cache(maxsize=CACHED_SHAPES)
def _least_waves_s(
    shape: Shape, peak_share: float, rules: Convolutions, tiles: Products, flop_per_s: float, cores: int
) -> float:
    """The waves of the best tile; a library has no narrower ones for convolutions to avoid."""
    return min(
        waves_s(shape, tile, 1, peak_share, tiles.tile_loss, rules.k_step_s, flop_per_s, cores)
        for tile in tiles.tiles
    )
