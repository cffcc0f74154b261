"""Which dtype is priced as what, what is said about it, and the facts of a machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from processors import device, level, unit

from hwcost.devices.device import Device
from hwcost.errors import ProfileError
from hwcost.kinds import all_kinds, kind_of
from hwcost.kinds.processor import machine
from hwcost.kinds.processor.rates import candidates, notes, product_rate, vector_rate
from hwcost.units import DTYPE_BITS

DRAM = level("dram", 1e9, 10e9, 5e9)


def with_units(kind: str = "cpu", **peaks: dict[str, float]) -> Device:
    return device(DRAM, kind=kind, units=[unit(name, rates) for name, rates in peaks.items()])


CPU = with_units(vector={"float32": 48e9, "int8": 96e9}, scalar={"float32": 12e9})
GPU = with_units(
    kind="gpu",
    matrix={"tfloat32": 156e12, "float16": 312e12, "bfloat16": 312e12, "int8": 624e12},
    vector={"float32": 19.5e12, "float64": 9.7e12},
)
ARRAY = with_units(kind="accelerator", matrix={"int8": 4e12})


@pytest.mark.parametrize(
    ("on", "dtype", "priced_as", "flop_per_s"),
    [
        (CPU, "float32", "float32", 48e9),
        (CPU, "float16", "float32", 48e9),
        (CPU, "float64", "float32", 24e9),
        (CPU, "int4", "int8", 96e9),
        (CPU, "int64", "float32", 48e9),
        (CPU, "quint8", "int8", 96e9),
        (CPU, "complex64", "float32", 12e9),  # four real multiply-adds
        (GPU, "float32", "float32", 19.5e12),  # not tfloat32: PyTorch's default multiplies in full
        (GPU, "float64", "float64", 9.7e12),
        (GPU, "float8_e4m3fn", "float16", 312e12),
        (GPU, "float4_e2m1fn_x2", "float16", 312e12),
        (GPU, "tfloat32", "tfloat32", 156e12),
        (ARRAY, "float32", "int8", 4e12),
        (ARRAY, "int16", "int8", 4e12),
    ],
)
def test_products(on: Device, dtype: str, priced_as: str, flop_per_s: float) -> None:
    rate = product_rate(on, dtype)
    assert (rate.dtype, rate.flop_per_s) == (priced_as, flop_per_s)


def test_the_rest_stays_off_the_matrix_unit() -> None:
    assert (vector_rate(GPU, "float16").unit.name, vector_rate(GPU, "float16").dtype) == ("vector", "float32")
    assert vector_rate(ARRAY, "int8").unit.name == "matrix"
    microcontroller = with_units(vector={"int8": 2e9}, scalar={"float32": 1e9})
    assert vector_rate(microcontroller, "float32").unit.name == "scalar"


@pytest.mark.parametrize("dtype", sorted(DTYPE_BITS))
@pytest.mark.parametrize("only", sorted(DTYPE_BITS))
def test_every_dtype_has_a_rate_wherever_there_is_a_unit(dtype: str, only: str) -> None:
    on = with_units(vector={only: 8e9})
    assert product_rate(on, dtype).flop_per_s in (1e9, 2e9, 4e9, 8e9)
    assert (not notes(on, dtype)) == (dtype == only)


def test_wider_types_stand_in_first() -> None:
    for dtype, bits in DTYPE_BITS.items():
        first, *_ = candidates(dtype)[1:]
        # Nothing is wider than 64 bits; a complex number is two real ones.
        assert DTYPE_BITS[first] >= bits or bits >= 64 or dtype.startswith("complex")


def test_notes_say_what_stands_in() -> None:
    assert notes(CPU, "float32") == ()
    assert notes(CPU, "float16") == ("bench has no float16 unit: priced as float32, at 48 GFLOP/s",)
    assert notes(CPU, "float64") == ("bench has no float64 unit: priced as 2 in float32 each, at 24 GFLOP/s",)
    # As wide, but whole numbers are no stand-in that goes without saying.
    assert notes(ARRAY, "float8_e4m3fn")[0].startswith(
        "bench computes in int8 only: its arithmetic is priced"
    )
    quantised, pointwise = notes(ARRAY, "float32")
    assert quantised == (
        "bench computes in int8 only: its arithmetic is priced as if the model were quantised to int8,"
        " at 4 TOP/s; its bytes are still those of float32"
    )
    assert pointwise.startswith("bench lists no vector unit")


def test_notes_say_what_stands_in_beside_a_matrix_unit() -> None:
    assert notes(GPU, "float32") == ()
    assert notes(GPU, "bfloat16") == (
        "bench has bfloat16 in its matrix unit alone: what is no product is priced as float32,"
        " at 19.5 TFLOP/s",
    )
    # The roof is that of int8; what is no product has another stand-in.
    assert notes(GPU, "int4") == (
        "bench has no int4 unit: priced as int8, at 624 TOP/s",
        "bench has int8 in its matrix unit alone: what is no product is priced as float32, at 19.5 TFLOP/s",
    )


def test_notes_say_that_wider_is_faster() -> None:
    # A V100: tensor cores for float16, int8 four at a time in the vector unit.
    on = with_units(matrix={"float16": 125e12}, vector={"float16": 31e12, "int8": 62.7e12})
    assert notes(on, "float16") == ()
    assert notes(on, "int8") == (
        "bench computes in int8 at 62.7 TOP/s, slower than in float16, at 125 TFLOP/s",
    )


def test_notes_cover_each_dtype_once() -> None:
    # Products in int8, attention in float16, the rest in float16: two stand-ins, one of them named twice.
    only = with_units(vector={"float32": 48e9})
    assert notes(only, "int8", "float16", "float16") == (
        "bench has no int8 unit: priced as float32, at 48 GFLOP/s",
        "bench has no float16 unit: priced as float32, at 48 GFLOP/s",
    )


def test_machine() -> None:
    caches = (level("registers", 512), level("l1", 32768, 100e9, 80e9), level("l2", 5e5), DRAM)
    on = replace(CPU, levels=caches, efficiency=device(efficiency={"gemm": 0.25}).efficiency)
    facts = machine(on, "float16")
    assert (facts.name, facts.title, facts.kind) == ("bench", "a bench", "cpu")
    assert (facts.roof.unit, facts.roof.dtype) == ("vector", "float32")
    assert (facts.roof.peak_flop_per_s, facts.roof.achieved_flop_per_s) == (48e9, 12e9)
    assert [(roof.unit, roof.dtype, roof.peak_flop_per_s) for roof in facts.roofs] == [
        ("vector", "float32", 48e9),
        ("vector", "int8", 96e9),
        ("scalar", "float32", 12e9),
    ]
    assert [(slope.level, slope.size_bytes, slope.achieved_bytes_per_s) for slope in facts.slopes] == [
        ("l1", 32768, 80e9),
        ("dram", 1e9, 5e9),
    ]
    assert facts.memory_bytes == 1e9
    assert facts.unverified_numbers == 1
    assert facts.notes == ("made up",)
    assert facts.stand_ins == ("bench has no float16 unit: priced as float32, at 48 GFLOP/s",)


def test_memory_of_unknown_size() -> None:
    assert machine(device(level("dram", None, 1e9, 1e9)), "float32").memory_bytes is None


def test_kinds_are_found() -> None:
    assert {"cpu", "gpu", "accelerator"} <= set(all_kinds())
    assert kind_of(CPU).machine(CPU, "float32").roof.peak_flop_per_s == 48e9
    with pytest.raises(
        ProfileError, match=r"bench: no such kind of device: 'abacus'; take one of accelerator"
    ):
        kind_of(replace(CPU, kind="abacus"))
