"""Types of elements: ONNX's numbers for them as torch's."""

from __future__ import annotations

from typing import Final

import torch

from hwcost.errors import ModelError

INT4: Final[torch.dtype] = getattr(torch, "int4")  # noqa: B009  torch has it, and does not list it

DTYPES: Final[dict[int, torch.dtype]] = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    4: torch.uint16,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
    12: torch.uint32,
    13: torch.uint64,
    14: torch.complex64,
    15: torch.complex128,
    16: torch.bfloat16,
    17: torch.float8_e4m3fn,
    18: torch.float8_e4m3fnuz,
    19: torch.float8_e5m2,
    20: torch.float8_e5m2fnuz,
    21: INT4,
    22: INT4,
    24: torch.float8_e8m0fnu,
}
"""TensorProto.DataType; unsigned 4-bit numbers count as signed ones."""

OTHERS: Final = {
    0: "no type",
    8: "strings",
    23: "4-bit floating point",
    25: "2-bit numbers",
    26: "2-bit numbers",
}
"""What is not counted."""

QUANTISED: Final = frozenset({torch.int8, torch.uint8, INT4})
"""Whole numbers that stand for reals once they are scaled."""


def dtype_of(code: int, where: str) -> torch.dtype:
    """The dtype that a number stands for.

    Raises:
        ModelError: tensors of this type are not counted.
    """
    if code not in DTYPES:
        name = OTHERS.get(code, f"the unknown type {code}")
        raise ModelError(
            f"has a tensor of {name}", where=where, mend="export the part that computes on numbers"
        )
    return DTYPES[code]
