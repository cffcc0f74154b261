"""Convolutions."""

from __future__ import annotations

from math import prod

from hwcost.graph import Op, Product, Tensor, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import integers, require, work_of

PLAIN = ("aten.convolution", "aten._convolution", "aten.convolution_overrideable")
"""Names whose attribute `transposed` says which way the convolution goes."""


@RULES.add(
    *PLAIN,
    *(f"aten.conv{d}d" for d in (1, 2, 3)),
    *(f"aten.{library}_convolution" for library in ("mkldnn", "cudnn", "miopen", "_mps")),
    *(f"aten.{library}_convolution_relu" for library in ("cudnn", "miopen")),
    *(f"aten.{library}_convolution_add_relu" for library in ("cudnn", "miopen")),
    *aten("miopen_depthwise_convolution _conv_depthwise2d conv_depthwise3d thnn_conv2d"),
    *aten("_slow_conv2d_forward slow_conv3d slow_conv3d_forward slow_conv_dilated2d"),
    *aten("slow_conv_dilated3d _nnpack_spatial_convolution"),
)
def convolution(op: Op) -> Work:
    """y[N,Cout,*O] = x[N,Cin,*I] convolved with w[Cout,Cin/g,*K] in g groups (+ bias[Cout]).

    macs         N * Cout * prod(O) * Cin/g * prod(K); places where the kernel meets padding included
    vector_ops   elements of y for a bias, and again for each of a fused sum and a fused relu
    bytes        x, w and bias are read once, y is written once
    product      per group M = N * prod(O), K = Cin/g * prod(K), N = Cout/g; x is smaller than that
                 product's A by R = prod(K)/prod(stride), as long as the rows of one channel group that
                 a kernel spans stay on the chip: (dilation * (K - 1) + 1) * prod(I[1:]) * Cin/g elements.
                 Depthwise (g = Cin > 1): none, since there is nothing to reuse but the kernel itself
    source       by definition: each element of y sums Cin/g * prod(K) products
    """
    if op.attributes.get("transposed"):
        return transposed_convolution(op)
    x, weight = op.inputs[:2]
    y = op.outputs[0]
    channels, groups = channels_of(op, x, weight)
    kernel, spatial = weight.shape[2:], x.shape[-len(weight.shape[2:]) :]
    macs = y.elements * prod(weight.shape[1:])
    m, k, n = y.elements // weight.shape[0], prod(weight.shape[1:]), weight.shape[0] // groups
    product = Product(
        batch=groups,
        m=m,
        k=k,
        n=n,
        a=x,
        b=weight,
        c=y,
        input_reuse=input_reuse_of(op, kernel),
        halo_elements=halo_of(op, kernel, spatial, weight.shape[1]),
    )
    return _convolution_work(op, product, macs, channels, groups)


@RULES.add(
    *(f"aten.conv_transpose{d}d" for d in (1, 2, 3)),
    *(f"aten.{library}_convolution_transpose" for library in ("cudnn", "miopen", "_mps")),
    "aten.slow_conv_transpose2d",
    "aten.slow_conv_transpose3d",
)
def transposed_convolution(op: Op) -> Work:
    """y[N,Cout,*O]: each x[N,Cin,*I] adds its multiple of w[Cin,Cout/g,*K] to y, in g groups (+ bias).

    macs         N * Cin * prod(I) * Cout/g * prod(K); what falls outside y by padding included
    vector_ops   elements of y for a bias
    bytes        x, w and bias are read once, y is written once
    product      per group M = N * prod(I), K = Cin/g, N = Cout/g * prod(K), whose columns overlap in y
    source       by definition: the gradient of a convolution with respect to its input
    """
    x, weight = op.inputs[:2]
    channels = weight.shape[0]
    groups = op.outputs[0].shape[-len(weight.shape[2:]) - 1] // weight.shape[1]
    require(x.shape[-len(weight.shape[2:]) - 1] == channels, op, f"the weight takes {channels} channels")
    product = Product(
        batch=groups,
        m=x.elements // channels,
        k=channels // groups,
        n=prod(weight.shape[1:]),
        a=x,
        b=weight,
        c=op.outputs[0],
    )
    return _convolution_work(op, product, x.elements * prod(weight.shape[1:]), channels, groups)


@RULES.add("aten.conv_tbc")
def convolution_time_first(op: Op) -> Work:
    """y[T',N,Cout] = x[T,N,Cin] convolved in time with w[K,Cin,Cout], + bias[Cout].

    macs         T' * N * Cout * K * Cin
    vector_ops   T' * N * Cout for the bias
    bytes        x, w and bias are read once, y is written once
    """
    x, weight = op.inputs[:2]
    y = op.outputs[0]
    taps, channels, out_channels = weight.shape
    product = Product(
        batch=1,
        m=y.elements // out_channels,
        k=taps * channels,
        n=out_channels,
        a=x,
        b=weight,
        c=y,
        input_reuse=float(taps),
        halo_elements=taps * channels,
    )
    return work_of(op, "conv", macs=y.elements * taps * channels, vector_ops=y.elements, products=(product,))


def channels_of(op: Op, x: Tensor, weight: Tensor) -> tuple[int, int]:
    """Cin and the number of groups, from the shapes."""
    channels = x.shape[-len(weight.shape[2:]) - 1]
    groups = channels // weight.shape[1]
    require(
        groups >= 1 and channels == groups * weight.shape[1] and weight.shape[0] % groups == 0,
        op,
        f"a weight of {weight.shape[1]} input channels does not divide x's {channels} into groups",
    )
    return channels, groups


def input_reuse_of(op: Op, kernel: tuple[int, ...]) -> float:
    """R: by how much the input is smaller than the operand of the product that a convolution amounts to."""
    stride = integers(op, "stride") or (1,)
    steps = stride if len(stride) == len(kernel) else stride[:1] * len(kernel)
    return max(prod(kernel) / prod(steps), 1.0)


def halo_of(op: Op, kernel: tuple[int, ...], spatial: tuple[int, ...], channels: int) -> int:
    """Elements of input, so many channels of a group, that the rows under a kernel take."""
    dilation = (integers(op, "dilation") or (1,))[0]
    extent = dilation * (kernel[0] - 1) + 1
    return extent * prod(spatial[1:]) * channels


def _convolution_work(op: Op, product: Product, macs: int, channels: int, groups: int) -> Work:
    is_depthwise = groups == channels and groups > 1
    fused = ("relu" in op.name) + ("add" in op.name)
    is_biased = op.attributes.get("bias", "given") is not None and len(op.inputs) > 2 + ("add" in op.name)
    return work_of(
        op,
        "depthwise" if is_depthwise else "conv",
        macs=macs,
        vector_ops=(is_biased + fused) * product.c.elements,
        products=() if is_depthwise else (product,),
    )
