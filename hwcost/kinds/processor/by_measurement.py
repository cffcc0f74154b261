"""The time of an op by its shape, where the device's profile was measured on the machine itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hwcost.devices.device import Device
from hwcost.devices.kernel import Kernel, at
from hwcost.devices.kernels import LAYS_OUT, POOLS
from hwcost.graph import Product, Work
from hwcost.report import Traffic
from hwcost.units import is_floating

FLOPS_PER_MAC: Final = 2

OF_CLASS: Final = {
    "gemm": "gemm",
    "gemv": "gemm",
    "depthwise": "depthwise",
    "attention": "attention",
}
"""Kernels by op class; convolutions have several."""

OF_OP: Final = {
    "aten.gelu": "gelu",
    "aten.silu": "silu",
    "aten._softmax": "softmax",
    "aten._log_softmax": "softmax",
    "aten.native_layer_norm": "layer_norm",
    "aten.native_batch_norm": "batch_norm",
    "aten.max_pool2d_with_indices": "max_pool",
    "aten.avg_pool2d": "avg_pool",
}
"""Kernels of ops that are no products, timed by their elements."""

MEASURED_DTYPE: Final = "float32"

SMALL_IMAGE_ELEMENTS: Final = 20480
SEQUENCE_DIMENSIONS: Final = 3
LARGE_BATCH: Final = 16
LARGE_KERNEL: Final = 4
"""Where torch on a CPU turns to oneDNN: batches of at least 2, images of more elements than this, kernels of
at least 4 x 4; and for 1 x 1 without a stride batches of at least 16.

