"""The verdict in plain words, on each kind of bound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reports import all_reports, assumed, cost, empty, lstm, report, small_kernels, tcn, tiny, too_large

from hwcost.render.verdict import notes, settings, verdict
from hwcost.report import Report


def test_bandwidth_per_step() -> None:
    # 8.4 MB / (8.4 MB / 33 GB/s) = 33 GB/s
    assert verdict(lstm()) == (
        "lstm on edge is bound by DRAM bandwidth: 1 step moves 8.4 MB, needs 33 GB/s to keep the cores busy,"
        " the device has 2.7. 95 % of the time goes there."
    )


def test_bandwidth_of_a_pass_on_a_card_that_is_too_small() -> None:
    # 140 GB / 0.6 ms = 233 TB/s
    assert verdict(too_large()) == (
        "giant on card is bound by HBM bandwidth: 1 pass moves 140 GB, needs 233 TB/s to keep the units busy,"
        " the device has 1.7. All of the time goes there."
        " It does not fit: the weights take 140 GB, the memory of card holds 80 GB."
    )


def test_bandwidth_of_a_nearer_level() -> None:
    near = report("near", (cost("aten.mm", "", "gemm", macs=1000, near=15e9, far=1e6, compute=0.1),))
    assert "bound by L2 bandwidth: 1 pass moves 15 GB, needs 150 GB/s" in verdict(near)
    assert "its L2 has 15." in verdict(near)


def test_compute() -> None:
    # 12.824576 GFLOP / 224 MB = 57.25; / 0.5357 s = 23.9 GFLOP/s, of 40
    assert verdict(tcn()) == (
        "tcn on edge is bound by compute: 57.3 FLOP/byte against a ridge point of 6.25;"
        " 23.9 GFLOP/s is reached, 60 % of the peak. 96 % of the time goes there."
    )


def test_compute_below_the_ridge_point_says_so() -> None:
    slow = report("slow", (cost("aten.mm", "", "gemm", macs=1_000_000, far=1e6, compute=1.0),))
    assert "although 2 FLOP/byte is below a ridge point of 6.25" in verdict(slow)


def test_latency_per_step_and_per_kernel() -> None:
    assert "bound by latency: 1,000 steps, each 10 us before any work, 10 ms of 11 ms." in verdict(tiny())
    assert "bound by latency: 40 kernels, each 50 us before any work, 2 ms of 2.01 ms." in verdict(
        small_kernels()
    )


def test_the_time_by_bound_where_it_is_mixed() -> None:
    mixed = report(
        "mixed",
        (
            cost("aten.mm", "a", "gemm", macs=1000, far=1.0, compute=3.0),
            cost("aten.mm", "b", "gemm", macs=1000, far=2.7e9, compute=0.1),
            cost("aten.mm", "c", "gemm", macs=1000, near=15e6),
        ),
    )
    assert verdict(mixed).endswith("The time by bound: compute 75 %, DRAM 25 %.")  # 3 s, 1 s; L2 1 ms


def test_unknown_arithmetic_is_a_lower_bound_and_asks_for_no_bandwidth() -> None:
    assert verdict(assumed()) == (
        "odd on edge is bound by DRAM bandwidth: 1 pass moves 10 MB, the device has 2.7 GB/s."
        " All of the time goes there. The totals are a lower bound: the arithmetic of 2 ops is unknown"
        " (custom.fft and custom.sort)."
    )


def test_nothing_to_do() -> None:
    assert verdict(empty()) == "nothing on edge has nothing to do: no op of it costs anything."


def test_notes() -> None:
    assert notes(assumed()) == (
        "nn.LSTM packs its weights again on every call",
        "Rests on 3 unverified numbers of the device (see: hwcost devices show edge).",
        "Assumed: the mask is taken to be all ones",
    )


def test_settings_are_those_that_reports_share() -> None:
    assert settings(lstm()) == "1,000 steps, batch 1, float32, offline, eager"
    assert settings(lstm(), small_kernels()) == "float32, offline, eager"


@pytest.mark.parametrize("one", all_reports(), ids=lambda one: one.trace.model)
def test_every_verdict_is_whole_sentences(one: Report) -> None:
    assert verdict(one).endswith(".")
    assert "None" not in verdict(one)
    bare = replace(one, machine=replace(one.machine, slopes=(), memory_bytes=None))
    assert verdict(bare).endswith(".")
