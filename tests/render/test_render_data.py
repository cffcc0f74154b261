"""Reports in formats that programs read."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from golden import check
from reports import all_reports, empty, lstm, tcn, too_large

from hwcost.errors import UsageError
from hwcost.render.csv import comparison_csv, report_csv
from hwcost.render.files import write
from hwcost.render.json import comparison_json, report_json
from hwcost.report import Report

by_model = pytest.mark.parametrize("one", all_reports(), ids=lambda one: one.trace.model)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_golden() -> None:
    check(report_csv(lstm()), "lstm.csv")
    check(report_json(lstm()), "lstm.json")
    check(comparison_csv([lstm(), tcn(), too_large()]), "comparison.csv")


@by_model
def test_json_is_the_dictionary(one: Report) -> None:
    assert json.loads(report_json(one)) == one.to_dict()
    several = json.loads(comparison_json([one, one]))
    assert several == {"schema": "hwcost.compare/1", "reports": [one.to_dict()] * 2}


@by_model
def test_csv_rows_add_up_to_the_totals(one: Report) -> None:
    rows = rows_of(report_csv(one))
    assert len(rows) == len(one.layers)
    assert sum(int(row["macs"]) for row in rows) == one.totals.macs
    assert sum(int(row["flops"]) for row in rows) == one.totals.flops
    assert sum(int(row["bytes"]) for row in rows) == pytest.approx(one.totals.bytes, abs=len(rows))
    assert sum(float(row["expected_s"]) for row in rows) == pytest.approx(one.totals.expected_s)


def test_comparison_csv_has_a_row_per_model() -> None:
    rows = rows_of(comparison_csv([lstm(), empty()]))
    assert [row["model"] for row in rows] == ["lstm", "nothing"]
    assert float(rows[0]["expected_s"]) == lstm().totals.expected_s
    assert rows[1]["intensity"] == ""
    assert rows[1]["lower_bound"] == "false"


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    target = tmp_path / "report.txt"
    write(target, b"one")
    write(target, b"two")
    assert target.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.txt"
    write(target, b"old")

    def full(_path: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match="no space left"):
        write(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    write(link, b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.parametrize(
    ("name", "message"), [("no/where.txt", "folder does not exist"), (".", "is a folder")]
)
def test_places_that_are_none(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write(tmp_path / name, b"x")
