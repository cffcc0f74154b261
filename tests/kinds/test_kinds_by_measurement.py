from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import hwcost
from hwcost.devices import Device, load_device
from hwcost.devices.device import Number
from hwcost.devices.kernel import Kernel, at
from hwcost.kinds.processor.by_measurement import packed_bytes
from hwcost.report import Cost, Report


def number(value: float, path: str = "x") -> Number:
    return Number(value, path=path, unit="", text=str(value), evidence="measured", source="measured: test")


def kernel(start: float, **changes: object) -> Kernel:
    plain = {"call_s": None, "element_s": None, "pack_s_per_byte": {}, "peak_share": {}, "level_share": {}}
    return Kernel(start_s=number(start), **(plain | changes))  # type: ignore[arg-type]


BASE = load_device("epyc_milan_vm4")
PEAK = BASE.units[0].peak_flop_per_s["float32"]
DRAM = BASE.levels[-1].peak_bytes_per_s or 0.0
SHARES = {1: number(0.1), 16: number(0.4)}


def device(**kernels: Kernel) -> Device:
    return replace(BASE, kernels=kernels)


def costs_of(report: Report, name: str) -> list[Cost]:
    return [cost for cost in report.costs if cost.traffic.work.op.name == name]


def test_between_two_counts() -> None:
    table = {1: number(0.1), 16: number(0.4)}
    assert at(table, 4) == pytest.approx(0.2)  # halfway in logarithms: sqrt(0.1 * 0.4)
    assert (at(table, 0.5), at(table, 99)) == (0.1, 0.4)


@given(st.floats(1, 1e9))
def test_never_outside_of_the_table(count: float) -> None:
    table = {1: number(0.1), 7: number(0.9), 300: number(0.3)}
    assert 0.1 <= at(table, count) <= 0.9000001


def test_a_product_by_hand() -> None:
    report = hwcost.analyze(
        (torch.nn.Linear(512, 256, bias=False), (torch.ones(16, 512),)),
        device=device(gemm=kernel(3e-6, peak_share=SHARES)),
    )
    (cost,) = report.costs
    # 2 * 16 * 512 * 256 / (peak * 0.4)
    assert cost.compute_s == pytest.approx(4194304 / (PEAK * 0.4))
    assert cost.latency_s == 3e-6


def test_far_weights_by_hand() -> None:
    shares = {"dram": {1: number(0.05)}}
    report = hwcost.analyze(
        (torch.nn.Linear(4096, 4096, bias=False), (torch.ones(1, 4096),)),
        device=device(gemm=kernel(0.0, peak_share={1: number(1.0)}, level_share=shares)),
    )
    (cost,) = report.costs
    moved = cost.traffic.crossings[-1].bytes
    assert moved == 4 * (4096 * 4096 + 2 * 4096)
    # Of m*k + k*n + m*n = 16,785,408 elements the weights have 16,777,216.
    assert cost.level_s["dram"] == pytest.approx(moved * 16777216 / 16785408 / (DRAM * 0.05))
    assert cost.bound == "dram"


def lstm_report(steps: int, lstm: Kernel) -> Report:
    module = torch.nn.LSTM(64, 32)
    return hwcost.analyze((module, (torch.ones(steps, 1, 64),)), device=device(lstm=lstm))


def test_an_lstm_is_packed_once_per_call() -> None:
    lstm = kernel(1e-6, call_s=number(50e-6), pack_s_per_byte={1: number(2e-9)}, peak_share=SHARES)
    for steps in (1, 10):
        report = lstm_report(steps, lstm)
        (product,) = costs_of(report, "torch.lstm.input_product")
        # Both matrices: 4 bytes * 4 * 32 * (64 + 32) = 49152
        assert sum(packed_bytes(product.traffic.work)) == 49152
        assert product.latency_s == pytest.approx(50e-6 + 49152 * 2e-9)
        started = sum(cost.latency_s for cost in costs_of(report, "torch.lstm.step"))
        assert started == pytest.approx(steps * 1e-6)


def test_elements_of_the_state() -> None:
    # 32 elements take 1 us each, which is more than anything else in a step.
    lstm = kernel(0.0, element_s=number(1e-6), peak_share={1: number(1.0)})
    report = lstm_report(1, lstm)
    (step,) = costs_of(report, "torch.lstm.step")
    assert step.compute_s == pytest.approx(32e-6 + 2 * 4 * 32 * 32 / PEAK)


def test_a_cell_is_no_layer() -> None:
    cell = torch.nn.LSTMCell(64, 32)
    kernels = device(lstm=kernel(1.0), lstm_cell=kernel(16e-6), gemm=kernel(5.0, peak_share=SHARES))
    report = hwcost.analyze((cell, (torch.ones(1, 64),)), device=kernels)
    (step,) = costs_of(report, "torch.lstm.step")
    assert step.latency_s == 16e-6
    assert step.compute_s >= 2 * 4 * 32 * 32 / (PEAK * 0.1)  # with the shares of gemm


@pytest.mark.parametrize("name", ["lstm", "tcn", "transformer_encoder", "resnet50"])
def test_nothing_is_faster_than_the_roofline(name: str) -> None:
    fast = kernel(0.0, call_s=number(0.0), peak_share={1: number(1.0)})
    every = device(**dict.fromkeys(("gemm", "conv", "depthwise", "attention", "lstm"), fast))
    report = hwcost.analyze(name, device=every)
    for cost in report.costs:
        assert cost.expected_s >= cost.roofline_s * (1 - 1e-9)


def test_packing_is_told_where_it_takes_the_time() -> None:
    lstm = kernel(1e-6, pack_s_per_byte={1: number(1e-6)}, peak_share=SHARES)
    (few,) = lstm_report(1, lstm).lints
    assert "49.2 kB of weights, 49.2 ms of" in few
    assert few.endswith("with so few steps take nn.LSTMCell.")
    (many,) = lstm_report(50, lstm).lints
    assert many.endswith("more steps per call share that.")


def test_packing_that_takes_no_time_is_not_told() -> None:
    lstm = kernel(1e-3, pack_s_per_byte={1: number(1e-12)}, peak_share=SHARES)
    assert lstm_report(1, lstm).lints == ()
    assert hwcost.analyze("lstm", device=BASE, seq_len=1).lints == ()


def test_packing_of_convolutions_is_told() -> None:
    conv = kernel(0.0, pack_s_per_byte={1: number(1e-6)}, peak_share={1: number(1.0)})
    report = hwcost.analyze((torch.nn.Conv2d(8, 8, 3), (torch.ones(1, 8, 8, 8),)), device=device(conv=conv))
    # 4 bytes * 8 * 8 * 9 = 2304
    assert "2.3 kB of weights, 2.3 ms of" in report.lints[0]
