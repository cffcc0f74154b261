"""The formats that a model's numbers can be asked to have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hwcost.errors import UsageError
from hwcost.units import dtype_name

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


SHORT: Final = ("fp32", "tf32", "fp16", "bf16", "fp8", "fp8_e4m3", "fp8_e5m2", "int8", "int4")
"""The usual ones by the names that people type."""


def format_name(word: str, *, where: str = "") -> str:
    """The full name of a format ("fp16", "torch.float16" and "float16" are "float16").

    Raises UsageError for an unknown name, with the nearest known one, and for a dtype that no weight
    or activation is stored in.
    """
    try:
        name = dtype_name(word)
    except UsageError as error:
        raise UsageError(error.what, where=where, mend=_nearest(word)) from None
    if name not in FORMATS:
        what = f"{name!r} holds no weights or activations"
        raise UsageError(what, where=where, mend=f"take one of {', '.join(SHORT)}")
    return name


def _nearest(word: str) -> str:
    """How to mend a misspelt name: the nearest format, or the usual ones."""
    # Only errors need it, and every analysis imports this file.
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), (*SHORT, *FORMATS), n=1)
    return f"did you mean {near[0]!r}?" if near else f"take one of {', '.join(SHORT)}"
