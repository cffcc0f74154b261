"""The time of fused attention and of depthwise convolutions, by the kernels of the device's family."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

from hwcost.devices.device import Device
from hwcost.devices.operator_kernels import Depthwise, FusedAttention
from hwcost.graph import Attention, Work
from hwcost.kinds.processor.rates import FLOPS_PER_MAC, Rate, special_per_s, vector_rate
from hwcost.kinds.processor.tiles import Timing

FUSED_DTYPES: Final = ("float16", "bfloat16")
"""What the fused kernel computes in (Dao-AILab/flash-attention, README.md, "Datatype fp16 and bf16")."""

SOFTMAX_DTYPE: Final = "float32"
"""What the fused kernel keeps its scores in."""

FUSED_WIDTH: Final = 256
"""The widest head that it takes (the same place, "All head dimensions up to 256")."""

LEAST_ROWS: Final = 16
"""Rows of the smallest product of a matrix unit (PTX ISA, mma.m16n8k16): fewer queries take as long."""

SPLIT_BELOW: Final = 0.8
"""Filled share of the multiprocessors below which keys are split (flash-attention, num_splits_heuristic)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A kernel of a family for one work, and the factor within which its times lie."""

    kernel: FusedAttention | Depthwise
    spread: float


def operator_of(work: Work, device: Device, rate: Rate) -> Operator | None:
    """The family's kernel for a work; None where it has none, and where the profile gives the class itself.

    rate: of the multiply-adds. Fused attention takes 16 bit on the matrix unit, heads of up to 256, and no
    mask but causality; the backward pass is none of it.
    """
    family = device.family
    if family is None or work.op_class in device.own_classes:
        return None
    if work.op_class == "depthwise" and family.depthwise is not None:
        return Operator(kernel=family.depthwise, spread=float(family.depthwise.spread))
    shape = work.attention
    if shape is None or family.attention is None or not _is_fused(work, shape, rate):
        return None
    return Operator(kernel=family.attention, spread=float(family.attention.spread))


def operator_timing(
    work: Work,
    operator: Operator,
    device: Device,
    mac_rate: Rate,
    rest_rate: Rate,
    *,
    peak_memory_s: float,
    memory_s: float,
) -> Timing:
    """Seconds of one call.

    peak_memory_s, memory_s: its bytes of the farthest level at the peak bandwidth, and as it is achieved.
    """
    kernel, shape = operator.kernel, work.attention
    if isinstance(kernel, Depthwise):
        return depthwise_timing(work, kernel, rest_rate.flop_per_s, peak_memory_s)
    if shape is None:
        raise TypeError(f"{work.op.name} is no attention")
    return attention_timing(
        shape,
        kernel,
        mac_rate.flop_per_s,
        special_per_s(device, vector_rate(device, SOFTMAX_DTYPE)),
        device.cores,
        is_causal=is_causal(work),
        memory_s=memory_s,
    )


def attention_timing(
    shape: Attention,
    kernel: FusedAttention,
    flop_per_s: float,
    special_per_s: float,
    cores: int,
    *,
    is_causal: bool,
    memory_s: float,
) -> Timing:
    """softmax(Q K') V of h heads, n queries and m keys without writing the scores.

    scores   h * sum over the tiles of queries of rows * the keys that a tile visits, whole tiles of keys
    blocks   h * ceil(n / queries), in ceil(blocks / multiprocessors) rounds; where they fill less than
             SPLIT_BELOW of the multiprocessors the keys are split over all of them
    seconds  scores * (2*(d + dv) / (peak * peak_share) + 1 / special rate)
             * rounds * multiprocessors / blocks; peak_share * causal_share under a causal mask
    source   Dao, "FlashAttention-2", arXiv:2307.08691: queries in the outer loop, exponentials beside the
             products on another unit, blocks of keys that are hidden as a whole are left out
    """
    rows, _ = kernel.tile
    tiles = ceil(shape.n / rows)
    blocks = shape.heads * tiles
    is_split = blocks < SPLIT_BELOW * cores
    unevenness = 1.0 if is_split else ceil(blocks / cores) * cores / blocks
    scores = shape.heads * visited_scores(shape, kernel.tile, is_causal=is_causal)
    share = kernel.peak_share * (kernel.causal_share if is_causal else 1.0)
    products_s = scores * FLOPS_PER_MAC * (shape.d + shape.dv) / (flop_per_s * share)
    compute_s = (products_s + scores / special_per_s) * unevenness
    return Timing(compute_s=compute_s, memory_s=memory_s, start_s=float(kernel.kernel_s))


def visited_scores(shape: Attention, tile: tuple[int, int], *, is_causal: bool) -> int:
    """Scores of one head that the kernel computes: whole tiles, but those that causality hides.

    Query i sees the keys up to i, as torch aligns its mask.
    """
    rows, columns = tile
    if shape.n < rows:
        rows = min(rows, ceil(shape.n / LEAST_ROWS) * LEAST_ROWS)
    tiles = ceil(shape.n / rows)
    every = ceil(shape.m / columns) * columns
    if not is_causal:
        return tiles * rows * every
    return sum(
        rows * min(every, ceil(min(shape.n, (tile + 1) * rows) / columns) * columns) for tile in range(tiles)
    )


def depthwise_timing(work: Work, kernel: Depthwise, flop_per_s: float, peak_memory_s: float) -> Timing:
    """A convolution of one channel each: multiply-adds without any reuse but the window's.

    compute  2*macs / (peak * peak_share), peak_share * strided_share with a stride above 1
    memory   bytes / (peak bandwidth * memory_share)
    """
    stride = work.op.attributes.get("stride") or 1
    is_strided = set(stride if isinstance(stride, tuple) else (stride,)) != {1}
    share = kernel.peak_share * (kernel.strided_share if is_strided else 1.0)
    return Timing(
        compute_s=FLOPS_PER_MAC * work.macs / (flop_per_s * share),
        memory_s=peak_memory_s / kernel.memory_share,
        start_s=float(kernel.kernel_s),
    )


def hidden_saving(work: Work) -> float:
    """By what the multiplications of causal attention may fall: all scores over those that are not hidden."""
    if work.attention is None or not is_causal(work):
        return 1.0
    n, m = work.attention.n, work.attention.m
    seen = min(n, m)
    visible = seen * (seen + 1) // 2 + (n - seen) * m
    return max(n * m / visible, 1.0) if visible else 1.0


def is_causal(work: Work) -> bool:
    """Whether each query sees the keys before it alone."""
    return bool(work.op.attributes.get("is_causal"))


def _is_fused(work: Work, shape: Attention, rate: Rate) -> bool:
    has_mask = len(work.reads) > len("qkv")
    return (
        rate.unit.name == "matrix"
        and rate.dtype in FUSED_DTYPES
        and max(shape.d, shape.dv) <= FUSED_WIDTH
        and not has_mask
        and not work.op.name.endswith("_backward")
    )
