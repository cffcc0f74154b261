"""Which positions an op picks by index, where they are known: those of a dimension, as whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from hwcost.tracing.capture import Capture

PICKS_AT_MOST = 4096
"""Indices up to which their values are kept in a trace."""


def picks_of(name: str, arguments: Mapping[str, Any], capture: Capture) -> Mapping[str, Any]:
    """What to keep of the indices of a call, beside their shapes.

    indexed: the dimensions that `aten.index` picks from. positions: the values of a single vector of indices;
    left out where they are not known, are a guess, or are many.
    """
    if name == "aten.index":
        indices = arguments.get("indices") or ()
        dims = tuple(dim for dim, index in enumerate(indices) if index is not None)
        positions = _positions(indices[dims[0]], capture) if len(dims) == 1 else None
        return {"indexed": dims} | ({} if positions is None else {"positions": positions})
    if name == "aten.index_select":
        positions = _positions(arguments.get("index"), capture)
        return {} if positions is None else {"positions": positions}
    return {}


def _positions(index: Any, capture: Capture) -> tuple[int, ...] | None:
    if not isinstance(index, torch.Tensor) or index.dim() != 1 or index.numel() > PICKS_AT_MOST:
        return None
    known = capture.values.of(index)
    if known is None or capture.values.reason([index]):
        return None
    return tuple(known.tolist())
