"""Two devices over a range: which values are taken, where they meet, and how that is drawn and told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwcost
from hwcost.breakeven import Span, breakeven, parse_over, values_of
from hwcost.errors import UsageError
from hwcost.render.breakeven import breakeven_notes, breakeven_table, breakeven_verdict
from hwcost.render.breakeven_chart import breakeven_chart
from hwcost.render.json import breakeven_json


@pytest.fixture(scope="module")
def batches():  # type: ignore[no-untyped-def]
    return breakeven("lstm", devices=("cim_edge", "v100_sxm2"), over="batch=1:64", seq_len=100)


def test_ranges() -> None:
    assert parse_over("batch") == Span(key="batch", low=1, high=1024)
    assert parse_over("hidden_size=128:4096") == Span(key="hidden_size", low=128, high=4096)
    assert parse_over("hidden_size=96:4096").step == 32  # multiples of the greatest common divisor


@pytest.mark.parametrize(
    "words", ["hidden_size", "hidden_size=8", "batch=4:4", "batch=8:2", "batch=0:4", "=1:2", "a b=1:2", ""]
)
def test_no_range(words: str) -> None:
    with pytest.raises(UsageError, match="--over"):
        parse_over(words)


@given(low=st.integers(1, 300), factor=st.integers(2, 300))
def test_values_go_from_end_to_end(low: int, factor: int) -> None:
    span = Span(key="n", low=low, high=low * factor)
    values = values_of(span)
    assert values[0] == span.low
    assert values[-1] == span.high
    assert list(values) == sorted(set(values))
    assert all(value % span.step == 0 for value in values)
    assert len(values) <= 13


def test_the_meeting_is_where_the_other_device_takes_less(batches) -> None:  # type: ignore[no-untyped-def]
    (meeting,) = [one for one in batches.meetings if one.quantity == "time"]
    assert (meeting.before, meeting.after) == ("cim_edge", "v100_sxm2")
    assert meeting.first == meeting.last + 1

    def seconds(device: str, batch: int) -> float:
        return hwcost.analyze("lstm", device=device, seq_len=100, batch=batch).totals.expected_s

    assert seconds("cim_edge", meeting.last) < seconds("v100_sxm2", meeting.last)
    assert seconds("cim_edge", meeting.first) >= seconds("v100_sxm2", meeting.first)


def test_a_profile_without_energy_meets_nowhere(batches) -> None:  # type: ignore[no-untyped-def]
    assert not [one for one in batches.meetings if one.quantity == "energy"]
    assert all(point.taken("energy")[1] is None for point in batches.points)


def test_how_it_is_told(batches) -> None:  # type: ignore[no-untyped-def]
    (meeting,) = batches.meetings
    assert f"up to batch = {meeting.last}, v100_sxm2 from {meeting.first}." in breakeven_verdict(batches)
    table = breakeven_table(batches)
    assert [row[0] for row in table.rows] == [f"{point.value}" for point in batches.points]
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert any("Weights take 128 of 512 arrays" in note for note in breakeven_notes(batches))
    data = json.loads(breakeven_json(batches))
    assert data["schema"] == "hwcost.breakeven/1"
    assert data["meetings"][0]["first"] == meeting.first
    assert len(data["points"]) == len(batches.points)


def test_the_chart_has_a_panel_per_quantity_that_is_known(batches) -> None:  # type: ignore[no-untyped-def]
    drawn = breakeven_chart(batches).to_dict()
    assert len(drawn["vconcat"]) == 3
    lines, rule = drawn["vconcat"][0]["layer"]
    assert len(drawn["datasets"][lines["data"]["name"]]) == 2 * len(batches.points)
    (meeting,) = batches.meetings
    (place,) = drawn["datasets"][rule["data"]["name"]]
    assert meeting.last <= place["value"] <= meeting.first


def test_a_device_that_is_always_ahead() -> None:
    found = breakeven(
        "lstm", devices=("cim_edge", "echo_arm"), over="hidden_size=128:512", seq_len=20, order="streaming"
    )
    assert not found.meetings
    assert "cim_edge takes less time everywhere. cim_edge takes less energy" in breakeven_verdict(found)


def test_the_cliff_where_weights_no_longer_fit() -> None:
    # cim_edge holds 16.8 M weights; two layers take 4 H (512 + H) + 8 H^2: 1024 fits, 1408 does not.
    found = breakeven(
        "lstm", devices=("cim_edge", "echo_arm"), over="hidden_size=512:2048", seq_len=20, order="streaming"
    )
    own = {point.value: point.reports[0] for point in found.points}
    fits = [value for value, report in own.items() if report.on_chip == 1.0]
    assert max(fits) == 1024
    above = min(value for value in own if value > 1024)
    before, after = own[1024].totals, own[above].totals
    assert after.expected_s > 50 * before.expected_s
    assert after.bytes > 100 * before.bytes


def test_what_is_varied_cannot_be_given() -> None:
    with pytest.raises(UsageError, match="varied and given"):
        breakeven("lstm", devices=("cim_edge", "echo_arm"), over="batch", batch=4)
    with pytest.raises(UsageError, match="varied and given"):
        breakeven(
            "lstm",
            devices=("cim_edge", "echo_arm"),
            over="hidden_size=128:256",
            settings={"hidden_size": 64},
        )
