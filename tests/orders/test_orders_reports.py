"""Orders from the API and the commands: reports, steps, sources, saved traces."""

from __future__ import annotations

import re
import subprocess
import sys
from math import isclose
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import hwcost
from hwcost.errors import HwcostError
from hwcost.report import Report

STREAMING = ("lstm", "tcn", "gpt1", "hierarchical_attention", "seq2seq_attention")
SMALL: dict[str, dict[str, object]] = {"gpt1": {"num_layers": 2}, "hierarchical_attention": {"window": 5}}


def report_of(name: str, order: str, device: str = "echo_arm", seq_len: int = 30) -> Report:
    return hwcost.analyze(
        name, seq_len=seq_len, order=order, device=device, settings=SMALL.get(name), fusion="fused"
    )


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWCOST_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize("order", ["streaming", "chunk:7"])
@pytest.mark.parametrize("name", STREAMING)
def test_totals_are_sums_of_layers_and_the_steps_are_between_their_bounds(name: str, order: str) -> None:
    report = report_of(name, order)
    totals, steps = report.totals, report.steps
    assert report.order == order
    assert sum(layer.sum.macs for layer in report.layers) == totals.macs
    assert isclose(sum(layer.sum.expected_s for layer in report.layers), totals.expected_s, rel_tol=1e-9)
    assert isclose(sum(layer.sum.bytes for layer in report.layers), totals.bytes, rel_tol=1e-9)
    assert steps is not None
    assert steps.count == (30 if order == "streaming" else 5)
    assert steps.first is not None
    assert steps.steady is not None
    assert steps.last is not None
    assert min(part.macs for part in (steps.first, steps.steady, steps.last)) * steps.count <= totals.macs
    for crossing in totals.crossings:
        assert crossing.low_bytes <= crossing.bytes * (1 + 1e-9)
        assert crossing.bytes <= crossing.high_bytes * (1 + 1e-9)
    assert report.roofline_s <= totals.expected_s
    assert 0 < (totals.intensity or 0) < 1e4
    assert report.state_bytes


def test_steps_of_a_stream_that_does_not_grow_add_up() -> None:
    report = report_of("lstm", "streaming")
    steps = report.steps
    assert steps is not None
    assert steps.first is not None
    assert steps.steady is not None
    assert steps.last is not None
    assert steps.first.macs == steps.steady.macs == steps.last.macs == 2 * 2048 * 1024
    assert steps.first.macs + 28 * steps.steady.macs + steps.last.macs == report.totals.macs
    inside = steps.first.bytes + 28 * steps.steady.bytes + steps.last.bytes
    assert isclose(inside, report.totals.bytes, rel_tol=1e-3)  # beside it, the states are set to zero


def test_steps_of_attention_grow_evenly() -> None:
    steps = report_of("gpt1", "streaming", seq_len=31).steps
    assert steps is not None
    assert steps.first is not None
    assert steps.steady is not None
    assert steps.last is not None
    assert steps.is_growing
    per_key = 2 * 2 * 768  # layers * (scores and values) * width
    assert steps.steady.macs - steps.first.macs == 15 * per_key
    assert steps.last.macs - steps.first.macs == 30 * per_key


def test_weights_cross_at_every_step_unless_they_fit() -> None:
    weights = 2 * 4 * (2 * 512 + 2) * 512 * 4  # layers * gates * (two matrices, two biases) * bytes
    large = report_of("lstm", "streaming").steps
    assert large is not None
    assert large.steady is not None
    assert weights <= large.steady.bytes <= 1.02 * weights
    small = hwcost.analyze(
        "lstm", seq_len=30, order="streaming", settings={"hidden_size": 32, "input_size": 32}
    ).steps
    assert small is not None
    assert small.steady is not None
    x_and_y = 2 * 32 * 4  # 45 kB of weights stay in the caches
    assert small.steady.bytes <= 1.01 * x_and_y


def test_streaming_moves_more_bytes_than_offline() -> None:
    for name in ("lstm", "tcn", "gpt1"):
        assert report_of(name, "streaming").totals.bytes > 1.5 * report_of(name, "offline").totals.bytes


