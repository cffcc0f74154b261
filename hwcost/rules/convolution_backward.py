"""Backward passes of convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from hwcost.graph import Op, Product, Tensor, Work
from hwcost.rules.convolution import halo_of, input_reuse_of
from hwcost.rules.registry import RULES
from hwcost.rules.work import require, work_of


@RULES.add("aten.convolution_backward", "aten.convolution_backward_overrideable")
def convolution_backward(op: Op) -> Work:
    """Gradients of a convolution for x, w and bias, each where output_mask asks for it.

    macs         those of the forward pass, once for the gradient of x and once for that of w
    vector_ops   elements of the incoming gradient, summed for the bias
    bytes        gradient, x and w are read once, the gradients asked for are written once
    product      per group, P = positions of y: of w M = Cin/g * prod(K), K = P, N = Cout/g, where x is
                 smaller than that product's A by R as in the forward pass; of x M = P, K = Cout/g,
                 N = Cin/g * prod(K), whose columns overlap in dx. Of a transposed convolution x and y, and so
                 both products, trade places. Depthwise: none
    source       by definition; torch.utils.flop_counter counts alike
    """
    gradient, x, weight = op.inputs[:3]
    given = op.attributes.get("output_mask")
    mask = tuple(map(bool, given)) if isinstance(given, tuple) and len(given) == 3 else (True,) * 3
    wide, narrow = (gradient, x) if op.attributes.get("transposed") else (x, gradient)
    channels = wide.shape[-len(weight.shape[2:]) - 1]
    require(weight.shape[1] > 0 and channels % weight.shape[1] == 0, op, f"{channels} channels are no groups")
    groups = channels // weight.shape[1]
    is_depthwise = groups == channels and groups > 1
    products = () if is_depthwise else tuple(_products(op, wide, narrow, weight, groups, mask))
    return work_of(
        op,
        "depthwise" if is_depthwise else "conv",
        macs=narrow.elements * prod(weight.shape[1:]) * sum(mask[:2]),
        vector_ops=gradient.elements if mask[2] else 0,
        products=products,
    )


def _products(
    op: Op, wide: Tensor, narrow: Tensor, weight: Tensor, groups: int, mask: tuple[bool, ...]
) -> Iterator[Product]:
    """The products for x and w. wide: the one of x and y of which an element meets the kernel many times."""
    kernel, spatial = weight.shape[2:], wide.shape[-len(weight.shape[2:]) :]
    places, taps = narrow.elements // weight.shape[0], prod(weight.shape[1:])
    reuse = input_reuse_of(op, kernel)
    halo = halo_of(op, kernel, spatial, weight.shape[1])
    made = iter(op.outputs)
    if mask[0]:
        dx, n = next(made), weight.shape[0] // groups
        if op.attributes.get("transposed"):
            yield Product(
                batch=groups,
                m=places,
                k=taps,
                n=n,
                a=wide,
                b=weight,
                c=dx,
                input_reuse=reuse,
                halo_elements=halo,
            )
        else:
            yield Product(batch=groups, m=places, k=n, n=taps, a=narrow, b=weight, c=dx)
    if mask[1]:
        yield Product(
            batch=groups,
            m=taps,
            k=places,
            n=weight.shape[0] // groups,
            a=wide,
            b=narrow,
            c=next(made),
            input_reuse=reuse,
            halo_elements=halo,
        )
