"""Recurrent layers on real devices: the regime that was measured, and the time within a factor.

Works are built by hand and go the whole way: reuse distance, move, price.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from processors import gemm

from hwcost.devices import load_device
from hwcost.graph import Loop, Op, Storage, Work, contiguous
from hwcost.kinds import move, price
from hwcost.memory.reuse import reuse
from hwcost.report import Sum, sum_of

STEPS = 25


def recurrent_half(hidden: int, batch: int, steps: int) -> Loop[Work]:
    """Per step: the gates from the state and a weight that stays the same, then a new state."""
    state = contiguous(
        Storage(id="h", elements=batch * hidden, dtype="float32", role="state"), (batch, hidden)
    )
    weight = contiguous(
        Storage(id="w", elements=4 * hidden * hidden, dtype="float32", role="weight"), (hidden, 4 * hidden)
    )
    gates = contiguous(Storage(id="gates", elements=4 * batch * hidden, dtype="float32"), (batch, 4 * hidden))
    step = gemm(batch, hidden, 4 * hidden, op_class="recurrent step")
    product = replace(step.products[0], a=state, b=weight, c=gates)
    work = Work(
        op=Op(name="torch.lstm"),
        op_class="recurrent step",
        macs=step.macs,
        reads=(state, weight),
        writes=(gates,),
        products=(product,),
    )
    cell = Work(
        op=Op(name="torch.lstm"),
        op_class="pointwise",
        vector_ops=4 * batch * hidden,
        special_ops=5 * batch * hidden,
        reads=(gates, state),
        writes=(state,),
        kernels=0,
    )
    return Loop(times=steps, body=(work, cell))


def run(device_name: str, hidden: int, batch: int, steps: int) -> Sum:
    device = load_device(device_name)
    return sum_of(price(move(reuse((recurrent_half(hidden, batch, steps),)), device), device))


@pytest.mark.parametrize(
    ("batch", "measured_s", "bound"),
    [(16, 10.009e-3, "hbm"), (32, 10.5e-3, "hbm"), (64, 16.6e-3, "compute"), (128, 31.169e-3, "compute")],
)
def test_lstm_of_4096_on_a_v100(batch: int, measured_s: float, bound: str) -> None:
    """Baidu DeepBench, commit da81ba7, V100, fp32, forward, 25 steps: bandwidth, then compute."""
    total = run("v100_sxm2", 4096, batch, STEPS)
    assert total.bound == bound
    assert total.expected_s == pytest.approx(measured_s, rel=0.15)
    assert total.roofline_s <= measured_s
    # 25 times 4*4096*4096 weights of 4 byte, none of which stays in the 6 MiB of L2, or little
    assert total.bytes == pytest.approx(STEPS * 4 * 4 * 4096**2, rel=0.05)


def test_weights_that_fit_the_last_cache_leave_dram_alone() -> None:
    """nn.LSTM on 4 cores of an EPYC Milan, PyTorch: 1000 steps of 1024 took 125 ms, less than the 483 ms that
    reading 16 MiB a thousand times would take; 100 steps of 2048 took 172 ms."""
    small, large = run("epyc_milan_vm4", 1024, 1, 1000), run("epyc_milan_vm4", 2048, 1, 100)
    assert small.bound != "dram"
    assert small.bytes < 2 * 4 * 4 * 1024**2  # the weights once, not a thousand times
    assert small.expected_s == pytest.approx(125e-3, rel=0.15)
    assert small.roofline_s <= 125e-3
    assert large.bound == "dram"
    assert large.expected_s == pytest.approx(172e-3, rel=0.15)
    assert large.roofline_s <= 172e-3


def test_small_recurrent_layers_are_bound_by_latency_on_a_gpu() -> None:
    total = run("v100_sxm2", 64, 1, STEPS)
    assert total.bound == "latency"


def test_batch_divides_the_bytes_of_a_sequence() -> None:
    one, eight = run("echo_arm", 1024, 1, STEPS), run("echo_arm", 1024, 8, STEPS)
    assert eight.macs == 8 * one.macs
    assert eight.bytes < 1.2 * one.bytes
