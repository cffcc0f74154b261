"""Units: showing and parsing again comes back, and wrong ones are refused."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import UsageError
from hwcost.units import BASE_UNITS, PREFIXES, dtype_name, parse, show


@given(st.floats(1e-14, 1e19), st.sampled_from(["B", "B/s", "FLOP/s", "J", "W", "Hz"]))
def test_showing_and_parsing_comes_back(value: float, unit: str) -> None:
    assert parse(show(value, unit, digits=12), unit) == pytest.approx(value, rel=1e-11)


def test_neighbouring_prefixes_are_a_thousand_apart() -> None:
    ladder = [PREFIXES[prefix] for prefix in ("f", "p", "n", "u", "m", "", "k", "M", "G", "T", "P", "E")]
    assert all(high / low == pytest.approx(1000) for low, high in pairwise(ladder))
    binary = [PREFIXES[prefix] for prefix in ("Ki", "Mi", "Gi", "Ti")]
    assert all(high / low == 1024 for low, high in pairwise(binary))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.7e9, "B/s", "2.7 GB/s"),
        (999.9, "", "1 k"),
        (0, "B", "0 B"),
        (1.2e-5, "s", "12 us"),
        (4_202_496, "", "4.2 M"),
        (12_345, "s", "12,345 s"),
        (999.9, "s", "1,000 s"),
    ],
)
def test_shown(value: float, unit: str, text: str) -> None:
    assert show(value, unit) == text


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("6.4 GB/s", "B/s", 6.4e9),
        ("512 MiB", "B", 512 * 2**20),
        ("48 GFLOP/s", "FLOP/s", 48e9),
        ("96 GOP/s", "FLOP/s", 96e9),
        ("5 us", "s", 5e-6),
        ("12.5 pJ/B", "J/B", 12.5e-12),
        ("0.35", "", 0.35),
        ("1e3 B", "B", 1e3),
    ],
)
def test_parsed(text: str, unit: str, value: float) -> None:
    assert parse(text, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("6.4 GB", "B/s"),
        ("6.4", "B"),
        ("6.4 XB", "B"),
        ("six GB", "B"),
        ("", "B"),
        ("5 GB", ""),
        ("1 2 B", "B"),
    ],
)
def test_refused(text: str, unit: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text, unit)


def test_every_base_unit_parses() -> None:
    for spelling, unit in BASE_UNITS.items():
        assert parse(f"3 k{spelling}", unit) == 3000


def test_dtypes() -> None:
    assert dtype_name("FP16") == dtype_name("torch.float16") == "float16"
    with pytest.raises(UsageError, match="fp99"):
        dtype_name("fp99")
