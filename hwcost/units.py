"""Units and their prefixes: parsed at the door, shown at the exit, plain SI floats in between."""

from __future__ import annotations

import math
import re
from typing import Final

from hwcost.errors import UsageError

DTYPE_BITS: Final = {
    "float64": 64,
    "float32": 32,
    "tfloat32": 32,
    "float16": 16,
    "bfloat16": 16,
    "float8_e4m3fn": 8,
    "float8_e5m2": 8,
    "float8_e4m3fnuz": 8,
    "float8_e5m2fnuz": 8,
    "float8_e8m0fnu": 8,
    "float4_e2m1fn_x2": 8,
    "complex32": 32,
    "complex64": 64,
    "complex128": 128,
    "int64": 64,
    "int32": 32,
    "int16": 16,
    "int8": 8,
    "int4": 4,
    "uint8": 8,
    "uint16": 16,
    "uint32": 32,
    "uint64": 64,
    "bool": 8,
    "qint8": 8,
    "quint8": 8,
    "qint32": 32,
    "quint4x2": 4,
    "quint2x4": 2,
}
"""Bits that one element takes in memory (tfloat32 is stored as float32; x2 and x4 pack several)."""

DTYPE_ALIASES: Final = {
    "fp64": "float64",
    "double": "float64",
    "fp32": "float32",
    "float": "float32",
    "tf32": "tfloat32",
    "fp16": "float16",
    "half": "float16",
    "bf16": "bfloat16",
    "fp8": "float8_e4m3fn",
    "fp8_e4m3": "float8_e4m3fn",
    "fp8_e5m2": "float8_e5m2",
    "e4m3": "float8_e4m3fn",
    "e5m2": "float8_e5m2",
}

PREFIXES: Final = {
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "µ": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "K": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}

BASE_UNITS: Final = {
    "B": "B",
    "B/s": "B/s",
    "FLOP/s": "FLOP/s",
    "OP/s": "FLOP/s",
    "s": "s",
    "Hz": "Hz",
    "W": "W",
    "J": "J",
    "J/FLOP": "J/FLOP",
    "J/OP": "J/FLOP",
    "J/B": "J/B",
    "s/B": "s/B",
}
"""Spelling of a unit -> the dimension it measures. An operation counts as a FLOP whatever its type."""

_QUANTITY = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*?)?\s*\Z")


def dtype_name(word: str) -> str:
    """The full name of a dtype ("fp16", "torch.float16" and "float16" are "float16")."""
    name = word.strip().lower().removeprefix("torch.")
    name = DTYPE_ALIASES.get(name, name)
    if name not in DTYPE_BITS:
        known = ", ".join([*DTYPE_ALIASES, *DTYPE_BITS])
        raise UsageError(f"unknown dtype {word!r}", mend=f"take one of {known}")
    return name


def dtype_bits(name: str) -> int:
    """Bits per element of a dtype given by its full name."""
    return DTYPE_BITS[name]


def is_floating(name: str) -> bool:
    """Whether a dtype given by its full name holds real floating-point numbers."""
    return name.startswith(("float", "bfloat", "tfloat"))


def compute_dtype(a: str, b: str) -> str:
    """The dtype in which a product of operands of two dtypes is computed.

    The wider of two real ones, tfloat32 for it and float32, and float32 for float16 and bfloat16 (as
    torch promotes them); a real one before an integer, a complex one before both. Of equally wide
    ones the first: units multiply both kinds of float8, and signed by unsigned integers.
    """
    for is_kind in (_is_complex, is_floating):
        if is_kind(a) != is_kind(b):
            return a if is_kind(a) else b
    if {a, b} == {"float16", "bfloat16"}:
        return "float32"
    if {a, b} == {"float32", "tfloat32"}:
        return "tfloat32"
    return b if dtype_bits(b) > dtype_bits(a) else a


def real_dtype(name: str) -> str:
    """The dtype of the two parts of a complex number; any other dtype is its own."""
    return f"float{dtype_bits(name) // 2}" if _is_complex(name) else name


def _is_complex(name: str) -> bool:
    return name.startswith("complex")


def parse(text: str, unit: str) -> float:
    """The SI value of "6.4 GB/s" where `unit` is "B/s"; a plain number where `unit` is "".

    Raises ValueError, with a sentence, for what is no number, or has no, an unknown or a wrong unit.
    """
    match = _QUANTITY.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number" + (f" with a unit of {unit}" if unit else ""))
    value, word = float(match[1]), match[2] or ""
    if not unit:
        if word:
            raise ValueError(f"{text!r} has the unit {word!r} where a plain number belongs")
        return value
    if not word:
        raise ValueError(f"{text!r} has no unit where {unit} belongs")
    for spelling, dimension in BASE_UNITS.items():
        prefix = word.removesuffix(spelling)
        if word.endswith(spelling) and prefix in PREFIXES:
            if dimension != unit:
                raise ValueError(f"{text!r} is in {spelling} where {unit} belongs")
            return value * PREFIXES[prefix]
    raise ValueError(f"{text!r} has the unknown unit {word!r} where {unit} belongs")


LONG_S: Final = 999.5
"""Seconds from which a time is shown in seconds without prefix: nobody counts in kiloseconds."""


def show(value: float, unit: str = "", *, digits: int = 3) -> str:
    """Give the value an SI prefix: `show(2.7e9, "B/s")` is "2.7 GB/s"."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".rstrip()
    if unit == "s" and abs(value) >= LONG_S:
        return f"{value:,.0f} s"
    exponent = min(max(math.floor(math.log10(abs(value)) / 3), -5), 6)
    text = f"{value / 1000.0**exponent:.{digits}g}"
    if abs(float(text)) >= 1000 and exponent < 6:
        exponent += 1
        text = f"{value / 1000.0**exponent:.{digits}g}"
    if "e" in text:
        text = f"{float(text):.0f}"
    prefix = ("f", "p", "n", "u", "m", "", "k", "M", "G", "T", "P", "E")[exponent + 5]
    return f"{text} {prefix}{unit}".rstrip()
