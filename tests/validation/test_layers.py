"""The layers measured on a calibrated CPU: traces as torch makes them, passes in a row, the goals."""

from __future__ import annotations

import pytest
import torch

from benchmarks.cases import cases as first_cases
from benchmarks.other_cases import other_cases
from hwcost.devices import load_device
from hwcost.load import trace_module
from hwcost.measurement.predicted import predicted
from hwcost.passes import passes
from hwcost.validation.datasets import DATASETS
from hwcost.validation.datasets import cases as published
from hwcost.validation.result import figures
from hwcost.validation.run import point
from hwcost.validation.traces import linear

DEVICE = load_device("epyc_genoa_vm4_1t")
MEASURED = tuple(published("torch_cpu"))
MODELS = (*first_cases(), *other_cases())


def test_every_model_of_the_benchmark_is_there() -> None:
    assert len(MEASURED) == len(MODELS) == 75 + 50
    assert not any(case.is_fitted for case in MEASURED)
    assert DATASETS["torch_cpu"].in_a_row


@pytest.mark.parametrize("index", range(len(MODELS)), ids=[model.name for model in MODELS])
def test_traces_cost_what_those_of_torch_cost(index: int) -> None:
    with torch.device("meta"):
        module, x = MODELS[index].make()
    own, torchs = (passes(t, DEVICE) for t in (MEASURED[index].trace, trace_module(module, (x,), name="m")))
    for a, b in ((own.alone.totals, torchs.alone.totals), (own.together.totals, torchs.together.totals)):
        assert (a.macs, a.flops) == (b.macs, b.flops)
        assert a.bytes == pytest.approx(b.bytes, rel=1e-12)
        for one, other in ((a.fast_s, b.fast_s), (a.slow_s, b.slow_s), (a.roofline_s, b.roofline_s)):
            assert one == pytest.approx(other, rel=1e-12)
    assert own.expected_s == pytest.approx(torchs.expected_s, rel=1e-12)


def test_predictions_are_near() -> None:
    found = figures(map(point, MEASURED))
    assert found.error < 1.2 < found.roofline_error
    assert found.close > 0.9
    for part in (MEASURED[:75], MEASURED[75:]):
        assert figures(map(point, part)).error < 1.2


def test_a_case_is_priced_as_measure_prices_it() -> None:
    for case in MEASURED[::20]:
        found, both = point(case), passes(case.trace, DEVICE)
        assert found.expected == predicted(case.trace, DEVICE).whole.expected_s
        assert found.expected == (both.together.totals.expected_s - both.alone.totals.expected_s) / 2
        assert found.roofline <= found.fast <= found.expected <= found.slow


def test_the_roofline_of_a_later_pass_is_that_of_what_caches_do_not_hold() -> None:
    # x (1 KiB), W (256 KiB) and y (1 KiB) are in the caches after the first pass, and y is written back
    # at the end of one pass as of three: nothing crosses the farthest level in the later ones.
    both = passes(linear(1, 256, 256, "float32"), DEVICE)
    flops = 2 * 256 * 256
    far = both.alone.machine.slopes[-1]
    assert both.alone.roofline_s == pytest.approx(4 * (256 + 256**2 + 256) / (far.peak_bytes_per_s or 0))
    of_levels = [
        (
            both.together.totals.crossing(slope.level).low_bytes
            - both.alone.totals.crossing(slope.level).low_bytes
        )
        / 2
        / slope.peak_bytes_per_s
        for slope in both.alone.machine.slopes[:-1]
        if slope.peak_bytes_per_s
    ]
    compute_s = flops / both.alone.machine.roof.peak_flop_per_s
    # At most the sum of the ops' own: there y, 1 KiB, leaves for the farthest level in the pass alone, but
    # not in the first of three: half of its time is missing from each later pass.
    of_y = 4 * 256 / (far.peak_bytes_per_s or 0) / 2
    assert max(compute_s, *of_levels) - 1.01 * of_y < both.roofline_s <= max(compute_s, *of_levels)
    assert both.roofline_s < both.alone.roofline_s


def test_parameters_are_those_of_the_layer() -> None:
    by_name = {case.trace.model: case.trace for case in MEASURED}
    # 4 * 1536 rows of 256 inputs, 1536 states and two biases
    assert by_name["LSTM 256 to 1536, batch 2, 10 steps"].parameters == 6144 * (256 + 1536 + 2)
    # 784 x 512, 512 x 512, 512 x 10, and a bias of each result
    mlp = by_name["MLP 784-512-512-10 with gelu, batch 1"]
    assert mlp.parameters == 784 * 512 + 512 * 512 + 512 * 10 + 512 + 512 + 10
