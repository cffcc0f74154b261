"""The nouns of a family's kernels for ops that are no products: fused attention, depthwise convolution."""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.devices.device import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedAttention:
    """How attention in 16 bit is computed without writing its scores.

    tile: (queries, keys) that one block of threads takes at a time. peak_share: of the peak that its products
    reach. causal_share: of that, where each query sees the keys before it. kernel_s: starting it.
    spread: the factor within which 9 of 10 measured times lie around the predicted one.
    """

    tile: tuple[int, int]
    peak_share: Number
    causal_share: Number
    kernel_s: Number
    spread: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Depthwise:
    """How convolutions of one channel each are computed, on the unit that is no matrix unit.

    peak_share: of the peak that multiply-adds reach. strided_share: of that, with a stride above 1.
    memory_share: of the peak bandwidth. kernel_s, spread: as of `FusedAttention`.
    """

    peak_share: Number
    strided_share: Number
    memory_share: Number
    kernel_s: Number
    spread: Number
