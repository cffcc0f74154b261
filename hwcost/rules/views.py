"""Ops that leave every element where it is."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES
from hwcost.rules.work import free, work_of


@RULES.add(
    *(
        "aten._unsafe_view",
        "aten._reshape_alias",
        "aten.lift",
        "aten.lift_fresh",
        "aten.alias",
        "aten.detach",
    ),
    *(
        "aten.unsafe_split",
        "aten.unsafe_split_with_sizes",
        "aten.unsafe_chunk",
        "aten._conj",
        "aten._neg_view",
    ),
    *("aten.as_strided_", "aten.detach_", "aten.squeeze_", "aten.t_", "aten.transpose_", "aten.unsqueeze_"),
    *("aten.swapaxes_", "aten.swapdims_", "aten.requires_grad_", "aten._mkldnn_transpose_"),
    *("aten._nested_view_from_buffer", "aten._nested_get_values", "aten._values", "aten._indices"),
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
        "aten._assert_async",
        "aten._assert_scalar",
        "aten._assert_tensor_metadata",
        "aten._functional_assert_async",
    ),
    *("aten._functional_assert_scalar", "aten._functional_sym_constrain_range", "aten.sym_constrain_range"),
    *("aten.sym_constrain_range_for_size", "aten._functional_sym_constrain_range_for_size"),
    *("aten._make_dep_token", "aten._print", "aten.record_stream", "aten.is_same_size", "aten.is_pinned"),
    *(
        "aten.sym_size",
        "aten.sym_stride",
        "aten.sym_numel",
        "aten.sym_storage_offset",
        "aten.sym_is_contiguous",
    ),
    *("aten._nested_tensor_size", "aten._nested_tensor_strides", "aten._nested_tensor_storage_offsets"),
    *(
        "aten.dense_dim",
        "aten.sparse_dim",
        "aten._has_same_storage_numel",
        "aten._version",
        "aten._fused_sdp_choice",
    ),
    *(
        "prim.device",
        "prim.layout",
        "prim.dtype",
        "aten._use_cudnn_ctc_loss",
        "aten._cudnn_init_dropout_state",
    ),
)
def question(op: Op) -> Work:
    """A question that the host answers from shapes and flags, or a check that no result depends on.

    macs         0
    bytes        none
    kernels      0
    """
    return free(op)


@RULES.add("aten._local_scalar_dense", "aten.item", "aten.is_nonzero", "aten.allclose")
def to_host(op: Op) -> Work:
    """One value handed to the host.

    macs         0
    bytes        what it is taken from is read once
    """
    return work_of(op, "copy", writes=())
