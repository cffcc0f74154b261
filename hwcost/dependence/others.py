"""Ops of quantised models, routers and old recurrent cells."""

from __future__ import annotations

from hwcost.dependence.call import Call, Writes, means, to_all
from hwcost.dependence.pointwise import pointwise
from hwcost.dependence.windows import Array, Charge, gathered, joined

DECOMPOSED = " ".join(
    f"quantized_decomposed.{direction}_per_{granularity}"
    for direction in ("quantize", "dequantize")
    for granularity in ("tensor", "channel", "channel_group")
)


@means(DECOMPOSED, "quantize_per_channel fake_quantize_per_channel_affine dropout bucketize isclose")
@means("fake_quantize_per_tensor_affine_cachemask fake_quantize_per_channel_affine_cachemask")
def each(call: Call) -> Writes:
    """Makes each element of its own input; what else there is are scales and bounds."""
    return pointwise(call)


@means("_weight_int4pack_mm _weight_int4pack_mm_for_cpu _weight_int8pack_mm _scaled_mm")
@means("quantized_decomposed.quantize_per_token quantized_decomposed.dequantize_per_token")
def rows(call: Call) -> Writes:
    """Makes each row of the same row of the input, and of packed weights or scales."""
    x, *rest = call.inputs
    seen = gathered(x, (x.ndim - 1,), call.charge(Charge.WIDENING))
    return to_all(call, joined([seen, *_all(call, rest, x.ndim)], call.charge(Charge.WIDENING)))


@means("_cdist_forward _euclidean_dist")
def distances(call: Call) -> Writes:
    """d[i, j] = |a[i] - b[j]|."""
    a, b = (gathered(it, (it.ndim - 1,), call.charge(Charge.WIDENING)) for it in call.inputs[:2])
    return to_all(call, joined([a, b.swapaxes(-1, -2)], call.charge(Charge.MIXING)))


@means("_masked_softmax multinomial")
def along_the_last(call: Call) -> Writes:
    """Makes each element of all along the last dimension, and of the mask."""
    x, *rest = call.inputs
    seen = gathered(x, (x.ndim - 1,), call.charge(Charge.MIXING))
    return to_all(call, joined([seen, *_all(call, rest, x.ndim)], call.charge(Charge.WIDENING)))


@means("_thnn_fused_lstm_cell _thnn_fused_gru_cell")
def fused_cell(call: Call) -> Writes:
    """One step of a cell, from the products of its input and its state with the weights."""
    parts = [gathered(it, (it.ndim - 1,), call.charge(Charge.WIDENING)) for it in call.inputs[:3]]
    return to_all(call, joined(parts, call.charge(Charge.STEP)))


@means("_grouped_mm histc bincount searchsorted isin _embedding_bag _embedding_bag_forward_only")
@means("argwhere _unique _unique2 unique_dim")
def all_of_all(call: Call) -> Writes:
    """Makes every element of all elements: which ones it takes depends on their values."""
    return to_all(call, joined(_all(call, call.inputs, 1), call.charge(Charge.WIDENING)))


def _all(call: Call, inputs: list[Array] | tuple[Array, ...], rank: int) -> list[Array]:
    seen = [gathered(it, range(1, it.ndim), call.charge(Charge.MIXING)) for it in inputs]
    return [it.reshape(len(it), *(1,) * (rank - 1)) for it in seen]
