"""Ops that leave every element where it is."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import free, work_of


@RULES.add(
    *aten("_unsafe_view _reshape_alias lift lift_fresh alias detach unsafe_split"),
    *aten("unsafe_split_with_sizes unsafe_chunk _conj _neg_view as_strided_ detach_ squeeze_ t_"),
    *aten("transpose_ unsqueeze_ swapaxes_ swapdims_ requires_grad_ _mkldnn_transpose_"),
    *aten("_nested_view_from_buffer _nested_get_values _values _indices"),
)
def unmarked_view(op: Op) -> Work:
    """Unmarked view: y = x with another shape, strides or offset, by ops whose schema does not say so.

    macs         0
    bytes        none: the result lies in the storage of x
    kernels      0
    """
    return free(op)


@RULES.add(
    *(
        "prim.device",
        "prim.layout",
        "prim.dtype",
        "aten._use_cudnn_ctc_loss",
        "aten._cudnn_init_dropout_state",
    ),
    *aten("_assert_async _assert_scalar _assert_tensor_metadata _functional_assert_async"),
    *aten("_functional_assert_scalar _functional_sym_constrain_range sym_constrain_range"),
    *aten("sym_constrain_range_for_size _functional_sym_constrain_range_for_size _make_dep_token"),
    *aten("_print record_stream is_same_size is_pinned sym_size sym_stride sym_numel"),
    *aten("sym_storage_offset sym_is_contiguous _nested_tensor_size _nested_tensor_strides"),
    *aten("_nested_tensor_storage_offsets dense_dim sparse_dim _has_same_storage_numel _version"),
    *aten("_fused_sdp_choice"),
)
def question(op: Op) -> Work:
    """A question that the host answers from shapes and flags, or a check that no result depends on.

    macs         0
    bytes        none
    kernels      0
    """
    return free(op)


@RULES.add(*aten("_local_scalar_dense item is_nonzero allclose"))
def to_host(op: Op) -> Work:
    """One value handed to the host.

    macs         0
    bytes        what it is taken from is read once
    """
    return work_of(op, "copy", writes=())
