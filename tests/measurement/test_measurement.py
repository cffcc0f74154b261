import json
from csv import DictReader
from io import StringIO
from pathlib import Path

import pytest
import torch
from torch import nn

from hwcost.devices import load_device
from hwcost.errors import UsageError
from hwcost.load import trace_module
from hwcost.measurement.predicted import predicted
from hwcost.measurement.result import REST, Measurement, Row, error_factor
from hwcost.measurement.run import available_bytes, joined, require_room
from hwcost.measurement.timing import module_times, pass_times, spread
from hwcost.render import measurement as render

DEVICE = load_device("epyc_milan_vm4")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Slow(nn.Module):
    """Takes so many seconds on a clock that stands still otherwise."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.clock.now += self.seconds
        return x


def nothing() -> None:
    return None


def test_leaf_modules_are_timed_in_order_and_hooks_removed() -> None:
    clock = Clock()
    twice = Slow(clock, 2.0)
    model = nn.Sequential(Slow(clock, 1.0), nn.Sequential(twice, twice), Slow(clock, 4.0))
    found = module_times(model, lambda: model(torch.ones(1)), repeats=3, finish=nothing, clock=clock)
    assert list(found) == ["0", "1.0", "2"]
    assert found == {"0": 1.0, "1.0": 4.0, "2": 4.0}  # the shared one is called twice: 2 + 2
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_hooks_are_removed_after_a_failure() -> None:
    model = nn.Linear(2, 2)

    def fail() -> None:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        module_times(model, fail, repeats=1, finish=nothing)
    assert not model._forward_hooks


def test_the_first_two_passes_do_not_count() -> None:
    clock = Clock()
    seconds = iter([100.0, 50.0, 1.0, 2.0, 3.0])

    def run() -> None:
        clock.now += next(seconds)

    assert pass_times(run, repeats=3, finish=nothing, clock=clock) == (1.0, 2.0, 3.0)


def test_spread() -> None:
    assert spread([1.0]) == 1.0
    assert spread([1.0, 1.0, 9.0]) == 5.0  # quartiles 1 and 5


def test_warm_weights_stay_in_the_cache() -> None:
    module = nn.Linear(256, 256, bias=False)
    trace = trace_module(module, (torch.ones(1, 256),), name="small")
    found = predicted(trace, DEVICE)
    assert found.whole.expected_s < found.report.totals.expected_s
    assert found.whole.flops == 2 * 256 * 256


def test_weights_beyond_the_cache_do_not() -> None:
    module = nn.Linear(8192, 8192, bias=False, device="meta")
    trace = trace_module(module, (torch.ones(1, 8192, device="meta"),), name="large")
    found = predicted(trace, DEVICE)
    assert found.whole.expected_s == pytest.approx(found.report.totals.expected_s, rel=0.01)


def mlp() -> Measurement:
    module = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    trace = trace_module(module, (torch.ones(1, 64),), name="mlp")
    times = {"0": 30e-6, "1": 2e-6, "2": 10e-6}
    return joined(trace, DEVICE, predicted(trace, DEVICE), times, 50e-6, 1.0, threads=1, repeats=5)


def test_rows_add_up_to_the_whole() -> None:
    found = mlp()
    assert [row.module for row in found.rows] == ["0", "1", "2", REST]
    assert sum(row.measured_s for row in found.rows) == pytest.approx(50e-6)
    assert found.rows[-1].measured_s == pytest.approx(8e-6)  # 50 - 30 - 2 - 10
    assert sum(row.predicted_s for row in found.rows) == pytest.approx(found.whole.predicted_s)
    assert sum(row.flops for row in found.rows) == found.whole.flops


def test_the_share_of_the_peak() -> None:
    row = Row(module="m", measured_s=2.0, predicted_s=1.0, bound="compute", flops=10)
    whole = Measurement(
        model="m",
        device="d",
        title="t",
        threads=1,
        repeats=1,
        spread=1.0,
        whole=row,
        rows=(),
        roofline_s=1.0,
        peak_flop_per_s=20.0,
    )
    assert whole.peak_share(row) == 0.25  # 10 / 2 of 20
    assert row.factor == pytest.approx(2.0)


def test_the_factor_is_the_same_both_ways() -> None:
    assert error_factor(2.0, 1.0) == error_factor(1.0, 2.0) == pytest.approx(2.0)
    assert error_factor(0.0, 1.0) is None


def test_every_form_has_the_total() -> None:
    found = mlp()
    assert "mlp takes 50 us; predicted on epyc_milan_vm4" in render.measurement_text(found, width=200)
    assert json.loads(render.measurement_json(found))["total"]["measured_s"] == 50e-6
    rows = list(DictReader(StringIO(render.measurement_csv(found))))
    assert [row["module"] for row in rows] == ["mlp", "0", "1", "2", REST]
    assert "| total | 50 us |" in render.measurement_markdown(found)
    assert all(len(line) <= 80 for line in render.measurement_text(found).splitlines())


def test_a_machine_that_was_not_measured_is_told() -> None:
    assert any("see hwcost calibrate" in note for note in mlp().notes)


def test_a_model_larger_than_memory_is_refused() -> None:
    module = nn.Linear(1024, 1024, device="meta")
    trace = trace_module(module, (torch.ones(1, 1024, device="meta"),), name="big")
    with pytest.raises(UsageError, match=r"big.py:build: its weights take 0.0 GiB, 0.0 GiB of"):
        require_room(trace, 1_000_000, "big.py:build")
    require_room(trace, 5_000_000, "big.py:build")
    require_room(trace, None, "big.py:build")


def test_free_memory_as_linux_tells_it(tmp_path: Path) -> None:
    file = tmp_path / "meminfo"
    file.write_text("MemTotal: 10 kB\nMemAvailable: 3 kB\n")
    assert available_bytes(file) == 3072
    assert available_bytes(tmp_path / "none") is None
