"""Distances between sets of vectors."""

from __future__ import annotations

from hwcost.graph import Op, Product, Work
from hwcost.rules.products import product_class
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import number, work_of

DISTANCE_VECTOR_OPS = 3
"""Per pair and dimension: difference, power or magnitude, sum."""


@RULES.add("aten._euclidean_dist")
def euclidean_distances(op: Op) -> Work:
    """D[b,p,r] = |x[b,p,:] - y[b,r,:]|, as one product [-2x, |x|^2, 1] @ [y, 1, |y|^2]'.

    macs         b * p * r * (d + 2), d = width
    vector_ops   2 * elements of x and y for their squares, elements of x for -2x, elements of D for the clamp
    special_ops  elements of D for the square root
    bytes        x and y are read once, D is written once
    source       aten/src/ATen/native/Distance.cpp, _euclidean_dist
    """
    x, y = op.inputs
    d = op.outputs[0]
    p, r = d.shape[-2:]
    batch = d.elements // max(p * r, 1)
    product = Product(batch=batch, m=p, k=x.shape[-1] + 2, n=r, a=x, b=y, c=d)
    return work_of(
        op,
        product_class(product),
        macs=product.batch * product.m * product.k * product.n,
        vector_ops=2 * (x.elements + y.elements) + x.elements + d.elements,
        special_ops=d.elements,
        products=(product,),
    )


@RULES.add(*aten("_cdist_forward _pdist_forward dist pairwise_distance"))
def norm_of_differences(op: Op) -> Work:
    """D[i,j] = (sum over d of |x[i,d] - y[j,d]|^p)^(1/p).

    vector_ops   3 per pair and d: difference, power or magnitude, sum
    special_ops  one root per pair for p other than 0, 1 and infinity; one power per pair and d for p
                 other than 0, 1, 2 and infinity
    bytes        x and y are read once, D is written once
    """
    pairs, width = op.outputs[0].elements, op.inputs[0].shape[-1] if op.inputs[0].shape else 1
    if op.name == "aten.dist":
        width = op.inputs[0].elements
    p = number(op, "p", 2)
    has_root = p not in (0, 1, float("inf"))
    powers = pairs * width if has_root and p != 2 else 0
    special_ops = pairs * has_root + powers
    return work_of(op, "reduction", vector_ops=DISTANCE_VECTOR_OPS * pairs * width, special_ops=special_ops)
