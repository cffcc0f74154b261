"""Published numbers beside ours: how far off, whether they hold, how they are shown and counted."""

from __future__ import annotations

import csv
import json
from io import StringIO
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import UsageError
from hwcost.render.statements import count_of, error, published, statement_notes, statement_tables
from hwcost.render.validation import headline, validation_markdown
from hwcost.render.validation_chart import validation_chart
from hwcost.render.validation_data import CSV_COLUMNS, validation_csv, validation_json
from hwcost.validation import names, validated
from hwcost.validation.result import Basis, Check, Claim, Statement
from hwcost.validation.statements import STATEMENTS, statements


def claim(low: float, high: float, ours: float, *, unit: str = "x", basis: Basis = "prediction") -> Claim:
    return Claim(
        dataset="d",
        name="n",
        device="isaac",
        low=low,
        high=high,
        ours=ours,
        unit=unit,
        basis=basis,
        evidence="silicon",
    )


def check(ours: str) -> Check:
    return Check(dataset="w", name="n", device="tpu_v1", published="compute", ours=ours)


@pytest.mark.parametrize(
    ("low", "high", "ours", "factor", "holds"),
    [
        (40.9, 40.9, 41.3, 41.3 / 40.9, True),
        (100, 100, 104.9, 1.049, True),
        (100, 100, 106, 1.06, False),
        (100, 100, 94, 0.94, False),
        (42, 66, 50, 1, True),
        (42, 66, 21, 0.5, False),  # of the nearer end
        (42, 66, 132, 2, False),
        (4.7, 5.2, 4.6, 4.6 / 4.7, True),  # 2 % below its range
        (1, inf, 1.01, 1, True),
        (1, inf, 0.99, 0.99, False),  # a bound has no tolerance
        (0, 10, 10.1, 1.01, False),
    ],
)
def test_factor_and_whether_it_holds(
    low: float, high: float, ours: float, factor: float, holds: bool
) -> None:
    found = claim(low, high, ours)
    assert found.factor == pytest.approx(factor)
    assert found.holds is holds


@given(low=st.floats(1e-9, 1e12), width=st.floats(1, 3), off=st.floats(0.1, 10), scale=st.floats(1e-3, 1e3))
def test_a_factor_does_not_depend_on_the_unit(low: float, width: float, off: float, scale: float) -> None:
    found = claim(low, low * width, low * off)
    scaled = claim(low * scale, low * width * scale, low * off * scale)
    assert scaled.factor == pytest.approx(found.factor)
    assert (found.factor < 1) == (off < 1)
    assert found.factor == 1 or not 1 <= off <= width


@pytest.mark.parametrize(
    ("low", "high", "unit", "shown"),
    [
        (63.1e12, 63.1e12, "OP/s", "63.1 TOP/s"),
        (133e-9, 133e-9, "s", "133 ns"),
        (41.6, 66, "x", "42 to 66x"),
        (1, inf, "x", "> 1.0x"),
        (0, 10, "FLOP/B", "< 10"),
        (80e6, 80e6, "", "80 M"),
    ],
)
def test_what_is_published_is_shown(low: float, high: float, unit: str, shown: str) -> None:
    assert published(claim(low, high, low, unit=unit)) == shown


@pytest.mark.parametrize(
    ("ours", "shown"),
    [(101, "+1 %"), (100.4, "0 %"), (60, "-40 %"), (199, "+99 %"), (1700, "17x"), (4, "0.04x")],
)
def test_error_is_shown(ours: float, shown: str) -> None:
    assert error(claim(100, 100, ours)) == shown


def test_what_does_not_hold_is_counted_and_consistency_told_apart() -> None:
    found: list[Statement] = [
        claim(1, 1, 1),
        claim(1, 1, 2),
        claim(1, 1, 1, basis="consistency"),
        check("compute"),
    ]
    found += [claim(1, 1, 2, basis="consistency"), check("latency")]
    sentence = "3 of 6 published statements hold, 1 of them by consistency alone."
    assert count_of(found) == headline([], found) == sentence
    assert count_of([check("compute")]) == "1 of 1 published statements hold."
    assert count_of([]) == ""


def test_a_table_leaves_out_columns_that_nothing_fills() -> None:
    words, numbers = statement_tables([check("latency"), claim(1, 1, 2)])
    assert [column.name for column in words.columns] == ["what", "published", "hwcost", "holds"]
    assert words.rows == (("n", "compute", "latency", "no"),)
    assert numbers.rows == (("n", "1.0x", "2.0x", "2.0x", "prediction", "silicon", "no"),)


