"""The time of an op by its shape, where the device's profile was measured on the machine itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hwcost.devices.device import Device
from hwcost.devices.kernel import Kernel, at
from hwcost.graph import Product, Work
from hwcost.report import Traffic
from hwcost.units import is_floating

FLOPS_PER_MAC: Final = 2

OF_CLASS: Final = {
    "gemm": "gemm",
    "gemv": "gemm",
    "conv": "conv",
    "depthwise": "depthwise",
    "attention": "attention",
}
"""Kernels by op class."""

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
    name = recurrent_name(work) or OF_CLASS.get(work.op_class, "")
    if name not in device.kernels:
        return None
    return name, device.kernels[name]


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
               rest_s, which is what one call takes beside its products; of a layer's step instead
               element_s for each element of its state. Never below least_s
    level_s    bytes of the largest operand / (peak bandwidth * level_share[side]) of levels that have
               shares, the least bytes at the peak of others
    latency_s  start_s; of a recurrent layer once per call, layer and direction call_s, and the packing of
               both its matrices; of a convolution the packing of its weights
    """
    found = kernel_of(traffic.work, device)
    if found is None or not traffic.calls:
        return None
    _, kernel = found
    work, calls = traffic.work, traffic.calls
    shares = kernel if kernel.peak_share else device.kernels.get("gemm", kernel)
    compute_s = rest_s + sum(
        _product_s(product, work.op_class, shares, flop_per_s) for product in work.products
    )
    if work.attention is not None and not work.products and shares.peak_share:
        compute_s += FLOPS_PER_MAC * work.macs / (flop_per_s * at(shares.peak_share, work.attention.n))
    if kernel.element_s is not None and work.op_class == "recurrent step":
        compute_s += kernel.element_s * work.writes[-1].elements - rest_s
    return Timing(
        compute_s=calls * max(compute_s, least_s),
        level_s=_level_s(traffic, device, shares),
        latency_s=calls * _latency_s(work, kernel),
    )


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


def _level_s(traffic: Traffic, device: Device, kernel: Kernel) -> dict[str, float]:
    peaks = {level.name: level.peak_bytes_per_s for level in device.levels}
    found = {}
    streamed = _streamed_share(traffic.work)
    for crossing in traffic.crossings:
        peak = peaks[crossing.level]
        if peak is None:
            continue
        table = kernel.level_share.get(crossing.level)
        if table and traffic.work.products:
            found[crossing.level] = crossing.bytes * streamed / (peak * at(table, side_of(traffic.work)))
        else:
            found[crossing.level] = crossing.low_bytes / peak
    return found


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
