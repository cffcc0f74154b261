"""Operators that take functions: control flow is followed, flex attention counted as dense attention."""

from __future__ import annotations

from typing import Any

import torch

from hwcost.errors import TraceError
from hwcost.tracing import control_flow
from hwcost.tracing.capture import META, Capture
from hwcost.tracing.whole import leading

FLEX = "flex_attention was counted as dense attention, without its score_mod and block_mask"


def higher_order(mode: Any, func: Any, args: tuple[Any, ...], _kwargs: dict[str, Any]) -> Any:
    """Run an operator that takes functions, whose ops `mode` sees.

    Raises:
        TraceError: the operator is not one of those known here.
    """
    capture: Capture = mode.capture
    name = func.name()
    if name == "flex_attention":
        with capture.paused():
            return _flex_attention(capture, *args[:3], scale=args[5])
    if name == "flex_attention_backward":
        with capture.paused():
            return _flex_attention_backward(capture, *args[:6])
    if name in control_flow.NAMES:
        with mode:
            return control_flow.followed(name, args, lambda value: _is_true(capture, value))
    raise TraceError(f"the operator {name} hides its calls", mend="trace the parts around it")


def _is_true(capture: Capture, value: Any) -> bool:
    with capture.paused():
        return bool(capture.real(value, "branching") if isinstance(value, torch.Tensor) else value)


def _flex_attention(
    capture: Capture, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, scale: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """flex_attention(q, k, v, score_mod, block_mask, scale, ...): (out, logsumexp, maxima)."""
    capture.recorder.notes[FLEX] = None
    q, k, v = (capture.to_meta(part) for part in (q, k, v))
    is_grouped = q.shape[-3] != k.shape[-3]
    rows = (*leading(q, k, v, is_grouped=is_grouped), q.shape[-2])
    out = torch.empty((*rows, v.shape[-1]), dtype=q.dtype, device=META)
    statistics = [torch.empty(rows, dtype=torch.float32, device=META) for _ in range(2)]
    attributes = {
        "attn_mask": None,
        "is_causal": False,
        "dropout_p": 0.0,
        "scale": scale,
        "enable_gqa": is_grouped,
    }
    capture.recorder.record("torch.scaled_dot_product_attention", [q, k, v], [out], attributes)
    return out, statistics[0], statistics[1]


def _flex_attention_backward(
    capture: Capture,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    out: torch.Tensor,
    logsumexp: torch.Tensor,
    gradient: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, tuple[()]]:
    """flex_attention_backward(q, k, v, out, logsumexp, grad_out, ...): (dq, dk, dv, of score_mod's own)."""
    made = [torch.empty(part.shape, dtype=part.dtype, device=META) for part in (q, k, v)]
    inputs = [gradient, q, k, v, out, logsumexp]
    capture.recorder.record("torch.scaled_dot_product_attention_backward", inputs, made, {"dropout_p": 0.0})
    return made[0], made[1], made[2], ()
