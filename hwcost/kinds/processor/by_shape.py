"""The time of an op by its shape, where the device's family knows how its libraries compute it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from hwcost.devices.device import Device, Number
from hwcost.devices.family import Kernels, Products, Steps
from hwcost.graph import Product, Tensor, Work
from hwcost.kinds.processor.by_convolution import WINOGRAD_SAVING, convolution_timing, winograd_suits
from hwcost.kinds.processor.rates import Rate
from hwcost.kinds.processor.tiles import NARROW_SIDE, Shape, Timing, memory_share, product_timing

PRODUCT_CLASSES = ("gemm", "gemv")

TRANSPOSED_WEIGHTS = ("aten.linear", "aten.mkldnn_linear")
"""Ops whose B is given as [n, k]."""


def kernels_of(work: Work, device: Device, rate: Rate) -> Kernels | None:
    """What the family has for a work; None where there is none, or not for its class.

    A profile's own efficiency of gemm takes the place of what the family's largest tile reaches; those of
    other classes take the place of the family for them.
    """
    if device.family is None or not work.products:
        return None
    kernels = device.family.kernels_of(rate.unit.name, rate.dtype)
    if kernels is None or work.op_class in device.own_classes - set(PRODUCT_CLASSES):
        return None
    known = {
        **dict.fromkeys(PRODUCT_CLASSES, True),
        "conv": kernels.convolutions is not None,
        "recurrent step": kernels.steps is not None,
    }
    if not known.get(work.op_class, False):
        return None
    if "gemm" not in device.own_classes:
        return kernels
    return replace(kernels, products=_reaching(kernels.products, device.efficiency["gemm"]))


@cache
def _reaching(products: Products, share: Number) -> Products:
    """The same products, of which those in the largest tile reach this share of the peak, or come near."""
    loss = 1 + products.tile_loss * min(1 / rows + 1 / columns for rows, columns in products.tiles)
    whole = Number(
        min(1.0, share * loss),
        path=share.path,
        unit=share.unit,
        text=share.text,
        evidence=share.evidence,
        source=share.source,
    )
    return replace(products, peak_share=whole)


def saving(work: Work, kernels: Kernels | None) -> float:
    """By what the multiplications of a work may fall at most: Winograd's, where the family has it."""
    if kernels is None or kernels.convolutions is None or kernels.convolutions.winograd_share is None:
        return 1.0
    return WINOGRAD_SAVING if winograd_suits(work) else 1.0


def timing(work: Work, times: int, kernels: Kernels, rate: Rate, cores: int, peak_memory_s: float) -> Timing:
    """Seconds of one call, its products one after the other.

    times: rounds of the loop around it. peak_memory_s: its bytes of the farthest level at the peak
    bandwidth; of several products each has the share of its multiply-adds.
    """
    macs = sum(product.batch * product.m * product.k * product.n for product in work.products) or 1
    parts = [
        _one(
            work,
            product,
            times,
            kernels,
            rate,
            cores,
            peak_memory_s * product.batch * product.m * product.k * product.n / macs,
        )
        for product in work.products
    ]
    start_s = max(part.start_s for part in parts) if work.kernels else 0.0
    return Timing(
        compute_s=sum(part.compute_s for part in parts),
        memory_s=sum(part.memory_s for part in parts),
        start_s=start_s * work.kernels,
    )


def _one(
    work: Work,
    product: Product,
    times: int,
    kernels: Kernels,
    rate: Rate,
    cores: int,
    peak_memory_s: float,
) -> Timing:
    if work.op_class == "conv" and kernels.convolutions is not None:
        suits = winograd_suits(work)
        return convolution_timing(
            product, suits, kernels.convolutions, kernels.products, rate.flop_per_s, cores, peak_memory_s
        )
    shape = shape_of(product, work)
    if work.op_class == "recurrent step" and kernels.steps is not None:
        return _step_timing(shape, times, kernels, kernels.steps, rate, cores, peak_memory_s)
    return product_timing(shape, kernels.products, rate.flop_per_s, cores, peak_memory_s)


def _step_timing(
    shape: Shape,
    times: int,
    kernels: Kernels,
    steps: Steps,
    rate: Rate,
    cores: int,
    peak_memory_s: float,
) -> Timing:
    """One of `times` steps: the product's arithmetic, a share of the bandwidth of its own, and the start.

    start    step_s, or narrow_step_s with a batch of 16 or less, and warm_step_s in the first warm_steps
             steps, spread over all: min(1, warm_steps / times)
    memory   bytes / (peak bandwidth * share); share by the batch, as of products
    """
    shape = Shape(batch=shape.batch, m=shape.m, k=shape.k, n=shape.n)
    product = product_timing(shape, kernels.products, rate.flop_per_s, cores, 0.0)
    share = memory_share(shape, steps.memory_share, steps.narrow_share, steps.vector_share)
    is_narrow = shape.side <= NARROW_SIDE
    warm_s = steps.warm_step_s * min(1.0, steps.warm_steps / times)
    return Timing(
        compute_s=product.compute_s,
        memory_s=peak_memory_s / share,
        start_s=(steps.narrow_step_s if is_narrow else steps.step_s) + warm_s,
    )


def shape_of(product: Product, work: Work) -> Shape:
    """A product as a column-major library sees it: C[m,n] of torch is the library's C'[n,m] = B' A'.

    Only where C lies in columns already do A and B keep their places. The larger operand is strided where
    it lies along k.
    """
    m, n = product.m, product.n
    a_along_k = _lies_along(product.a, -1)
    b_along_k = _lies_along(product.b, -1 if work.op.name in TRANSPOSED_WEIGHTS else -2)
    is_swapped = _lies_along(product.c, -1)
    if is_swapped:
        m, n, a_along_k, b_along_k = n, m, b_along_k, a_along_k
    strided = ("a" if a_along_k else "") if m >= n else ("b" if b_along_k else "")
    larger = max(m, n) * product.k
    moved = larger + min(m, n) * product.k + m * n
    return Shape(
        batch=product.batch,
        m=m,
        k=product.k,
        n=n,
        strided=strided,
        strided_part=larger / moved if strided and moved else 0.0,
    )


def _lies_along(tensor: Tensor, dimension: int) -> bool:
    """Whether neighbours along a dimension are neighbours in memory."""
    if len(tensor.strides) < -dimension:
        return True
    return tensor.strides[dimension] == 1
