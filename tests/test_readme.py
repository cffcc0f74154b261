"""What the README says of four questions is what the tool answers."""

import re
from pathlib import Path

import pytest

import hwcost


@pytest.mark.parametrize(
    ("device", "options", "bound"),
    [
        ("echo_arm", {}, "dram"),
        ("echo_arm", {"batch": 64}, "compute"),
        ("echo_arm", {"settings": {"hidden_size": 64, "input_size": 64}}, "latency"),
        ("epyc_milan_vm4", {"settings": {"hidden_size": 1024, "num_layers": 1}}, "l3"),
        ("epyc_milan_vm4", {"settings": {"hidden_size": 2048, "num_layers": 1}}, "dram"),
        ("h100_sxm", {}, "latency"),
    ],
)
def test_where_the_lstm_is_bound(device: str, options: dict[str, object], bound: str) -> None:
    assert hwcost.analyze("lstm", seq_len=1000, device=device, **options).bound == bound


@pytest.mark.parametrize("model", ["tcn", "transformer_encoder"])
def test_convolution_and_attention_are_bound_by_compute(model: str) -> None:
    assert hwcost.analyze(model, seq_len=1000, device="echo_arm").bound == "compute"


def test_step_by_step_all_three_are_bound_by_dram() -> None:
    models = ("lstm", "tcn", "transformer_encoder")
    reports = [hwcost.analyze(model, device="echo_arm", order="streaming") for model in models]
    assert {report.bound for report in reports} == {"dram"}
    milliseconds = [report.totals.expected_s for report in reports]  # of 1,000 steps: s is ms per step
    assert milliseconds == pytest.approx([6.25, 12.9, 32.9], rel=0.005)


@pytest.mark.parametrize(("hidden", "steps", "measured_s"), [(1024, 1000, 0.125), (2048, 100, 0.172)])
def test_two_measured_lstms(hidden: int, steps: int, measured_s: float) -> None:
    # torch.nn.LSTM, one layer, batch 1, on four cores of an EPYC Milan virtual machine; re-reading
    # the 16 MiB of the smaller one from DRAM in each step would take 0.483 s at least
    settings = {"hidden_size": hidden, "input_size": hidden, "num_layers": 1}
    report = hwcost.analyze("lstm", seq_len=steps, device="epyc_milan_vm4", settings=settings)
    assert measured_s / 1.35 < report.totals.expected_s < measured_s * 1.35


def test_the_error_is_that_of_the_error_table() -> None:
    """docs/validation.md is what `hwcost validate` prints; README repeats its headline in words."""
    docs = Path(__file__).parents[1]
    table = " ".join((docs / "docs" / "validation.md").read_text(encoding="utf-8").split())
    page = " ".join((docs / "README.md").read_text(encoding="utf-8").split())
    found = re.search(
        r"Held-out error 1\.(\d\d) over ([\d,]+) measurements, of the plain roofline ([\d.]+); (\d+) %", table
    )
    assert found
    error, points, roofline, inside = found.groups()
    assert f"On {points} measurements that were held out" in page
    assert f"off by {error} % (geometric mean)" in page
    assert (
        f"the plain roofline by a factor of {float(roofline):.1f}; {inside} % lie in their interval" in page
    )
