"""Which (query, key) pairs a mask lets through, where its values are known: a band around the diagonal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from hwcost.tracing.capture import Capture
from hwcost.tracing.values import VALUE_LIMIT

VERY_NEGATIVE = -1e4
"""A score from which on softmax gives 0 in every type."""

Band = tuple[int, int]
"""(lowest, highest) key - query, indices in the last two dimensions, over all pairs that are let through."""

_Masking = Callable[[Capture, Mapping[str, Any]], Band | None]


def band_of(name: str, arguments: Mapping[str, Any], capture: Capture) -> Band | None:
    """The band that an op leaves of the scores that it masks; None where it masks nothing that is known."""
    masking = _MASKING.get(name.removesuffix("_"))
    return masking(capture, arguments) if masking else None


def attention_band(mask: torch.Tensor, capture: Capture) -> Band | None:
    """The band of attention's own mask: True, or a number that is not very negative, lets through."""
    return _band(capture, mask, "keeps" if mask.dtype == torch.bool else "adds")


def _filled(capture: Capture, arguments: Mapping[str, Any]) -> Band | None:
    value = arguments.get("value")
    if isinstance(value, torch.Tensor) and not _is_very_negative(value, capture):
        return None
    return _band(capture, arguments.get("mask"), "hides")


def _chosen(capture: Capture, arguments: Mapping[str, Any]) -> Band | None:
    """where(condition, scores, very negative), or the other way round."""
    for side, kind in (("other", "keeps"), ("self", "hides")):
        value = arguments.get(side)
        if isinstance(value, torch.Tensor) and _is_very_negative(value, capture):
            return _band(capture, arguments.get("condition"), kind)
    return None


def _added(capture: Capture, arguments: Mapping[str, Any]) -> Band | None:
    if arguments.get("alpha", 1) != 1:
        return None
    return _band(capture, arguments.get("other"), "adds") or _band(capture, arguments.get("self"), "adds")


def _added_to_product(capture: Capture, arguments: Mapping[str, Any]) -> Band | None:
    """C = beta M + alpha A B, of which M may be the mask."""
    return _band(capture, arguments.get("self"), "adds") if arguments.get("beta", 1) == 1 else None


def _multiplied(capture: Capture, arguments: Mapping[str, Any]) -> Band | None:
    return _band(capture, arguments.get("other"), "times") or _band(capture, arguments.get("self"), "times")


_MASKING: Mapping[str, _Masking] = {
    "aten.masked_fill": _filled,
    "aten.where": _chosen,
    "aten.add": _added,
    "aten.mul": _multiplied,
    "aten.addmm": _added_to_product,
    "aten.baddbmm": _added_to_product,
}


def _is_very_negative(value: torch.Tensor, capture: Capture) -> bool:
    known = capture.values.of(value) if value.numel() <= 1 else None
    return known is not None and known.numel() == 1 and float(known) <= VERY_NEGATIVE


def _allowed(known: torch.Tensor, kind: str) -> torch.Tensor | None:
    """Where a mask lets through; None for what is no mask of that kind."""
    if kind in ("keeps", "hides"):
        return known.bool() if kind == "keeps" else ~known.bool()
    if kind == "times":
        is_mask = bool(((known == 0) | (known == 1)).all())
        return known.bool() if is_mask else None
    return known > VERY_NEGATIVE


def _band(capture: Capture, mask: Any, kind: str) -> Band | None:
    """The band of a mask of which the values are known; None where it hides no pair outside of one."""
    if not isinstance(mask, torch.Tensor) or mask.dim() < 2 or min(mask.shape[-2:]) < 2:
        return None
    known = capture.values.of(mask) if mask.numel() <= VALUE_LIMIT else None
    if known is None or known.is_complex():
        return None
    key = (
        kind,
        known.untyped_storage()._cdata,
        known._version,
        tuple(known.shape),
        known.stride(),
        known.storage_offset(),
    )
    if key not in capture.bands:
        allowed = _allowed(known, kind)
        capture.bands[key] = None if allowed is None else _extent(allowed)
    return capture.bands[key]


def _extent(allowed: torch.Tensor) -> Band | None:
    """The lowest and highest j - i over allowed[..., i, j]; None where that leaves out no pair."""
    n, m = allowed.shape[-2:]
    pairs = allowed.reshape(-1, n, m).any(0)
    rows = pairs.any(1).nonzero().flatten()
    if not len(rows):
        return None
    some = pairs[rows].to(torch.uint8)
    low = int((some.argmax(1) - rows).min())
    high = int((m - 1 - some.flip(1).argmax(1) - rows).max())
    return (low, high) if low > 1 - n or high < m - 1 else None