source: use_mkldnn in aten/src/ATen/native/Convolution.cpp of PyTorch, for one thread.
"""

PARTS: Final = ("input_product", "initial_state", "step", "final_state")
"""What a recurrent layer or cell is made of, as the ops are named: torch.lstm.step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds of all calls: arithmetic, bytes by level, and starting it."""

    compute_s: float
    level_s: dict[str, float]
    latency_s: float


def kernel_of(work: Work, device: Device) -> tuple[str, Kernel] | None:
    """The kernel that does a work, with its name; None where the profile has none."""
    if not device.kernels:
        return None
    name = recurrent_name(work) or OF_OP.get(work.op.name) or OF_CLASS.get(work.op_class, "")
    if work.op_class in ("conv", "depthwise"):
        way = convolution_name(work) if work.op_class == "conv" else depthwise_name(work)
        name = way if way in device.kernels else work.op_class
    if name not in device.kernels or (name in OF_OP.values() and not _is_measured_dtype(work)):
        return None
    return name, device.kernels[name]


def convolution_name(work: Work) -> str:
    """The way that torch takes for a convolution on a CPU, as `hwcost.devices.kernels` names it."""
    if len(work.op.inputs) < 2 or work.op.attributes.get("transposed") or not _is_measured_dtype(work):
        return "conv"
    x, w = work.op.inputs[:2]
    sides = w.shape[2:]
    is_dilated = any(d != 1 for d in _numbers(work, "dilation"))
    is_strided = any(s != 1 for s in _numbers(work, "stride"))
    if work.op.attributes.get("groups", 1) != 1 or not sides:
        return "conv"
    if all(side == 1 for side in sides):
        return "conv" if is_strided or is_dilated or x.shape[0] >= LARGE_BATCH else "conv_pointwise"
    is_large = len(sides) > 1 and all(side >= LARGE_KERNEL for side in sides[-2:])
    if x.shape[0] > 1 or x.elements > SMALL_IMAGE_ELEMENTS or is_large:
        return "conv"
    return "conv_dilated" if is_dilated else "conv_im2col"


def depthwise_name(work: Work) -> str:
    """That of images, or of sequences."""
    dimensions = len(work.op.inputs[0].shape) if work.op.inputs else 0
    return "depthwise_flat" if dimensions == SEQUENCE_DIMENSIONS else "depthwise"


def _numbers(work: Work, key: str) -> tuple[object, ...]:
    value = work.op.attributes.get(key, ())
    return value if isinstance(value, tuple) else (value,)


def _is_measured_dtype(work: Work) -> bool:
    return all(tensor.dtype == MEASURED_DTYPE for tensor in work.op.inputs)


def recurrent_name(work: Work) -> str:
    """Whose part an op is: lstm, gru, rnn, or the cell of one; "" of anything else."""
    _, _, kind = work.op.name.partition("torch.")
    kind, _, part = kind.partition(".")
    if part not in PARTS or part not in ("input_product", "step"):
        return ""
    family = "rnn" if kind.startswith("rnn") else kind
    return family if work.op.attributes.get("layer") else f"{family}_cell"


def measured_timing(
    traffic: Traffic, device: Device, flop_per_s: float, rest_s: float, least_s: float
) -> Timing | None:
    """Seconds of all calls of a traffic; None where the profile has no kernel that does it.

    compute_s  2*macs / (peak * peak_share[side]), side the narrower one of C, product by product, and
               rest_s, which is what one call takes beside its products; where there is an element_s, that
               of each element instead. Never below least_s. Of no product element_s of each element
    level_s    of levels with shares: what of the largest operand comes from there / (peak bandwidth *
               level_share[side]), to which the one that takes longest adds those of the others, and the
               arithmetic of what nearer caches hold; of other levels the least bytes at the peak
    latency_s  start_s; of a recurrent layer once per call, layer and direction call_s, and the packing of
               both its matrices; of a convolution the packing of its weights
    """
    found = kernel_of(traffic.work, device)
    if found is None or not traffic.calls:
        return None
    name, kernel = found
    work, calls = traffic.work, traffic.calls
    if name in OF_OP.values():
        return _vector_timing(traffic, name, kernel, device, least_s)
    shares = kernel if kernel.peak_share else device.kernels.get("gemm", kernel)
    compute_s = rest_s + sum(
        _product_s(product, work.op_class, shares, flop_per_s) for product in work.products
    )
    if not work.products and shares.peak_share:
        side = work.attention.n if work.attention is not None else 1
        compute_s += FLOPS_PER_MAC * work.macs / (flop_per_s * at(shares.peak_share, max(side, 1)))
    if kernel.element_s is not None:
        compute_s += kernel.element_s * _elements(work, name) - rest_s
    all_s = calls * max(compute_s, least_s)
    return Timing(
        compute_s=all_s,
        level_s=_level_s(traffic, device, shares, all_s),
        latency_s=calls * _latency_s(work, kernel),
    )


def _vector_timing(traffic: Traffic, name: str, kernel: Kernel, device: Device, least_s: float) -> Timing:
    """Seconds of an op without products: its start, and its elements or what its windows read of them."""
    work = traffic.work
    count = work.vector_ops if name in POOLS else work.op.outputs[0].elements
    achieved = {level.name: level.achieved_bytes_per_s for level in device.levels}
    return Timing(
        compute_s=traffic.calls * max((kernel.element_s or 0.0) * count, least_s),
        level_s={
            crossing.level: crossing.bytes / rate
            for crossing in traffic.crossings
            if (rate := achieved[crossing.level]) is not None
        },
        latency_s=traffic.calls * kernel.start_s * work.kernels,
    )


def _elements(work: Work, name: str) -> int:
    """What `element` of a kernel counts: of a step its state; of a convolution what goes in and comes out.

    What goes in is the image, or every window where these are laid out.
    """
    if work.op_class == "recurrent step":
        return work.writes[-1].elements
    if work.op_class in ("conv", "depthwise"):
        read = work.op.inputs[0].elements
        if name in LAYS_OUT:
            read = sum(product.batch * product.m * product.k for product in work.products)
        return read + work.op.outputs[0].elements
    return 0


def packed_bytes(work: Work) -> tuple[int, ...]:
    """Bytes of each matrix that a call of a recurrent layer, or of a convolution, puts into another order.

    Of a layer both: w_ih[gH,I] is there, w_hh has gH x H. Only real numbers are packed.
    """
    if not work.products or not is_floating(work.products[0].b.dtype):
        return ()
    weight = work.products[0].b
    if work.op.name == "torch.lstm.input_product":
        gates, inputs = weight.shape
        return weight.bytes, weight.bytes // max(inputs, 1) * (gates // LSTM_GATES)
    return (weight.bytes,) if work.op_class == "conv" else ()


def packing_s(work: Work, kernel: Kernel) -> float:
    """Seconds of packing in one call: each matrix becomes a piece of memory of its own."""
    if not kernel.pack_s_per_byte:
        return 0.0
    return sum(size * at(kernel.pack_s_per_byte, size) for size in packed_bytes(work) if size)


LSTM_GATES: Final = 4


def side_of(work: Work) -> float:
    """The narrower side of the widest product of a work; the queries of attention."""
    if work.attention is not None:
        return max(work.attention.n, 1)
    widest = max(work.products, key=lambda product: product.m * product.k * product.n)
    return max(_side(widest, work.op_class), 1)


def _side(product: Product, op_class: str) -> int:
    """Of a convolution the positions, which a library spreads over its units; else the narrower side."""
    return product.m if op_class in ("conv", "depthwise") else min(product.m, product.n)


def _product_s(product: Product, op_class: str, kernel: Kernel, flop_per_s: float) -> float:
    flops = FLOPS_PER_MAC * product.batch * product.m * product.k * product.n
    share = at(kernel.peak_share, max(_side(product, op_class), 1)) if kernel.peak_share else 1.0
    return flops / (flop_per_s * share)


def _level_s(traffic: Traffic, device: Device, kernel: Kernel, compute_s: float) -> dict[str, float]:
    """Seconds by level, of all calls; those of a level with shares hold what nearer ones take as well.

    Of W bytes that the largest operand has, the part that misses in the nearer levels comes at a level's
    share of its peak; the rest comes as fast as the arithmetic goes.
    """
    peaks = {level.name: level.peak_bytes_per_s for level in device.levels}
    work = traffic.work
    streamed = _streamed_share(work)
    found = {}
    moved: list[tuple[str, float, float]] = []
    for crossing in traffic.crossings:
        peak = peaks[crossing.level]
        table = kernel.level_share.get(crossing.level)
        if peak is None:
            continue
        if table and work.products:
            moved.append((crossing.level, crossing.bytes * streamed, peak * at(table, side_of(work))))
        else:
            found[crossing.level] = crossing.low_bytes / peak
    if not moved:
        return found
    whole = max(traffic.calls * streamed * _operand_bytes(work), *(count for _, count, _ in moved))
    farther = [count for _, count, _ in moved[1:]] + [0.0]
    parts = {
        level: max((count - beyond) / rate, compute_s * (count - beyond) / whole if whole else 0.0)
        for (level, count, rate), beyond in zip(moved, farther, strict=True)
    }
    nearest_s = compute_s * (1 - moved[0][1] / whole) if whole else compute_s
    longest = max(parts, key=parts.__getitem__)
    return {**found, **parts, longest: nearest_s + sum(parts.values())}


def _operand_bytes(work: Work) -> int:
    return sum(tensor.bytes for tensor in (*work.reads, *work.writes))


def _streamed_share(work: Work) -> float:
    """The part of a work's elements that its largest operand has: what streams past the other one."""
    largest = sum(p.batch * max(p.m, p.n) * p.k for p in work.products)
    every = sum(p.batch * (p.m * p.k + p.k * p.n + p.m * p.n) for p in work.products)
    return largest / every if every else 1.0


def _latency_s(work: Work, kernel: Kernel) -> float:
    is_input = work.op.name.endswith(".input_product")
    start_s = 0.0 if is_input else kernel.start_s * work.kernels
    if is_input and kernel.call_s is not None:
        start_s += kernel.call_s
    return start_s + packing_s(work, kernel)
