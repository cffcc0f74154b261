"""The formats that a model's numbers can be asked to have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hwcost.errors import UsageError
from hwcost.units import DTYPE_ALIASES, dtype_name

FORMATS: Final[Mapping[str, str]] = {
    "float64": "double precision",
    "float32": "single precision",
    "tfloat32": "stored as float32, products in TensorFloat-32 (19 of its bits)",
    "float16": "half precision, 5 bits of exponent",
    "bfloat16": "half precision, 8 bits of exponent",
    "float8_e4m3fn": "4 bits of exponent",
    "float8_e5m2": "5 bits of exponent",
    "float8_e4m3fnuz": "4 bits of exponent, without a negative zero",
    "float8_e5m2fnuz": "5 bits of exponent, without a negative zero",
    "int16": "whole numbers with a scale",
    "int8": "whole numbers with a scale",
    "uint8": "whole numbers with a scale",
    "int4": "whole numbers with a scale, two in a byte",
}
"""Full name -> what it is. Truth values, indices and complex numbers are no formats of weights."""


def format_name(word: str, *, where: str = "") -> str:
    """The full name of a format ("fp16", "torch.float16" and "float16" are "float16").

    Raises UsageError for an unknown name, with the nearest known one, and for a dtype that no weight
    or activation is stored in.
    """
    try:
        name = dtype_name(word)
    except UsageError as error:
        raise UsageError(error.what, where=where, mend=error.mend) from None
    if name not in FORMATS:
        short = [alias for alias, full in DTYPE_ALIASES.items() if full in FORMATS and alias.startswith("fp")]
        known = ", ".join(dict.fromkeys(("fp32", "tf32", "fp16", "bf16", *short, "int8", "int4")))
        raise UsageError(
            f"{name!r} holds no weights or activations", where=where, mend=f"take one of {known}"
        )
    return name
