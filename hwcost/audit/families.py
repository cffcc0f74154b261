"""Which family of ops an op with products belongs to, by its name in torch."""

from __future__ import annotations

from typing import Final

from hwcost.audit.result import Family

NAMES: Final[dict[Family, str]] = {
    "linear": "mm addmm mv addmv dot vdot linear mkldnn_linear _int_mm _addmm_activation _scaled_mm"
    " _scaled_mm_v2 _grouped_mm _trilinear _transformer_encoder_layer_fwd _weight_int4pack_mm"
    " _weight_int8pack_mm inner outer bilinear tensordot",
    "conv": "convolution _convolution conv convolution_overrideable mkldnn_convolution cudnn_convolution"
    " _slow_conv2d_forward slow_conv3d conv1d conv2d conv3d conv_transpose1d conv_transpose2d"
    " conv_transpose3d _mps_convolution mkldnn_rnn_convolution conv_depthwise3d _conv_depthwise2d",
    "attention": "bmm baddbmm addbmm matmul einsum scaled_dot_product_attention"
    " _scaled_dot_product_attention_math _scaled_dot_product_flash_attention"
    " _scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention"
    " _scaled_dot_product_cudnn_attention _scaled_dot_product_fused_attention_overrideable"
    " _scaled_dot_product_attention_math_for_mps _flash_attention_forward _efficient_attention_forward"
    " _native_multi_head_attention",
    "recurrent": "lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell"
    " mkldnn_rnn_layer _cudnn_rnn _thnn_fused_lstm_cell _thnn_fused_gru_cell miopen_rnn lstm_mps",
}
"""Names without their library. Products in batches count as attention, for attention written by hand is
made of them; what a counter cannot tell apart must be in one family for the counters to be comparable."""

FUSED: Final = frozenset({"_transformer_encoder_layer_fwd", "_native_multi_head_attention"})
"""Fast paths that hold projections and attention in one op."""

_FAMILIES: Final[dict[str, Family]] = {
    name: family for family, names in NAMES.items() for name in names.split()
}


def family_of(name: str) -> Family | None:
    """The family of `aten::lstm`, `aten.lstm` or `lstm`; None for an op without products."""
    return _FAMILIES.get(_plain(name))


def families_of(name: str) -> tuple[Family, ...]:
    """All families of the products in an op: a whole transformer layer has two."""
    family = family_of(name)
    if _plain(name) in FUSED:
        return ("linear", "attention")
    return () if family is None else (family,)


def _plain(name: str) -> str:
    """The name of an op without its library."""
    return name.replace("::", ".").rpartition(".")[2]