def test_report_says_what_it_keeps() -> None:
    assert report_of("lstm", "offline").state_bytes is None
    report = report_of("lstm", "streaming")
    assert report.state_bytes == 8192
    assert report.to_dict()["model"]["state_bytes"] == 8192  # type: ignore[index]
    assert report.to_dict()["model"]["order"] == "streaming"  # type: ignore[index]


class Batched(nn.Module):
    """x[B, T, 4] -> y[B, T, 4]."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.lstm = nn.Linear(4, 8), nn.LSTM(8, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(self.linear(x))[0]


def test_a_module_with_inputs_streams_along_the_axis_that_is_named() -> None:
    module, x = Batched(), torch.zeros(3, 25, 4)
    report = hwcost.analyze((module, x), seq_len=25, order="streaming")
    assert report.totals.macs == 3 * 25 * (4 * 8 + 16 * (8 + 4))
    with pytest.raises(HwcostError, match="does not say which axis is time"):
        hwcost.analyze((module, x), order="streaming")
    with pytest.raises(HwcostError, match="no input with an axis of 24"):
        hwcost.analyze((module, x), seq_len=24, order="streaming")
    with pytest.raises(HwcostError, match="2 axes of 4"):
        hwcost.analyze((nn.LSTM(4, 4), torch.zeros(4, 1, 4)), seq_len=4, order="streaming")


def test_a_module_without_inputs_is_given_some() -> None:
    report = hwcost.analyze(nn.LSTM(4, 4), seq_len=25, order="streaming")
    assert report.totals.macs == 25 * 16 * 8


def test_callables(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import torch\nfrom torch import nn\n"
        "def build(seq_len=40): return nn.GRU(4, 4), torch.zeros(seq_len, 1, 4)\n"
        "def fixed(): return nn.GRU(4, 4), torch.zeros(40, 1, 4)\n"
    )
    macs = 40 * 12 * 8
    assert hwcost.analyze(f"{file}:build", order="streaming").totals.macs == macs
    assert hwcost.analyze(f"{file}:fixed", seq_len=40, order="chunk:8").totals.macs == macs
    with pytest.raises(HwcostError, match="let the callable take seq_len"):
        hwcost.analyze(f"{file}:fixed", order="streaming")


def test_a_saved_trace_has_its_order(tmp_path: Path) -> None:
    report = report_of("gpt1", "streaming")
    path = tmp_path / "gpt1.json"
    report.trace.save(path)
    again = hwcost.analyze(str(path), fusion="fused")
    assert again.order == "streaming"
    assert again.totals.macs == report.totals.macs
    assert again.totals.bytes == report.totals.bytes
    assert again.state_bytes == report.state_bytes
    with pytest.raises(HwcostError, match=r"has its order, which is streaming; .* --order chunk:2"):
        hwcost.analyze(str(path), order="chunk:2")


def test_the_example_of_the_docs_runs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "orders.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["409600", "100"]  # 100 steps * 64 * 64


def test_the_error_in_the_docs_is_that_of_the_command() -> None:
    text = (Path(__file__).parents[2] / "docs" / "orders.md").read_text()
    with pytest.raises(HwcostError) as error:
        hwcost.analyze("bilstm", seq_len=30, order="streaming")
    assert f"hwcost: {error.value}\n" in text


def test_layers_of_a_stack_wait_for_their_own_state() -> None:
    # A step of layer 2 needs its own last state and layer 1 (2 products): the chain is 30 steps and 3 on top.
    assert report_of("lstm", "streaming").sequential_depth == 30 + 3
    offline = report_of("lstm", "offline").sequential_depth
    assert offline == 2 * (30 + 1)


def test_passes_of_a_generation_wait_for_one_another() -> None:
    report = hwcost.analyze("gpt1", prompt=9, generate=5, settings={"num_layers": 2})
    # Per layer 6: Q, K and V; scores; values; output; 2 of the feed-forward network; and the head.
    assert report.sequential_depth == 5 * (2 * 6 + 1)
