"""Training from the Python API and the command line: parts that add up, saved traces, errors."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import hwcost
from hwcost.cli.app import app
from hwcost.errors import HwcostError, TraceError, UsageError
from hwcost.graph import Loop, Trace, leaves
from hwcost.load import load_trace
from hwcost.models.registry import card, model_names
from hwcost.report import Report
from hwcost.tracefile import from_json, to_json
from tests.test_laws import SMALL

from .flops import macs_by_part, trained, works


@cache
def trace_of(name: str) -> Trace:
    steps = 20 if "seq_len" in card(name).settings else None
    settings = SMALL.get(name, {})
    return load_trace(name, seq_len=steps, batch=2, settings=settings, optimizer="adam", use_cache=False)


@pytest.mark.parametrize("name", model_names())
def test_every_model_trains_with_every_op_known(name: str) -> None:
    trace = trace_of(name)
    parts = macs_by_part(trace)
    assert not [work.op.name for work, _ in works(trace) if work.is_assumed]
    # Each product of the forward pass has at most two gradients; fused attention makes its scores anew.
    attention = sum(work.macs * calls for work, calls in works(trace) if work.attention is not None)
    assert 0.9 * parts["forward"] < parts["backward"] <= 2 * parts["forward"] + attention
    stepped = {op.inputs[0].storage.id for op, _ in leaves(trace.items) if op.part == "optimiser"}
    elements = {
        tensor.storage.id: tensor.storage.elements
        for op, _ in leaves(trace.items)
        for tensor in op.inputs
        if tensor.storage.id in stepped
    }
    assert sum(elements.values()) <= trace.parameters


@pytest.mark.parametrize("name", model_names())
def test_parts_add_up(name: str) -> None:
    report = hwcost.analyze(trace_of(name), device="v100_sxm2")
    assert list(report.parts) == ["forward", "backward", "optimiser"]
    for quantity in ("macs", "flops", "calls"):
        assert sum(getattr(part, quantity) for part in report.parts.values()) == getattr(
            report.totals, quantity
        )
    for quantity in ("bytes", "expected_s", "roofline_s"):
        total = getattr(report.totals, quantity)
        assert sum(getattr(part, quantity) for part in report.parts.values()) == pytest.approx(
            total, rel=1e-9
        )
    found = report.footprint
    assert found is not None
    assert found.weights_bytes >= report.trace.weight_bytes
    assert found.optimiser_bytes == 2 * found.gradients_bytes
    assert found.peak_bytes > found.weights_bytes + found.optimiser_bytes


@pytest.mark.parametrize("name", ["lstm", "seq2seq_attention", "transformer", "resnet18"])
def test_a_saved_trace_is_the_same(name: str, tmp_path: Path) -> None:
    trace = trace_of(name)
    assert from_json(to_json(trace)) == trace
    path = tmp_path / "saved.json"
    trace.save(path)
    assert hwcost.analyze(path).to_dict() == hwcost.analyze(trace).to_dict()


def test_the_forward_part_is_the_forward_pass() -> None:
    """But for what training keeps and draws, the forward part is what inference does."""
    for name in ("lstm", "gpt1", "resnet18"):
        steps = 20 if "seq_len" in card(name).settings else None
        plain = load_trace(name, seq_len=steps, batch=2, settings=SMALL.get(name, {}), use_cache=False)
        assert macs_by_part(plain)["forward"] == macs_by_part(trace_of(name))["forward"]


def test_python_loops_are_rolled_up_in_both_directions() -> None:
    trace = load_trace(
        "seq2seq_attention",
        seq_len=200,
        settings=SMALL["seq2seq_attention"],
        optimizer="sgd",
        use_cache=False,
    )
    loops = [item for item in trace.items if isinstance(item, Loop) and item.times > 150]
    parts = {op.part for loop in loops for op, _ in leaves(loop.body)}
    assert parts == {"forward", "backward"}
    assert len(works(trace)) < 400


def test_ops_belong_to_the_module_of_their_forward_op() -> None:
    module = nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.LayerNorm(8), nn.GELU()), nn.Linear(8, 2))
    trace = trained(module, torch.zeros(3, 4))
    found = {(op.part, op.name): op.module for op, _ in leaves(trace.items)}
    assert found["backward", "aten.gelu_backward"] == "1.1"
    assert found["backward", "aten.native_layer_norm_backward"] == "1.0"
    assert [op.module for op, _ in leaves(trace.items) if op.name == "aten.mm"] == ["2", "2", "0"]
    assert [op.module for op, _ in leaves(trace.items) if op.part == "optimiser"] == [
        "0",
        "0",
        "1.0",
        "1.0",
        "2",
        "2",
    ]


def test_gradients_of_shared_weights_are_summed_where_the_weight_is() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(4, 4, bias=False)
            self.second = nn.Linear(4, 4, bias=False)
            self.second.weight = self.first.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(x).relu())

    trace = trained(Tied(), torch.zeros(3, 4))
    sums = [op for op, _ in leaves(trace.items) if op.name == "aten.add"]
    assert [op.outputs[0].shape for op in sums] == [(4, 4)]
    assert sum(op.part == "optimiser" for op, _ in leaves(trace.items)) == 1


def test_dropout_and_batch_norm_work_as_in_training() -> None:
    trace = trained(
        nn.Sequential(nn.Conv1d(4, 6, 1), nn.BatchNorm1d(6), nn.Dropout(0.1)), torch.zeros(2, 4, 5)
    )
    names = {work.op.name: work for work, _ in works(trace)}
    assert "aten.native_dropout_backward" in names
    norm = names["aten.native_batch_norm"]
    assert norm.op.attributes["training"] is True
    written = {tensor.storage.name for tensor in norm.writes}
    assert {"1.running_mean", "1.running_var"} <= written


def test_a_loss_that_the_model_returns_is_where_gradients_begin() -> None:
    class WithLoss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 7)

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.layer(x)
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

    trace = trained(WithLoss(), torch.zeros(3, 4), torch.zeros(3, dtype=torch.int64))
    names = [op.name for op, _ in leaves(trace.items) if op.part == "backward"]
    assert names[:3] == ["loss.gradient", "aten.nll_loss_backward", "aten._log_softmax_backward_data"]
    assert not trace.assumptions
    plain = trained(nn.Linear(4, 7), torch.zeros(3, 4))
    assert plain.assumptions == (
        "no loss was given: it reads the outputs and writes their gradients, without arithmetic",
    )
    (loss,) = [work for work, _ in works(plain) if work.op.name == "loss.gradient"]
    assert (loss.read_bytes, loss.write_bytes, loss.flops) == (4 * 3 * 7, 4 * 3 * 7, 0)


def test_gradients_wait_for_the_outputs() -> None:
    """Two products forward, then dx of the second layer and dw of the first."""
    module = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
    assert hwcost.analyze((module, torch.zeros(3, 4)), phase="training").sequential_depth == 4


def test_the_module_is_not_touched() -> None:
    module = nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.BatchNorm1d(8)).eval()
    trained(module, torch.zeros(3, 4))
    assert not module.training
    assert all(parameter.grad is None for parameter in module.parameters())
    assert torch.equal(module[2].running_mean, torch.zeros(8))


def test_fits_asks_for_all_that_training_holds() -> None:
    report = hwcost.analyze("lstm", phase="training", seq_len=1000, batch=64, device="echo_arm")
    assert report.fits is False
    assert report.machine.memory_bytes is not None
    assert report.trace.weight_bytes < report.machine.memory_bytes < report.held_bytes
    assert hwcost.analyze("lstm", seq_len=1000, batch=64, device="echo_arm").fits is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase": "training", "optimizer": "lamb"}, "unknown optimizer 'lamb'"),
        ({"optimizer": "adam"}, "inference has no optimizer"),
        ({"phase": "serving"}, "unknown phase 'serving'"),
        ({"phase": "training", "order": "streaming"}, "--order streaming has no backward pass"),
        ({"phase": "training", "order": "chunk:4"}, "--order chunk:4 has no backward pass"),
        (
            {"phase": "training", "weights": "int8"},
            "training stores weights, activations, K and V in one type",
        ),
        ({"phase": "training", "dtype": "int8"}, "int8 has no gradients; train in a floating type"),
    ],
)
def test_what_does_not_fit_is_told(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        hwcost.analyze("lstm", seq_len=4, **arguments)
    with pytest.raises(UsageError, match=message):
        hwcost.analyze((nn.Linear(4, 4), torch.zeros(2, 4)), **arguments)


def test_a_trace_is_of_one_phase() -> None:
    with pytest.raises(
        UsageError, match="a saved trace is of inference or of training already; leave --phase out"
    ):
        hwcost.analyze(trace_of("lstm"), phase="training")


def test_nothing_to_train_is_told() -> None:
    frozen = nn.Linear(4, 4).requires_grad_(requires_grad=False)
    with pytest.raises(TraceError, match="no parameter of the model requires a gradient"):
        trained(frozen, torch.zeros(2, 4))

    class Detached(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x).argmax(-1)

    with pytest.raises(TraceError, match="no output depends on a weight that requires a gradient"):
        trained(Detached(), torch.zeros(2, 4))


def test_a_backward_pass_that_fails_is_told() -> None:
    class Refuses(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            raise NotImplementedError("no gradient here")

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return Refuses.apply(self.layer(x))

    with pytest.raises(
        TraceError, match="backward pass failed: NotImplementedError: no gradient here"
    ) as told:
        trained(Model(), torch.zeros(2, 4))
    assert "test_training_analysis.py:" in told.value.where


def test_json_and_csv_have_the_parts(tmp_path: Path) -> None:
    run = CliRunner()
    words = "analyze rnn --phase training --optimizer momentum --seq-len 5 --device t4 --format json"
    done = run.invoke(app, words.split())
    data = json.loads(done.stdout)["training"]
    assert data["optimizer"] == "momentum"
    assert set(data["parts"]) == {"forward", "backward", "optimiser"}
    assert data["memory"]["peak_bytes"] > data["memory"]["weights_bytes"]
    done = run.invoke(app, [*words.split()[:-1], "csv"])
    assert done.stdout.startswith("part,module,op,")
    assert {line.split(",")[0] for line in done.stdout.splitlines()[1:]} == set(data["parts"])
    done = run.invoke(
        app, ["compare-models", "rnn", "gru", "--phase", "training", "--seq-len", "5", "--format", "csv"]
    )
    head, *rows = done.stdout.splitlines()
    assert {"forward_s", "backward_s", "optimiser_s", "stored_activation_bytes", "peak_bytes"} <= set(
        head.split(",")
    )
    assert len(rows) == 2
    plain = json.loads(run.invoke(app, ["analyze", "rnn", "--seq-len", "5", "--format", "json"]).stdout)
    assert "training" not in plain


def test_a_trace_saved_by_the_command_analyzes_as_it_is(tmp_path: Path) -> None:
    run = CliRunner()
    saved = str(tmp_path / "rnn.json")
    words = f"trace rnn --seq-len 5 --phase training --optimizer sgd -o {saved}"
    assert run.invoke(app, words.split()).exit_code == 0
    done = run.invoke(app, ["analyze", saved, "--device", "t4"])
    assert "training with sgd" in done.stdout
    assert "optimiser (sgd)" in done.stdout
    refused = run.invoke(app, ["analyze", saved, "--phase", "training"])
    assert isinstance(refused.exception, HwcostError)


def test_reports_of_inference_have_no_parts() -> None:
    report: Report = hwcost.analyze("rnn", seq_len=5)
    assert report.parts == {}
    assert report.optimizer == ""
    assert report.footprint is None
    assert report.held_bytes == report.trace.weight_bytes
