"""Which words are formats, which are not, and which of them wins."""

from __future__ import annotations

from itertools import product

import pytest

from hwcost.errors import UsageError
from hwcost.formats import FORMATS, Asked, asked, format_name
from hwcost.units import DTYPE_BITS, compute_dtype, dtype_bits, is_floating


@pytest.mark.parametrize(
    ("word", "name", "bits"),
    [
        ("fp32", "float32", 32),
        ("tf32", "tfloat32", 32),  # a way to multiply: the numbers lie in memory as float32
        ("fp16", "float16", 16),
        ("BF16", "bfloat16", 16),
        ("fp8", "float8_e4m3fn", 8),
        ("fp8_e4m3", "float8_e4m3fn", 8),
        ("e5m2", "float8_e5m2", 8),
        ("torch.float8_e5m2", "float8_e5m2", 8),
        ("int8", "int8", 8),
        ("int4", "int4", 4),
    ],
)
def test_words(word: str, name: str, bits: int) -> None:
    assert (format_name(word), dtype_bits(name)) == (name, bits)
    assert name in FORMATS


def test_every_format_is_a_dtype() -> None:
    assert set(FORMATS) <= set(DTYPE_BITS)


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("int5", r"--weights int5: unknown dtype 'int5'; did you mean 'int8'\?"),
        ("fp17", r"--weights fp17: unknown dtype 'fp17'; did you mean 'fp16'\?"),
        ("float8_e4m3", r"did you mean 'float8_e4m3fn'\?"),
        ("zebra", r"unknown dtype 'zebra'; take one of fp32, tf32, fp16, "),
        ("bool", r"--weights bool: 'bool' holds no weights or activations; take one of fp32, tf32"),
        ("int64", r"'int64' holds no weights"),
        ("complex64", r"'complex64' holds no weights"),
        ("quint4x2", r"'quint4x2' holds no weights"),
    ],
)
def test_other_words_are_refused(word: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        asked(weights=word)


def test_an_option_of_its_own_wins() -> None:
    assert asked() == Asked()
    assert asked().is_nothing
    assert asked(dtype="fp16") == Asked(weights="float16", activations="float16", kv="float16")
    assert asked(dtype="fp16", weights="int4") == Asked(weights="int4", activations="float16", kv="float16")
    assert asked(kv="int8") == Asked(kv="int8")
    with pytest.raises(UsageError, match="--dtype fp17"):
        asked(dtype="fp17", weights="int4")


@pytest.mark.parametrize(
    ("a", "b", "computed"),
    [
        ("float16", "int4", "float16"),
        ("int8", "float16", "float16"),
        ("int8", "int8", "int8"),
        ("int8", "int4", "int8"),
        ("uint8", "int8", "uint8"),
        ("float8_e4m3fn", "bfloat16", "bfloat16"),
        ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fn"),
        ("float16", "bfloat16", "float32"),
        ("tfloat32", "float32", "tfloat32"),
        ("float32", "tfloat32", "tfloat32"),
        ("tfloat32", "bfloat16", "tfloat32"),
        ("float64", "float32", "float64"),
        ("complex64", "float64", "complex64"),
    ],
)
def test_computed_in(a: str, b: str, computed: str) -> None:
    assert compute_dtype(a, b) == computed


def test_nothing_is_computed_in_fewer_bits_than_it_has() -> None:
    for a, b in product(DTYPE_BITS, repeat=2):
        one, other = compute_dtype(a, b), compute_dtype(b, a)
        assert dtype_bits(one) == dtype_bits(other)
        if is_floating(a) and is_floating(b):
            assert dtype_bits(one) >= max(dtype_bits(a), dtype_bits(b))
