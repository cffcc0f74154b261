"""Random numbers."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten, is_in_place
from hwcost.rules.work import integer, work_of

NORMAL_OPS = 4
"""Special ops per normal number: the uniform one, and logarithm, root and cosine (Box and Muller 1958)."""


@RULES.add(
    *aten("rand rand_like randint randint_like randperm uniform random bernoulli geometric cauchy"),
    *aten("exponential poisson _philox_uniform binomial _standard_gamma _sample_dirichlet"),
)
def uniform(op: Op) -> Work:
    """y[i] = a random number, whole, uniform or of a distribution made from one uniform number.

    special_ops  1 per element: some ten rounds of an integer hash, in hardware terms one function
    bytes        y is written once; probabilities are read once, a tensor that is overwritten is not
    """
    draws = bool(op.inputs) and not is_in_place(op) and "like" not in op.name
    reads = op.inputs if draws else op.inputs[1:]
    return work_of(op, "pointwise", special_ops=op.outputs[0].elements, reads=reads)


@RULES.add(*aten("randn randn_like normal normal_functional log_normal _philox_normal"))
def normal(op: Op) -> Work:
    """y[i] = a normal random number.

    special_ops  4 per element: a uniform number, logarithm, root, cosine
    bytes        y is written once; means and deviations are read once, a tensor that is overwritten is not
    source       Box and Muller 1958, A note on the generation of random normal deviates
    """
    draws = bool(op.inputs) and not is_in_place(op) and "like" not in op.name
    reads = op.inputs if draws else op.inputs[1:]
    return work_of(op, "pointwise", special_ops=NORMAL_OPS * op.outputs[0].elements, reads=reads)


@RULES.add(*aten("native_dropout dropout _fused_dropout alpha_dropout feature_dropout"))
def dropout(op: Op) -> Work:
    """Dropout: y = x / (1 - p) where a random number is above p, else 0; y = x outside training.

    vector_ops   2 per element in training: comparison, scale
    special_ops  1 per element in training for the random number
    bytes        x is read once, y is written once, the mask where something reads it
    """
    x = op.inputs[0]
    if op.attributes.get("train") is False:
        return work_of(op, "copy")
    return work_of(op, "pointwise", vector_ops=2 * x.elements, special_ops=x.elements)


@RULES.add("aten.multinomial")
def multinomial(op: Op) -> Work:
    """Multinomial: y = indices drawn with the probabilities of each row of x.

    vector_ops   2 per element of x: running sum, comparison
    special_ops  1 per index drawn
    bytes        x is read once, y is written once
    """
    special_ops = max(integer(op, "num_samples", 1), op.outputs[0].elements)
    return work_of(op, "reduction", vector_ops=2 * op.inputs[0].elements, special_ops=special_ops)