def test_every_row_of_the_headline_is_in_a_table() -> None:
    found = [one for name in STATEMENTS for one in statements(name)]
    rows = [row for table in statement_tables(found) for row in table.rows]
    assert len(rows) == len(found) == 6 + 5 + 15 + 11 + 2
    assert sum(row[-1] == "yes" for row in rows) == sum(one.holds for one in found)
    assert count_of(found).startswith(f"{sum(one.holds for one in found)} of {len(found)} ")


def test_statements_of_one_device() -> None:
    for name, own in STATEMENTS.items():
        about = {one.device for one in statements(name)}
        assert about == set(own.devices)
    assert [one.dataset for one in validated(device="puma")[1]] == ["cim_chips"] + ["puma_workloads"] * 11
    assert {"cim_chips", "puma_workloads", "hermes_lstm"} <= set(names())


def test_nothing_is_computed_for_other_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: object, **more: object) -> None:
        raise AssertionError("a network was analyzed")

    monkeypatch.setattr("hwcost.validation.workloads.analyze", fail)
    monkeypatch.setattr("hwcost.validation.bounds.analyze", fail)
    assert len(validated(device="isaac")[1]) == 2


def test_limits_and_notes() -> None:
    found: list[Statement] = [*statements("nvidia_intensity"), *statements("hermes_lstm")]
    notes = statement_notes(found)
    assert notes[0].startswith("holds: hwcost is within 5 % (nvidia_intensity: 1 %) of what is published.")
    assert notes[-1].startswith("LSTM step, 1.43 us: its 128 inputs and 504 units are a guess")
    (shared,) = [note for note in statement_notes(statements("puma_workloads")) if "P100" in note]
    assert shared.startswith("puma_workloads: ")
    assert statement_notes([check("compute")]) == ()


def test_programs_get_plain_numbers() -> None:
    found: list[Statement] = [
        claim(1, inf, 0.5),
        claim(2e12, 2e12, 2.2e12, unit="OP/s", basis="consistency"),
        check("latency"),
    ]
    order, peak, words = json.loads(validation_json([], found))["statements"]
    assert (order["published_low"], order["published_high"], order["ours_value"]) == (1, None, 0.5)
    assert (peak["published"], peak["factor"], peak["kind"]) == ("2 TOP/s", pytest.approx(1.1), "consistency")
    assert words.pop("holds") is False
    assert tuple(words.values()) == ("w", "tpu_v1", "n", "compute", "latency")
    rows = list(csv.DictReader(StringIO(validation_csv([], found))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["holds"] for row in rows] == ["false", "false", "false"]
    assert [float(rows[1][key]) for key in ("published", "published_high", "ours")] == [2e12, 2e12, 2.2e12]
    assert [row["published_high"] for row in rows] == ["", "2000000000000.0", ""]


def test_markdown_has_every_row() -> None:
    text = validation_markdown([], statements("hermes_lstm"))
    assert "## `hermes_lstm`" in text
    assert "| LSTM step | 1.43 us |" in text


def test_chart_of_numbers() -> None:
    found: list[Statement] = [
        claim(1, 1, 2),
        claim(42, 66, 50),
        claim(1, inf, 3, basis="consistency"),
        check("compute"),
    ]
    spec = validation_chart([], found).to_dict()
    (rows,) = spec["datasets"].values()
    assert [row["ratio"] for row in rows] == pytest.approx([2, 50 / (42 * 66) ** 0.5, 3])
    assert [row["filled"] for row in rows] == [0, 1, 1]
    assert (rows[0]["from"], rows[0]["to"]) == (0.95, 1.05)
    with pytest.raises(UsageError, match="there is no number to draw"):
        validation_chart([], [check("compute")])


def test_times_and_numbers_have_a_panel_each() -> None:
    panels = validation_chart(*validated(device="rpi3b")).to_dict()["vconcat"]
    assert [panel["title"]["text"] for panel in panels] == ["Predicted against measured time"]
    points, _ = validated(device="rpi3b")
    panels = validation_chart(points, [claim(1, 1, 2)]).to_dict()["vconcat"]
    assert [panel["title"]["text"] for panel in panels] == [
        "Predicted against measured time",
        "Ours over what is published",
    ]
