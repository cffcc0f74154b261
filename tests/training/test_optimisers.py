"""Steps of optimisers by hand, and against the buffers that torch.optim keeps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import hwcost
from hwcost.errors import UsageError
from hwcost.rules.elementwise_table import TABLE
from hwcost.training.optimisers import OPTIMISERS, optimiser

from .flops import trained, works

MAKERS: dict[str, Any] = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.1),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9),
    "adam": lambda weights: torch.optim.Adam(weights),
    "adamw": lambda weights: torch.optim.AdamW(weights),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_states_are_those_of_torch(name: str) -> None:
    weight = nn.Parameter(torch.zeros(3, 4))
    weight.grad = torch.ones(3, 4)
    made = MAKERS[name]([weight])
    made.step()
    kept = [
        key for key, value in made.state[weight].items() if value is not None and value.shape == weight.shape
    ]
    assert tuple(kept) == OPTIMISERS[name].states


@pytest.mark.parametrize("name", OPTIMISERS)
def test_bytes_and_ops_by_hand(name: str) -> None:
    """One step over 8 x 16 weights and 16 biases: reads w, g and the states, writes w and the states."""
    trace = trained(nn.Linear(8, 16), torch.zeros(2, 8), optimizer=name)
    steps = [work for work, _ in works(trace) if work.op.part == "optimiser"]
    assert [work.op.inputs[0].shape for work in steps] == [(16, 8), (16,)]
    states = len(OPTIMISERS[name].states)
    for work, elements in zip(steps, (128, 16), strict=True):
        assert work.op.name == f"optimiser.{name}"
        assert work.read_bytes == 4 * elements * (2 + states)
        assert work.write_bytes == 4 * elements * (1 + states)
        assert work.kernels == 1


def test_ops_are_those_of_torchs_formulas() -> None:
    """What the calls of torch.optim's plain form cost by the table of elementwise functions."""

    def cost(*names: str) -> tuple[int, int]:
        rows = [TABLE[f"aten.{name}"] for name in names]
        return sum(row.vector_ops for row in rows), sum(row.special_ops for row in rows)

    def found(name: str) -> tuple[int, int]:
        return optimiser(name).vector_ops, optimiser(name).special_ops

    # param.add_(grad, alpha=-lr): the scale is one more.
    assert found("sgd") == (cost("add")[0] + 1, 0)
    # buf.mul_(momentum).add_(grad), then the same with buf.
    assert found("momentum") == (cost("mul", "add", "add")[0] + 1, 0)
    # exp_avg.lerp_(grad); exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value); sqrt / c + eps; addcdiv_ with a
    # value; the three scales of addcmul, addcdiv and of nothing else.
    vector_ops, special_ops = cost("lerp", "mul", "addcmul", "sqrt", "reciprocal", "add", "addcdiv")
    assert found("adam") == (vector_ops + 2, special_ops)
    assert found("adamw") == (found("adam")[0] + cost("mul")[0], special_ops)


def test_the_step_does_not_grow_with_the_batch() -> None:
    one = hwcost.analyze((nn.Linear(8, 16), torch.zeros(2, 8)), phase="training", device="echo_arm")
    two = hwcost.analyze((nn.Linear(8, 16), torch.zeros(200, 8)), phase="training", device="echo_arm")
    assert one.parts["optimiser"].flops == two.parts["optimiser"].flops == 13 * (8 * 16 + 16)
    assert two.parts["backward"].macs == 100 * one.parts["backward"].macs


def test_the_step_does_not_ride_on_the_backward_pass() -> None:
    report = hwcost.analyze(
        (nn.Linear(8, 16), torch.zeros(2, 8)), phase="training", optimizer="sgd", fusion="fused"
    )
    steps = [cost.traffic.work for cost in report.costs if cost.traffic.work.op.part == "optimiser"]
    assert [work.kernels for work in steps] == [1, 1]


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(
        UsageError, match="unknown optimizer 'adagrad'; take one of sgd, momentum, adam, adamw"
    ):
        optimiser("adagrad")
