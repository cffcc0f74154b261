"""The contest of counters: how answers are judged, that no counter can harm another, and the docs' tables."""

from __future__ import annotations

import os
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch

from benchmarks.counting import alone as alone_module
from benchmarks.counting import contest as contest_module
from benchmarks.counting.alone import alone
from benchmarks.counting.contest import FAMILIES, cases, contest
from benchmarks.counting.counters import COUNTERS
from benchmarks.counting.outcome import Outcome
from benchmarks.counting.tables import ORDER, by_family, whole
from benchmarks.subjects.counting import results

from .hand_formulas import families
from .hand_formulas.recurrent import lstm

PAGE = (Path(__file__).parents[1] / "docs" / "counting.md").read_text(encoding="utf-8")


def outcome(macs: float | None, counter: str = "hwcost") -> Outcome:
    return Outcome(counter=counter, family="products", model="m", expected=1_000_000, macs=macs)


@pytest.mark.parametrize(
    ("macs", "kind"),
    [
        (1_000_000, "exact"),
        (1_000_001, "exact"),  # a millionth
        (1_000_002, "close"),
        (981_000, "close"),
        (1_021_000, "wrong"),
        (500_000, "wrong"),
        (499_999, "missing"),
        (0, "missing"),
        (None, "failed"),
    ],
)
def test_an_answer_is_judged_by_its_ratio(macs: float | None, kind: str) -> None:
    assert outcome(macs).kind == kind


def test_tables_by_hand() -> None:
    found = [outcome(1_000_000), outcome(0), outcome(2_000_000), outcome(None, "fvcore")]
    rows = list(whole(found, ("hwcost", "fvcore", "torchinfo")))
    assert rows[2] == "| hwcost | 1 | 0 | 1 | 0 | 1 | 1 | 2 to 2 times, median 2 |"
    assert rows[3] == "| fvcore | 0 | 0 | 0 | 1 | 0 | 0 |  |"
    assert rows[4].count("not installed") == len(ORDER) + 1
    assert list(by_family(found, ("hwcost", "torchinfo")))[2] == "| products | 1 | 1 | not installed |"


def crash() -> float:
    os._exit(3)


def hang() -> float:
    time.sleep(60)
    return 0.0


def patch() -> float:
    torch.matmul = None  # type: ignore[assignment]
    os.write(1, b"noise")
    warnings.warn("noise", stacklevel=1)
    sys.stdout.write("noise")
    return 5.0


def test_a_counter_can_do_no_harm(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    before = torch.matmul
    assert alone(patch)[:2] == (5.0, "")
    assert torch.matmul is before
    assert capfd.readouterr() == ("", "")
    assert alone(lambda: 1 / 0)[:2] == (None, "ZeroDivisionError: division by zero")
    assert alone(crash)[:2] == (None, "its process ended with 3")
    monkeypatch.setattr(alone_module, "LIMIT_S", 0.2)
    assert alone(hang)[:2] == (None, "took longer than 0.2 s")


def test_what_is_not_installed_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COUNTERS, "fvcore", ("a_module_that_is_nowhere", COUNTERS["fvcore"][1]))
    monkeypatch.setattr("benchmarks.subjects.counting.COUNTERS", {"fvcore": COUNTERS["fvcore"]})
    assert not list(contest(("fvcore",)))
    (result,) = results(1)
    assert (result.note, result.held) == ("not installed", None)


def test_torchs_counter_beside_ours_on_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """An LSTM on a CPU, 7*2 * 4*3*(5+3): torch sees one op that it has no formula for."""
    only = {file: [lstm] if file == "recurrent" else [] for file in families.FAMILIES}
    monkeypatch.setattr(contest_module, "makers", lambda: only)
    found = {it.counter: it for it in contest(("hwcost", "FlopCounterMode"))}
    assert (found["hwcost"].macs, found["hwcost"].kind) == (1344, "exact")
    assert (found["FlopCounterMode"].expected, found["FlopCounterMode"].kind) == (1344, "missing")


def test_every_file_of_sums_is_in_the_contest() -> None:
    assert sorted(file for files in FAMILIES.values() for file in files) == sorted(families.FAMILIES)


def rows_of(header: str) -> list[list[str]]:
    """The cells of the table of the page that begins so."""
    lines = PAGE[PAGE.index(header) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_pages_tables_are_of_these_models_and_add_up() -> None:
    sizes: dict[str, int] = {}
    for family, _, _ in cases():
        sizes[family] = sizes.get(family, 0) + 1
    total = sum(sizes.values())
    assert f"Of {total} models" in PAGE
    cells_of = {name: cells for name, *cells in rows_of("| counter | exact")}
    rows = {name: list(map(int, cells[: len(ORDER) + 1])) for name, cells in cells_of.items()}
    assert list(rows) == list(COUNTERS)
    for *kinds, zeros in rows.values():
        assert sum(kinds) == total
        assert zeros <= kinds[ORDER.index("missing")]
    assert rows["hwcost"] == [total, 0, 0, 0, 0, 0]
    by_name = rows_of("| family | models")
    assert {family: int(size) for family, size, *_ in by_name} == sizes
    for place, counter in enumerate(COUNTERS):
        exact = [int(cells[2 + place].split(" ")[0]) for cells in by_name]
        assert sum(exact) == rows[counter][0], counter
