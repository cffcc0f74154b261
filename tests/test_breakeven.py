"""Devices over a range: which values are taken, where they meet, and how that is drawn and told."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from io import StringIO
from itertools import groupby, pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import hwcost
from hwcost.breakeven import MOST_DEVICES, Span, _meetings, breakeven, parse_over, values_of
from hwcost.devices import load_device
from hwcost.errors import HwcostError, UsageError
from hwcost.render.breakeven import breakeven_notes, breakeven_verdict
from hwcost.render.breakeven_chart import breakeven_chart
from hwcost.render.breakeven_tables import breakeven_tables
from hwcost.render.csv import breakeven_csv
from hwcost.render.json import breakeven_json
from hwcost.render.markdown import breakeven_markdown
from hwcost.render.terminal import breakeven_text
from hwcost.report.breakeven import Breakeven, Lead, Point

SEVERAL = ("echo_arm", "cim_edge", "ibm_hermes", "v100_sxm2", "hbm_pim", "isaac")


@pytest.fixture(scope="module")
def batches():  # type: ignore[no-untyped-def]
    return breakeven("lstm", devices=("cim_edge", "v100_sxm2"), over="batch=1:64", seq_len=100)


@pytest.fixture(scope="module")
def widths() -> Breakeven:
    return breakeven(
        "lstm", devices=SEVERAL, over="hidden_size=16:8192", seq_len=10, order="streaming", dtype="int8"
    )


@pytest.fixture(scope="module")
def lengths() -> Breakeven:
    return breakeven("transformer_encoder", devices=("cim_edge", "jetson_nano"), over="seq_len=16:1024")


def test_ranges() -> None:
    assert parse_over("batch") == Span(key="batch", low=1, high=1024)
    assert parse_over("hidden_size=128:4096") == Span(key="hidden_size", low=128, high=4096)
    assert parse_over("hidden_size=96:4096").step == 32  # multiples of the greatest common divisor


@pytest.mark.parametrize(
    "words",
    [
        *("hidden_size", "hidden_size=8", "batch=4:4", "batch=8:2", "batch=0:4", "=1:2", "a b=1:2", ""),
        *("batch=_:2", "batch=1:2_", "batch=1:-2", "batch=1:1e3", f"batch=1:{10**400}"),
    ],
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
    (table,) = breakeven_tables(batches)
    assert [row[0] for row in table.rows] == [f"{point.value}" for point in batches.points]
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert [column.name for column in table.columns].count("ratio") == 2
    assert any("Weights take 128 of 512 arrays" in note for note in breakeven_notes(batches))
    data = json.loads(breakeven_json(batches))
    assert data["schema"] == "hwcost.breakeven/1"
    assert data["meetings"][0]["first"] == meeting.first
    assert len(data["points"]) == len(batches.points)


def test_the_chart_has_a_panel_per_quantity_that_is_known(batches) -> None:  # type: ignore[no-untyped-def]
    drawn = breakeven_chart(batches).to_dict()
    assert len(drawn["vconcat"]) == 3
    lines, bars, rule, number = drawn["vconcat"][0]["layer"]
    assert len(drawn["datasets"][lines["data"]["name"]]) == 2 * len(batches.points)
    (meeting,) = batches.meetings
    before, after = drawn["datasets"][bars["data"]["name"]]
    assert (before["device"], after["device"]) == (meeting.before, meeting.after)
    (place,) = drawn["datasets"][rule["data"]["name"]]
    assert meeting.last <= place["value"] <= meeting.first
    assert before["high"] == after["value"] == place["value"]
    assert drawn["datasets"][number["data"]["name"]][0]["first"] == f"from {meeting.first}"


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


def test_every_change_of_the_one_that_takes_the_least_is_found(widths: Breakeven) -> None:
    """Each lead by itself: at both of its ends its device takes the least of all."""
    leads = widths.leads("time")
    assert len(leads) > 2
    for lead in leads:
        for value in (lead.low, lead.high):
            seconds = {
                name: hwcost.analyze(
                    "lstm",
                    device=name,
                    seq_len=10,
                    order="streaming",
                    dtype="int8",
                    settings={"hidden_size": value},
                ).totals.expected_s
                for name in SEVERAL
            }
            assert min(seconds, key=seconds.__getitem__) == lead.device
    assert all(after.low == before.high + 16 for before, after in pairwise(leads))


@dataclass(frozen=True)
class Totals:
    """Of a report only what a point asks for."""

    expected_s: float
    energy_j: float | None


@dataclass(frozen=True)
class Stub:
    """A report of which only time and energy are known."""

    totals: Totals
    machine: Any


@dataclass(frozen=True)
class Named:
    name: str


line = st.tuples(st.integers(1, 10**6), st.integers(0, 3))


@given(lines=st.lists(line, min_size=2, max_size=6, unique_by=lambda one: one[1]), step=st.integers(1, 5))
def test_leads_are_the_lower_envelope(lines: list[tuple[int, int]], step: int) -> None:
    """Of devices that take a * value^b each leads once at most: the search finds what trying all finds."""

    def point(value: int) -> Point:
        taken = [factor * value**power for factor, power in lines]
        reports: Any = tuple(
            Stub(totals=Totals(expected_s=seconds, energy_j=None), machine=Named(name=f"{place}"))
            for place, seconds in enumerate(taken)
        )
        return Point(value=value, reports=reports)

    span = Span(key="n", low=step, high=step * 300)
    every = [point(value) for value in range(step, step * 301, step)]
    assume(all(one.ahead("time") is not None for one in every))
    points = [point(value) for value in values_of(span)]
    meetings = tuple(_meetings("time", points, point, step))
    found = Breakeven(model="m", over="n", points=tuple(points), meetings=meetings)
    groups = [(name, list(group)) for name, group in groupby(every, key=lambda one: one.least("time"))]
    expected = [Lead(device=str(name), low=group[0].value, high=group[-1].value) for name, group in groups]
    assert list(found.leads("time")) == expected
    assert found.leads("energy") == ()


def test_even_devices_lead_nobody() -> None:
    reports: Any = tuple(Stub(totals=Totals(expected_s=1.0, energy_j=None), machine=None) for _ in range(2))
    point = Point(value=1, reports=reports)
    assert (point.leaders("time"), point.ahead("time"), point.least("time")) == ((0, 1), None, None)
    assert point.leaders("energy") == ()


def test_how_several_are_told(widths: Breakeven) -> None:
    text = " ".join(breakeven_verdict(widths).split())
    assert text.startswith(
        "lstm on echo_arm, cim_edge, ibm_hermes, v100_sxm2, hbm_pim and isaac, over hidden"
    )
    for quantity in ("time", "energy"):
        first, *between, last = widths.leads(quantity)
        assert f"{first.device} takes the least {quantity} up to hidden_size = {first.high:,}, " in text
        for lead in between:
            assert f", {lead.device} from {lead.low:,} to {lead.high:,}," in text
        assert f", {last.device} from {last.low:,}" in text
    assert "(not known of v100_sxm2)" in text


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_cell_of_several_devices_is_cut(widths: Breakeven, width: int) -> None:
    text = breakeven_text(widths, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    tables = breakeven_tables(widths, width=width)
    for title in ("time", "energy", "weights kept"):
        columns = [column.name for table in tables if table.title == title for column in table.columns]
        assert [name for name in columns if name in SEVERAL] == list(SEVERAL)
    times = [table for table in tables if table.title == "time"]
    least = [row[1] for row in times[0].rows]
    assert least == [point.least("time") for point in widths.points]


def test_two_devices_with_long_names_stand_in_tables_of_their_own(batches: Breakeven) -> None:
    named = {"cim_edge": "a_chip_whose_name_is_long", "v100_sxm2": "a_card_whose_name_is_longer"}
    points = tuple(
        replace(
            point,
            reports=tuple(
                replace(one, machine=replace(one.machine, name=named[one.machine.name]))
                for one in point.reports
            ),
        )
        for point in batches.points
    )
    found = replace(batches, points=points, meetings=())
    text = breakeven_text(found)
    assert text.count("a_chip_whose_name_is_long  a_card_whose_name_is_longer  ratio") == 2
    assert "…" not in text


def test_shares_of_operands_that_change(lengths: Breakeven) -> None:
    """They are those of attention, which is the only product of this model without a weight."""
    for point in lengths.points:
        chip, processor = point.reports
        assert processor.changing is None
        assert chip.changing is not None
        attention = [one.sum for one in chip.layers if one.op == "torch.scaled_dot_product_attention"]
        assert attention
        of_time = sum(one.expected_s for one in attention) / chip.totals.expected_s
        assert chip.changing.time_share == pytest.approx(of_time)
        assert chip.totals.energy_j is not None
        of_energy = sum(one.energy_j or 0.0 for one in attention) / chip.totals.energy_j
        assert chip.changing.energy_share == pytest.approx(of_energy)
    shares = [point.reports[0].changing for point in lengths.points]
    rising = [share.time_share for share in shares if share is not None]
    assert rising == sorted(rising)
    assert rising[0] < 0.1 < 0.7 < rising[-1]


def test_shares_are_told_where_there_are_any(lengths: Breakeven, batches: Breakeven) -> None:
    assert lengths.changing == (0,)
    assert batches.changing == ()
    last = lengths.points[-1].reports[0].changing
    assert last is not None
    assert last.energy_share is not None
    cell = f"{last.time_share:.0%}, {last.energy_share:.0%}".replace("%", " %")
    assert cell in breakeven_text(lengths)
    assert cell in breakeven_markdown(lengths)
    assert "changing" not in breakeven_text(batches)
    chip, processor = json.loads(breakeven_json(lengths))["points"][-1]["devices"]
    assert chip["changing_time_share"] == last.time_share
    assert chip["changing_energy_share"] == last.energy_share
    assert processor["changing_time_share"] is None


def test_shares_have_a_panel_from_nothing_to_all(lengths: Breakeven, batches: Breakeven) -> None:
    drawn = breakeven_chart(lengths).to_dict()
    (panel,) = [one for one in drawn["vconcat"] if "operands that change" in str(one.get("title"))]
    (lines,) = panel["layer"]
    assert lines["encoding"]["y"]["scale"]["domain"] == [0, 1]
    rows = drawn["datasets"][panel["data"]["name"]]
    assert {row["share"] for row in rows} == {"of the time", "of the energy"}
    assert {row["device"] for row in rows} == {"cim_edge"}
    assert len(rows) == 2 * len(lengths.points)
    assert "operands that change" not in str(breakeven_chart(batches).to_dict())


def test_for_programs(widths: Breakeven) -> None:
    rows = list(csv.DictReader(StringIO(breakeven_csv(widths))))
    assert len(rows) == len(SEVERAL) * len(widths.points)
    for point in widths.points:
        own = [row for row in rows if row["value"] == str(point.value)]
        assert [row["device"] for row in own] == list(SEVERAL)
        fastest = min(own, key=lambda row: float(row["expected_s"]))
        assert [row["device"] for row in own if row["least_time"] == "true"] == [fastest["device"]]
    assert all(row["energy_j"] == "" for row in rows if row["device"] == "v100_sxm2")
    data = json.loads(breakeven_json(widths))
    assert data["devices"] == list(SEVERAL)
    assert [one["least_time"] for one in data["points"]] == [one.least("time") for one in widths.points]


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        ((), "0 devices cannot be compared over a range; give 2 to 8"),
        (("cim_edge",), "1 device cannot be compared over a range; give 2 to 8"),
        (("cim_edge",) * (MOST_DEVICES + 1), "9 devices cannot be compared over a range; give 2 to 8"),
        (("cim_edge", load_device("cim_edge")), "two devices are named 'cim_edge'; keep one, or rename"),
    ],
)
def test_which_devices_cannot_be_compared(devices: tuple[Any, ...], said: str) -> None:
    with pytest.raises(HwcostError, match=said):
        breakeven("lstm", devices=devices, over="batch")
