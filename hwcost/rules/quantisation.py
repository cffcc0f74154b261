"""Rounding to few bits and back."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import work_of

QUANTISE = 4
"""Per element: scale, round, shift to the zero point, hold within range."""

DEQUANTISE = 2
"""Per element: subtract the zero point, scale."""

DECOMPOSED = "quantized_decomposed"
GRANULARITIES = ("per_tensor", "per_channel", "per_token", "per_channel_group")


@RULES.add(
    *("aten.quantize_per_tensor", "aten.quantize_per_channel", "aten.quantize_per_tensor_dynamic"),
    *(f"{DECOMPOSED}.quantize_{kind}" for kind in GRANULARITIES),
)
def quantise(op: Op) -> Work:
    """Quantise: q = clamp(round(x / scale) + zero_point).

    vector_ops   4 per element: scale, round, shift, clamp
    bytes        x, scales and zero points are read once, q is written once
    """
    return work_of(op, "pointwise", vector_ops=QUANTISE * op.inputs[0].elements)


@RULES.add("aten.dequantize", *(f"{DECOMPOSED}.dequantize_{kind}" for kind in GRANULARITIES))
def dequantise(op: Op) -> Work:
    """Dequantise: x = (q - zero_point) scale.

    vector_ops   2 per element: shift, scale
    bytes        q, scales and zero points are read once, x is written once
    """
    return work_of(op, "pointwise", vector_ops=DEQUANTISE * op.inputs[0].elements)


@RULES.add(
    *aten("fake_quantize_per_tensor_affine fake_quantize_per_channel_affine"),
    *aten("fake_quantize_per_tensor_affine_cachemask fake_quantize_per_channel_affine_cachemask"),
    *aten("_fake_quantize_per_tensor_affine_cachemask_tensor_qparams"),
    *aten("_fake_quantize_learnable_per_tensor_affine _fake_quantize_learnable_per_channel_affine"),
)
def fake_quantise(op: Op) -> Work:
    """Fake quantise: y = x rounded to what quantising and dequantising leave of it.

    vector_ops   6 per element: scale, round, shift, clamp; shift, scale
    bytes        x, scales and zero points are read once, y is written once, the mask where something reads it
    """
    return work_of(op, "pointwise", vector_ops=(QUANTISE + DEQUANTISE) * op.inputs[0].elements)
