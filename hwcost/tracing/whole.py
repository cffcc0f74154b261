"""Functions that are caught whole, before torch takes them apart."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch
from torch.nn import functional

from hwcost.tracing.bands import attention_band
from hwcost.tracing.capture import META, Capture
from hwcost.tracing.causal_bias import is_causal_bias
from hwcost.tracing.differentiable import Call, record
from hwcost.tracing.function_mode import WholeFunction
from hwcost.tracing.python import python_handlers
from hwcost.tracing.whole_recurrent import recurrent_handlers

_PACK, _PAD = "aten._pack_padded_sequence", "aten._pad_packed_sequence"
"""Each is the other's gradient: rows go back to where they came from."""


def handlers() -> dict[Any, WholeFunction]:
    """What to do instead of each function that is not simply called."""
    variables: Any = torch._C._VariableFunctions
    result: dict[Any, WholeFunction] = {
        functional.scaled_dot_product_attention: _attention,
        variables._grouped_mm: _grouped_product,
        variables._pack_padded_sequence: _pack,
        variables._pad_packed_sequence: _pad,
    }
    result |= python_handlers() | recurrent_handlers()
    if hasattr(functional, "grouped_mm"):
        result[functional.grouped_mm] = _grouped_product
    return result


def transparent() -> dict[Any, Callable[..., Any]]:
    """Functions that must run under the mode, as twins that do not hand themselves over to it."""
    function = functional.multi_head_attention_forward
    names = {**function.__globals__, "has_torch_function": lambda _tensors: False}
    twin = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    return {function: twin}


def _meta(capture: Capture, value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return capture.to_meta(value, learn=True)
    return value


def _attention(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    """scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal, *, scale, enable_gqa)."""
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
    given = {"attn_mask": None, "dropout_p": 0.0, "is_causal": False, "scale": None, "enable_gqa": False}
    given |= dict(zip(names, args, strict=False)) | kwargs
    q, k, v = (_meta(capture, given.pop(name)) for name in names[:3])
    mask = given.pop("attn_mask")
    if isinstance(mask, torch.Tensor) and not is_causal_bias(mask):
        inputs = [q, k, v, _meta(capture, mask)]
        if band := attention_band(inputs[3], capture):
            given["band"] = band
    else:
        inputs = [q, k, v]
        given["is_causal"] = given["is_causal"] or mask is not None
        given["attn_mask"] = None
    lead = leading(q, k, v, is_grouped=bool(given["enable_gqa"]))
    out = torch.empty((*lead, q.shape[-2], v.shape[-1]), dtype=q.dtype, device=META)
    call = Call(
        name="torch.scaled_dot_product_attention",
        inputs=inputs,
        outputs=[out],
        attributes=given,
        backward="torch.scaled_dot_product_attention_backward",
        kept=[(tuple(out.shape[:-1]), torch.float32)],  # fused kernels keep the logsumexp of each row
        keeps_outputs=1,
    )
    return record(capture, call)[0]


def leading(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, is_grouped: bool) -> tuple[int, ...]:
    """Batch and heads of attention's result: those of q, k and v broadcast; grouped: the heads of q."""
    shapes = [tuple(tensor.shape[:-2]) for tensor in (q, k, v)]
    if is_grouped:
        shapes = [(*shape[:-1], q.shape[-3]) for shape in shapes]
    return tuple(torch.broadcast_shapes(*shapes))  # type: ignore[no-untyped-call]


def _grouped_product(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    """grouped_mm(a, b, offs): torch's own meta version knows one dtype only."""
    given = dict(zip(("mat_a", "mat_b", "offs", "bias"), args, strict=False)) | kwargs
    a, b = _meta(capture, given.get("mat_a")), _meta(capture, given.get("mat_b"))
    offs = _meta(capture, given.get("offs"))
    groups = (
        () if a.dim() == b.dim() + 1 or b.dim() == a.dim() + 1 else (offs if a.dim() == 2 else a).shape[:1]
    )
    out = torch.empty(
        (*groups, a.shape[-2], b.shape[-1]), dtype=given.get("out_dtype") or a.dtype, device=META
    )
    bias = _meta(capture, given.get("bias"))
    inputs = [value for value in (a, b, offs, bias) if value is not None]
    absent = {name: None for name, value in (("offs", offs), ("bias", bias)) if value is None}
    call = Call(
        name="aten._grouped_mm",
        inputs=inputs,
        outputs=[out],
        attributes=absent,
        backward="torch.grouped_mm_backward",
    )
    return record(capture, call)[0]


def _pack(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """_pack_padded_sequence(input, lengths, batch_first) -> (data, batch_sizes)."""
    given = dict(zip(("input", "lengths", "batch_first"), args, strict=False)) | kwargs
    x = _meta(capture, given["input"])
    lengths = capture.real(_meta(capture, given["lengths"]), "packing a padded sequence").tolist()
    if lengths != sorted(lengths, reverse=True) or min(lengths) <= 0:
        raise RuntimeError("lengths must be positive and sorted in decreasing order")
    batch_sizes = [sum(length > step for length in lengths) for step in range(lengths[0])]
    data = torch.empty((sum(batch_sizes), *x.shape[2:]), dtype=x.dtype, device=META)
    call = Call(
        name=_PACK,
        inputs=[x],
        outputs=[data],
        attributes={"batch_first": given["batch_first"]},
        backward=_PAD,
        keeps_inputs=False,
    )
    return record(capture, call)[0], torch.tensor(batch_sizes, device="cpu")


def _pad(capture: Capture, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """_pad_packed_sequence(data, batch_sizes, batch_first, padding_value, total_length)."""
    names = ("data", "batch_sizes", "batch_first", "padding_value", "total_length")
    given = dict(zip(names, args, strict=False)) | kwargs
    data = _meta(capture, given["data"])
    sizes = capture.real(_meta(capture, given["batch_sizes"]), "padding a packed sequence").tolist()
    steps = max(given.get("total_length") or 0, len(sizes))
    lead = (sizes[0], steps) if given["batch_first"] else (steps, sizes[0])
    padded = torch.empty((*lead, *data.shape[1:]), dtype=data.dtype, device=META)
    call = Call(
        name=_PAD,
        inputs=[data],
        outputs=[padded],
        attributes={"batch_first": given["batch_first"]},
        backward=_PACK,
        keeps_inputs=False,
    )
    lengths = [sum(size > row for size in sizes) for row in range(sizes[0])]
    return record(capture, call)[0], torch.tensor(lengths, device="cpu")
