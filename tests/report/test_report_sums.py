"""Sums of a report: by hand, and as laws over random costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from priced import MACHINE, cost, costs, report

from hwcost.report import Cost

same = pytest.approx


def test_totals_by_hand() -> None:
    totals = report(
        cost(macs=100, vector_ops=10, read=30.0, write=10.0, low=20.0, high=80.0, near=400.0, expected_s=2.0),
        cost("aten.relu", macs=0, vector_ops=5, calls=3, read=60.0, expected_s=1.0),
    ).totals
    assert totals.calls == 4  # 1 + 3
    assert totals.macs == 100  # 100 * 1 + 0 * 3
    assert totals.flops == 225  # (2 * 100 + 10) * 1 + 5 * 3
    assert totals.bytes == 100.0  # (30 + 10) + 60, of DRAM, not of L1
    assert (totals.farthest.low_bytes, totals.farthest.high_bytes) == (80.0, 140.0)  # 20 + 60, 80 + 60
    assert totals.intensity == 2.25  # 225 / 100
    assert totals.expected_s == 3.0
    assert totals.flop_per_s == 75.0  # 225 / 3
    assert totals.crossing("l1").bytes == 400.0
    assert totals.level_s == {"l1": same(4e-7), "dram": same(2e-6)}  # 400 / 1e9, 100 / 5e7


def test_the_bound_is_where_most_of_the_time_goes() -> None:
    """Three short ops bound by DRAM outweigh a longer one that is bound by compute."""
    one = [cost(expected_s=1.0, bound="dram") for _ in range(3)]
    result = report(*one, cost(expected_s=2.0, bound="compute"), cost(bound="free"))
    assert result.bound == "dram"  # 3 s against 2 s
    assert result.totals.bound_s == {"dram": 3.0, "compute": 2.0}


def test_energy_is_known_only_if_all_of_it_is() -> None:
    assert report(cost(energy_j=1.5), cost(energy_j=2.0)).totals.energy_j == 3.5
    assert report(cost(energy_j=1.5), cost(energy_j=None)).totals.energy_j is None


def test_roofline_by_hand() -> None:
    compute = cost(macs=500_000_000, low=1e7, read=1e7, roofline_s=1.0)
    memory = cost(macs=0, read=3e8, low=3e8, roofline_s=3.0)
    assert report(compute, memory).roofline_s == same(3.1)  # max(1e9 / 1e9, (1e7 + 3e8) / 1e8)
    assert report(compute).roofline_s == same(1.0)  # max(1e9 / 1e9, 1e7 / 1e8)


def test_roofline_is_never_above_the_sum_of_the_ops() -> None:
    """An op of a narrower dtype runs under a higher roof than that of the model."""
    assert report(cost(macs=10**9, roofline_s=0.5)).roofline_s == 0.5  # not 2e9 / 1e9


def test_ridge_point_by_hand() -> None:
    assert report(cost()).ridge_point == 10.0  # 1e9 FLOP/s / 1e8 B/s, of DRAM


def test_fits() -> None:
    assert report(weight_bytes=10**9).fits is True
    assert report(weight_bytes=10**9 + 1).fits is False


def test_layers_by_hand() -> None:
    """Grouped by module, op and class, in order of appearance; recurrent layers apart; views left out."""
    step = {"op_class": "recurrent step", "module": "rnn"}
    layers = report(
        cost("aten.view", op_class="view", bound="free"),
        cost("torch.lstm.step", attributes={"layer": "l0"}, phase="first", times=5, expected_s=1.0, **step),
        cost("torch.lstm.step", attributes={"layer": "l0_reverse"}, expected_s=2.0, **step),
        cost(
            "torch.lstm.step",
            attributes={"layer": "l0"},
            phase="steady",
            times=5,
            calls=3,
            expected_s=5.0,
            **step,
        ),
    ).layers
    assert [(layer.module, layer.op, layer.op_class) for layer in layers] == [
        ("rnn", "torch.lstm.step l0", "recurrent step"),
        ("rnn", "torch.lstm.step l0_reverse", "recurrent step"),
    ]
    assert [layer.sum.calls for layer in layers] == [4, 1]  # 1 + 3, 1
    assert [layer.share for layer in layers] == [0.75, 0.25]  # (1 + 5) / 8, 2 / 8


def test_a_view_that_costs_something_is_shown() -> None:
    assert len(report(cost("aten.view", op_class="view", expected_s=1.0)).layers) == 1


def test_steps_by_hand() -> None:
    """Two loops of 12 and one of 5 rounds: one round of the long ones, added up; all else is left out."""
    loop = {"axis": "time"}
    steps = report(
        cost(read=1000.0, expected_s=100.0),
        cost(phase="first", times=12, read=8.0, expected_s=4.0, **loop),
        cost(phase="steady", times=12, calls=10, read=20.0, expected_s=10.0, **loop),
        cost(phase="last", times=12, read=3.0, expected_s=2.0, **loop),
        cost(phase="steady", times=12, calls=10, read=50.0, expected_s=20.0, **loop),
        cost(phase="steady", times=5, calls=3, read=30.0, expected_s=6.0, **loop),
    ).steps
    assert steps is not None
    assert (steps.count, steps.others) == (12, True)
    assert steps.first is not None
    assert steps.steady is not None
    assert steps.last is not None
    assert (steps.first.bytes, steps.first.expected_s) == (8.0, 4.0)
    assert (steps.steady.bytes, steps.steady.expected_s) == (7.0, 3.0)  # 20/10 + 50/10, 10/10 + 20/10
    assert (steps.last.bytes, steps.last.expected_s) == (3.0, 2.0)


def test_steps_of_short_loops_lack_what_they_do_not_have() -> None:
    steps = report(cost(phase="first", times=1, axis="time")).steps
    assert steps is not None
    assert (steps.count, steps.steady, steps.last) == (1, None, None)


def test_no_steps_without_a_loop_over_time() -> None:
    assert report(cost(), cost(phase="steady", times=8, calls=6, axis="layers")).steps is None


def test_assumed_ops_make_a_lower_bound() -> None:
    result = report(cost("x.b", is_assumed=True), cost("x.a", is_assumed=True), cost("x.b", is_assumed=True))
    assert result.assumed_ops == ("x.b", "x.a")
    assert result.lower_bound
    assert not report(cost()).lower_bound


@given(st.lists(costs(), max_size=12))
def test_layers_add_up_to_the_totals(some: list[Cost]) -> None:
    result = report(*some)
    totals, parts = result.totals, [layer.sum for layer in result.layers]
    assert sum(part.macs for part in parts) == totals.macs
    assert sum(part.flops for part in parts) == totals.flops
    assert sum(part.calls for part in parts) == totals.calls
    assert sum(part.bytes for part in parts) == same(totals.bytes)
    assert sum(part.expected_s for part in parts) == same(totals.expected_s)
    assert sum(part.energy_j or 0.0 for part in parts) == same(totals.energy_j)
    if totals.expected_s:
        assert sum(layer.share for layer in result.layers) == same(1.0)


@given(st.lists(costs(), max_size=12))
def test_levels_add_up_and_stay_in_their_brackets(some: list[Cost]) -> None:
    totals = report(*some).totals
    for crossing in totals.crossings:
        of_level = [c for one in some for c in one.traffic.crossings if c.level == crossing.level]
        assert crossing.bytes == same(sum(c.bytes for c in of_level))
        assert crossing.low_bytes <= crossing.bytes * (1 + 1e-12)
        assert crossing.bytes <= crossing.high_bytes * (1 + 1e-12)
        assert totals.level_s[crossing.level] == same(sum(one.level_s[crossing.level] for one in some))


@given(st.lists(costs(), max_size=12))
def test_steps_and_the_rest_add_up_to_the_totals(some: list[Cost]) -> None:
    """Of loops of nine rounds: first + 7 * steady + last + what stands outside."""
    result = report(*some)
    steps = result.steps
    outside = [one for one in some if one.traffic.phase == "once"]
    if steps is None:
        assert len(outside) == len(some)
        return
    rounds = [(steps.first, 1), (steps.steady, 7), (steps.last, 1)]
    for part in ("bytes", "expected_s", "macs"):
        looped = sum(getattr(one, part) * times for one, times in rounds if one is not None)
        assert looped + getattr(report(*outside).totals, part) == same(getattr(result.totals, part))


@given(st.lists(costs(), max_size=12))
def test_bounds_share_the_whole_time(some: list[Cost]) -> None:
    totals = report(*some).totals
    assert sum(totals.bound_s.values()) == same(totals.expected_s)
    assert all(seconds <= totals.bound_s[totals.bound] for seconds in totals.bound_s.values())


@given(st.lists(costs(), max_size=12))
def test_the_roofline_is_below_each_of_its_parts(some: list[Cost]) -> None:
    result = report(*some)
    low = {slope.level: result.totals.crossing(slope.level).low_bytes for slope in MACHINE.slopes}
    plain = max(result.totals.flops / 1e9, low["l1"] / 1e9, low["dram"] / 1e8)
    assert result.roofline_s in (same(plain), same(sum(one.roofline_s for one in some)))
    assert result.roofline_s <= plain * (1 + 1e-12)
