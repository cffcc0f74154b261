"""Moving data without arithmetic."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import free, work_of

VIEW_COPIES = (
    "_conj _neg_view _reshape_alias alias as_strided detach diagonal expand lift_fresh narrow permute"
    " select slice split split_with_sizes squeeze t transpose unbind unfold unsqueeze values view"
    " view_as_complex view_as_real"
)
"""Views whose `_copy` twin makes a tensor of its own."""


@RULES.add(
    *(f"aten.{name}_copy" for name in VIEW_COPIES.split()),
    *(f"aten.{kind}_pad{d}d" for kind in ("reflection", "replication") for d in (1, 2, 3)),
    *aten("_reshape_copy mkldnn_reorder_conv2d_weight mkldnn_reorder_conv3d_weight clone _to_copy"),
    *aten("copy _lazy_clone _pin_memory _to_dense cat concat concatenate stack _stack hstack vstack"),
    *aten("block_diag _chunk_cat constant_pad_nd repeat tile roll flip rot90 tril triu diag_embed"),
    *aten("complex pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle im2col"),
    *aten("unfold_backward to_mkldnn _mkldnn_reshape _mkldnn_transpose _pack_padded_sequence"),
    *aten("_pad_packed_sequence to_padded_tensor _nested_from_padded _nested_tensor_from_mask"),
    *aten("_nested_tensor_from_tensor_list _convert_weight_to_int4pack"),
)
def copy(op: Op) -> Work:
    """Copy: y = x, in another place, order, shape or type; several x side by side; x with a border.

    macs         0
    vector_ops   0: a change of type is not counted as arithmetic
    bytes        each input is read once, y is written once
    """
    return work_of(op, "copy")


@RULES.add(*aten("copy_ _foreach_copy_ _copy_from fill_ set_data"))
def overwrite(op: Op) -> Work:
    """Overwrite: x = y, all of x.

    macs         0
    bytes        y is read once, x is written once and not read
    """
    written = set(op.outputs)
    kept = [tensor for tensor in op.inputs if tensor not in written]
    return work_of(op, "copy", reads=kept, writes=op.outputs or op.inputs[:1])


@RULES.add("aten.zero_", "aten._foreach_zero_")
def zero(op: Op) -> Work:
    """Zero: x = 0.

    macs         0
    bytes        x is written once and not read
    """
    return work_of(op, "copy", reads=(), writes=op.outputs or op.inputs)


@RULES.add(
    *(
        f"aten.{name}"
        for name in ("reshape", "contiguous", "to", "flatten", "type_as", "resolve_conj", "resolve_neg")
    ),
    *(
        f"aten.{name}"
        for name in ("view_as", "reshape_as", "expand_as", "ravel", "unflatten", "movedim", "narrow")
    ),
)
def copy_where_needed(op: Op) -> Work:
    """Copy where needed: y = x: a view where the layout, type and device allow one, else a copy.

    macs         0
    bytes        none where y lies in the storage of x; else x is read once and y written once
    """
    lies_there = all(y.storage.id == op.inputs[0].storage.id for y in op.outputs)
    return free(op) if lies_there else work_of(op, "copy")


@RULES.add("aten.col2im")
def fold(op: Op) -> Work:
    """Fold: y = sum of the overlapping columns of x.

    vector_ops   1 per element of x
    bytes        x is read once, y is written once
    """
    return work_of(op, "copy", vector_ops=op.inputs[0].elements)


@RULES.add(*(f"aten.{kind}_pad{d}d_backward" for kind in ("reflection", "replication") for d in (1, 2, 3)))
def padding_backward(op: Op) -> Work:
    """Gradient of a border: g at each place, what its mirror images carry added.

    vector_ops   1 per element of g
    bytes        g is read once, the gradient is written once; x is not read
    """
    return work_of(op, "copy", vector_ops=op.inputs[0].elements, reads=op.inputs[:1])
