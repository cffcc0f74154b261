"""The values of an ONNX file's small tensors as tensors of torch."""

from __future__ import annotations

from math import prod
from typing import Final

import numpy as np
import torch

from hwcost.sources.onnx_model.graph import Weight

NUMPY: Final = frozenset(
    {"bool", "float16", "float32", "float64", "complex64", "complex128"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)
"""Types that NumPy has of its own."""


def real(weight: Weight) -> torch.Tensor | None:
    """The values of a tensor of the file, None where they are not there, or of a type that is not read."""
    values = weight.values
    if values is None or values.size != prod(weight.shape):
        return None
    try:
        # Types that NumPy borrows from elsewhere (bfloat16, float8, int4) are told by their values.
        if values.dtype.kind == "V" or values.dtype.name not in NUMPY:
            return torch.tensor(values.astype(np.float32)).reshape(weight.shape).to(weight.dtype)
        return torch.from_numpy(values.copy()).reshape(weight.shape).to(weight.dtype)
    except (TypeError, RuntimeError):
        return None
