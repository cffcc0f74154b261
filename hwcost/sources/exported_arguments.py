"""Arguments and tensors in the JSON of an exported program, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch

from hwcost.errors import ModelError

SCALAR_TYPES: Final = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    9: torch.complex32,
    10: torch.complex64,
    11: torch.complex128,
    12: torch.bool,
    13: torch.bfloat16,
    28: torch.uint16,
    29: torch.float8_e4m3fn,
    30: torch.float8_e5m2,
    31: torch.float8_e4m3fnuz,
    32: torch.float8_e5m2fnuz,
    33: torch.float8_e8m0fnu,
    34: torch.uint32,
    35: torch.uint64,
}
"""torch._export.serde.schema.ScalarType, which a test compares."""

MEMORY_FORMATS: Final = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
"""torch._export.serde.schema.MemoryFormat, which a test compares."""

STRIDED: Final = 7
"""torch._export.serde.schema.Layout.Strided."""

PLAIN: Final = frozenset(
    f"as_{kind}{many}" for kind in ("int", "float", "bool", "string") for many in ("", "s", "_lists")
)
"""Arguments that stand in the file as they are."""

DEVICE: Final = "device of the run"
"""The name that stands for every device of the file; no name of a graph has spaces."""


def dtype_of(code: int) -> torch.dtype:
    """The dtype that a number of the schema stands for."""
    if code not in SCALAR_TYPES:
        raise ModelError(f"has a tensor of the unknown type {code}", mend="take a dtype that torch exports")
    return SCALAR_TYPES[code]


def number(size: Mapping[str, Any]) -> int:
    """A size, or the one of the example inputs where it was left open. Its formula is not evaluated."""
    if "as_int" in size:
        return int(size["as_int"])
    hint = size["as_expr"].get("hint")
    if not hint or "as_int" not in hint:
        raise ModelError(
            "leaves a size open without an example", mend="export it with example inputs of that size"
        )
    return int(hint["as_int"])


def on_meta(meta: Mapping[str, Any]) -> torch.Tensor:
    """A tensor on meta as its description says."""
    if meta.get("layout", STRIDED) != STRIDED:
        raise ModelError("has a tensor that is not strided", mend="use dense tensors")
    sizes, strides = ([number(size) for size in meta[key]] for key in ("sizes", "strides"))
    return torch.empty_strided(sizes, strides, dtype=dtype_of(meta["dtype"]), device="meta")


def value_of(argument: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    """An argument of a call; `known` holds tensors and numbers by name."""
    ((kind, value),) = ((key, item) for key, item in argument.items() if key.startswith("as_"))
    if kind in ("as_float", "as_floats"):  # JSON has no infinity: it is written as a word
        return [float(item) for item in value] if kind == "as_floats" else float(value)
    if kind in PLAIN:
        return value
    if kind in ("as_tensor", "as_custom_obj"):
        return known[value["name"]]
    if kind == "as_tensors":
        return [known[item["name"]] for item in value]
    if kind in ("as_optional_tensor", "as_nested_tensors"):
        return value_of(value, known)
    if kind == "as_optional_tensors":
        return [value_of(item, known) for item in value]
    if kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
        return _symbol(value, known)
    if kind in ("as_sym_ints", "as_sym_bools", "as_sym_floats"):
        return [_symbol(item, known) for item in value]
    return known[DEVICE] if kind == "as_device" else _torch_value(kind, value)


def _symbol(value: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    """A number by its name, or as itself."""
    if "as_name" in value:
        return known[value["as_name"]]
    ((_, plain),) = value.items()
    return plain


def _torch_value(kind: str, value: Any) -> Any:
    if kind == "as_none":
        return None
    if kind == "as_scalar_type":
        return dtype_of(value)
    if kind == "as_memory_format":
        return MEMORY_FORMATS[value]
    if kind == "as_layout" and value == STRIDED:
        return torch.strided
    if kind == "as_complex":
        return complex(value["real"], value["imag"])
    raise ModelError(f"has an argument of the kind {kind.removeprefix('as_')}", mend="export it without")


def names_of(output: Mapping[str, Any]) -> list[str | None]:
    """The names that a result is given, lists flattened; None for one that is thrown away."""
    ((kind, value),) = ((key, item) for key, item in output.items() if key.startswith("as_"))
    if kind == "as_none":
        return [None]
    if kind in ("as_tensor", "as_optional_tensor") and "name" in value:
        return [str(value["name"])]
    if kind == "as_tensors":
        return [str(item["name"]) for item in value]
    if kind == "as_optional_tensors":
        return [name for item in value for name in names_of(item)]
    if kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
        return [value.get("as_name")]
    if kind in ("as_sym_ints", "as_sym_bools"):
        return [item.get("as_name") for item in value]
    raise ModelError(f"has a result of the kind {kind.removeprefix('as_')}", mend="export it without")
