"""Sizes as words, and formulas of settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import ModelError, UsageError
from hwcost.matching import Target, target
from hwcost.matching.formula import FARTHEST, evaluated


@pytest.mark.parametrize(
    ("words", "quantity", "size"),
    [
        ("params=10M", "params", 10_000_000),
        ("parameters=250k", "params", 250_000),
        ("macs=1.5G", "macs", 1_500_000_000),
        ("MACs=1e7", "macs", 10_000_000),
        ("params= 2.5e3K", "params", 2_500_000),
        ("params=1T", "params", 10**12),
        ("params=7", "params", 7),
    ],
)
def test_targets(words: str, quantity: str, size: int) -> None:
    assert target(words) == Target(quantity=quantity, size=size)


@given(st.integers(1, 10**15))
def test_a_count_comes_back(size: int) -> None:
    assert target(f"params={size}").size == size


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("10M", "--match 10M: no params=N or macs=N; write it as params=10M"),
        ("bytes=10M", "--match bytes=10M: no params=N or macs=N; write it as params=10M"),
        ("params=", "--match params=: '' is no count from 1 on; write it as 250k, 10M, 1.5G or 1e7"),
        ("params=0", "--match params=0: '0' is no count from 1 on; "),
        ("params=-1", "--match params=-1: '-1' is no count from 1 on; "),
        ("params=10 MB", "--match params=10 MB: '10 MB' is no count from 1 on; "),
        ("params=10m", "--match params=10m: '10m' is no count from 1 on; "),
        ("params=nan", "--match params=nan: 'nan' is no count from 1 on; "),
        ("params=1e400", "--match params=1e400: '1e400' is beyond any model; "),
        ("macs=1e19", "--match macs=1e19: '1e19' is beyond any model; "),
    ],
)
def test_refuses(words: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        target(words)
    assert str(caught.value).startswith(message)


@given(k=st.integers(1, 9), levels=st.integers(1, 20))
def test_a_formula_is_what_python_makes_of_it(k: int, levels: int) -> None:
    values = {"kernel_size": k, "levels": levels, "causal": k % 2 == 0, "kind": "lstm"}
    assert evaluated("1 + 2 * (kernel_size - 1) * (2**levels - 1)", values) == 1 + 2 * (k - 1) * (
        2**levels - 1
    )
    assert evaluated("levels if causal else kernel_size // 2", values) == (levels if k % 2 == 0 else k // 2)
    assert evaluated("'state' if levels == 3 or kind != 'lstm' else 1", values) == (
        "state" if levels == 3 else 1
    )


def test_what_python_would_not_finish() -> None:
    assert evaluated("2**levels", {"levels": 10**18}) == FARTHEST
    assert evaluated("(2**levels)**levels", {"levels": 61}) == FARTHEST
    assert evaluated("1**levels", {"levels": 10**18}) == 1
    assert evaluated("7 // (window - 1)", {"window": 1}) == 0


@pytest.mark.parametrize(
    "formula",
    [
        "levels +",
        "depth",
        "open('x')",
        "levels.real",
        "levels / 2",
        "levels < 2",
        "-levels",
        "kind + 1",
        "[1]",
        "",
    ],
)
def test_refuses_what_is_no_formula(formula: str) -> None:
    with pytest.raises(ModelError, match="is no formula of its settings; take names of settings") as caught:
        evaluated(formula, {"levels": 2, "kind": "lstm"})
    assert "\n" not in str(caught.value)
