"""Which unit computes in which dtype, how fast, and what stands in for a dtype that no unit has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hwcost.devices.device import ComputeUnit, Device
from hwcost.kinds.processor.traits import traits_of
from hwcost.units import DTYPE_BITS, dtype_bits, is_floating, show

VECTOR_UNITS: Final = ("vector", "scalar")
"""Names of the units that do arithmetic which is no product."""

FLOPS_PER_MAC: Final = 2
"""A peak counts a multiply-accumulate as two; an operation that is none gets half of it."""

NARROWER: Final = ("tfloat32", "bfloat16", "float16", "int16", "int8", "int4")
"""What a device without any dtype wide enough has to fall back on, the best of them first."""

WIDER: Final[Mapping[str, tuple[str, ...]]] = {
    "complex128": ("float64", "float32"),
    "complex64": ("float32", "float64"),
    "complex32": ("float16", "float32"),
    "float64": ("float32",),
    "float32": ("float64",),
    "tfloat32": ("float32", "float64"),
    "bfloat16": ("float32", "float64"),
    "float16": ("float32", "float64"),
}
"""What computes in place of a dtype that no unit has, as a runtime would convert it."""

WIDER_THAN_FLOAT8: Final = ("float8_e4m3fn", "float8_e5m2", "float16", "bfloat16", "float32", "float64")
"""The same for all real numbers of 8 bit and less."""

INTEGERS: Final = ("int4", "int8", "int16", "int32", "int64")
"""The same for whole numbers, truth values and quantised ones: the first of these that is as wide."""

OPERATIONS: Final[Mapping[tuple[str, str], int]] = {
    ("float64", "float32"): 2,
    ("complex32", "float16"): 4,
    ("complex32", "float32"): 4,
    ("complex64", "float32"): 4,
    ("complex64", "float64"): 4,
    ("complex128", "float64"): 4,
    ("complex128", "float32"): 8,
}
"""Operations of a stand-in that one of a dtype takes, where it is not 1. A register holds half as many
numbers of 64 bit (GPUs are often slower still: this is the most that float64 can reach); a complex
multiply-accumulate is four real ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a unit reaches at most on a dtype. dtype: the one computed in, which may be a stand-in."""

    unit: ComputeUnit
    dtype: str
    flop_per_s: float


def candidates(dtype: str) -> tuple[str, ...]:
    """A dtype and what may stand in for it, the best first; in the end any dtype may."""
    return tuple(dict.fromkeys((dtype, *_wider(dtype), *NARROWER, *DTYPE_BITS)))


def _wider(dtype: str) -> tuple[str, ...]:
    if dtype in WIDER:
        return WIDER[dtype]
    if is_floating(dtype):
        return WIDER_THAN_FLOAT8
    wide_enough = (name for name in INTEGERS if dtype_bits(name) >= dtype_bits(dtype))
    return (*wide_enough, "int32", "float32")


def operations(dtype: str, stand_in: str) -> int:
    """Operations of the stand-in that one operation of a dtype takes."""
    return OPERATIONS.get((dtype, stand_in), 1)


def product_rate(device: Device, dtype: str) -> Rate:
    """The fastest unit that multiplies and accumulates in a dtype, or in its stand-in."""
    return _fastest(device.units, dtype)


def vector_rate(device: Device, dtype: str) -> Rate:
    """The unit for arithmetic that is no product: vector or scalar; where there is none, any unit."""
    units = [unit for unit in device.units if unit.name in VECTOR_UNITS]
    return _fastest(units or device.units, dtype)


def special_per_s(device: Device, rate: Rate) -> float:
    """Exp, tanh, division and the like per second: the profile's, or the kind's share of vector_ops."""
    if rate.unit.special_per_s is not None:
        return float(rate.unit.special_per_s)
    return traits_of(device).special_share * rate.flop_per_s / FLOPS_PER_MAC


def energy_j_per_flop(device: Device, dtype: str) -> float:
    """Joules per operation in a dtype or its stand-in ; 0 where unknown."""
    for name in candidates(dtype):
        if name in device.energy_j_per_flop:
            return device.energy_j_per_flop[name] * operations(dtype, name)
    return 0.0


def notes(device: Device, *dtypes: str) -> tuple[str, ...]:
    """Sentences on what stands in for dtypes, and for a vector unit, and on units slower than a wider one.

    dtypes: of products, and last that of what is no product.
    """
    sentences = []
    for_rest = dtypes[-1]
    for dtype in dict.fromkeys(dtypes):
        rate = product_rate(device, dtype)
        note = _slower_note(device, rate) if rate.dtype == dtype else _stand_in_note(device, dtype, rate)
        sentences += [note] if note else []
    if not any(unit.name in VECTOR_UNITS for unit in device.units):
        name = product_rate(device, for_rest).unit.name
        sentences.append(
            f"{device.name} lists no vector unit: what is no product is priced on its {name} unit,"
            " at half of the peak, which is the most it can reach"
        )
    elif (note := _vector_note(device, for_rest)) not in ("", *sentences):
        sentences.append(note)
    return tuple(sentences)


def _fastest(units: Iterable[ComputeUnit], dtype: str) -> Rate:
    units = tuple(units)
    name = next(name for name in candidates(dtype) if any(name in unit.peak_flop_per_s for unit in units))
    having = [unit for unit in units if name in unit.peak_flop_per_s]
    unit = max(having, key=lambda unit: unit.peak_flop_per_s[name])
    return Rate(unit=unit, dtype=name, flop_per_s=unit.peak_flop_per_s[name] / operations(dtype, name))


def _slower_note(device: Device, rate: Rate) -> str:
    """Which wider numbers a device multiplies faster; "" where it does none."""
    peaks = (
        (unit, dtype, float(peak)) for unit in device.units for dtype, peak in unit.peak_flop_per_s.items()
    )
    wider = [peak for peak in peaks if dtype_bits(peak[1]) > dtype_bits(rate.dtype)]
    unit, dtype, peak = max(wider, key=lambda peak: peak[2], default=(rate.unit, rate.dtype, 0.0))
    if peak <= rate.flop_per_s:
        return ""
    faster = Rate(unit=unit, dtype=dtype, flop_per_s=peak)
    slow, fast = f"{rate.dtype} at {_speed(rate)}", f"{dtype}, at {_speed(faster)}"
    return f"{device.name} computes in {slow}, slower than in {fast}"


def _vector_note(device: Device, dtype: str) -> str:
    """What stands in for a dtype on the vector unit, where another unit has it; "" where nothing does."""
    rest, products = vector_rate(device, dtype), product_rate(device, dtype)
    if rest.dtype in (dtype, products.dtype):
        return ""
    return (
        f"{device.name} has {products.dtype} in its {products.unit.name} unit alone: what is no product is"
        f" priced as {rest.dtype}, at {_speed(rest)}"
    )


def _speed(rate: Rate) -> str:
    return show(rate.flop_per_s, "FLOP/s" if is_floating(rate.dtype) else "OP/s")


def _stand_in_note(device: Device, dtype: str, rate: Rate) -> str:
    speed = _speed(rate)
    count = operations(dtype, rate.dtype)
    if count > 1:
        return f"{device.name} has no {dtype} unit: priced as {count} in {rate.dtype} each, at {speed}"
    is_rounded = is_floating(dtype) and not is_floating(rate.dtype)
    if dtype_bits(rate.dtype) >= dtype_bits(dtype) and not is_rounded:
        return f"{device.name} has no {dtype} unit: priced as {rate.dtype}, at {speed}"
    kinds = sorted({name for unit in device.units for name in unit.peak_flop_per_s})
    how = "cast to" if is_floating(rate.dtype) else "quantised to"
    return (
        f"{device.name} computes in {' and '.join(kinds)} only: its arithmetic is priced as if the model"
        f" were {how} {rate.dtype}, at {speed}; its bytes are still those of {dtype}"
    )
