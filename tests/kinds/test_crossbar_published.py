"""Chips that compute in memory on real models: what was published beside what comes out here.

PUMA against a Pascal GPU at batch 1 (Ankit et al., ASPLOS 2019): deep LSTM 42 to 66 times as fast, wide
LSTM 4.7 to 5.2, CNN 2.7 to 3.0, MLP 0.24 to 0.40. HERMES (Le Gallo et al. 2023): an LSTM step in 1.43 us
and 5.24 uJ. docs/compute_in_memory.md says why ours differ.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import ceil, prod

import pytest
import torch
from torch import Tensor, nn

import hwcost
from hwcost.devices import Device, load_device
from hwcost.devices.device import Number
from hwcost.kinds.crossbar.geometry import interval_s
from hwcost.kinds.crossbar.nodes import nodes, nodes_for

STEPS = 50

VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
VGG19 = (64, 64, 0, 128, 128, 0, *[256] * 4, 0, *[512] * 4, 0, *[512] * 4, 0)
"""Channels of convolutions of 3 x 3; 0: maximum of 2 x 2 (Simonyan and Zisserman 2015, table 1)."""


class Lstm(nn.Module):
    """A stack of LSTM layers and a layer of words."""

    def __init__(self, layers: int, hidden: int, words: int, width: int = 0) -> None:
        super().__init__()
        self.stack = nn.LSTM(1024, hidden, num_layers=layers, proj_size=width)
        self.words = nn.Linear(width or hidden, words)

    def forward(self, x: Tensor) -> Tensor:
        return self.words(self.stack(x)[0])


def mlp(*widths: int) -> nn.Module:
    pairs = pairwise(widths)
    return nn.Sequential(*(layer for pair in pairs for layer in (nn.Linear(*pair), nn.Sigmoid())))


def vgg(channels: tuple[int, ...]) -> nn.Module:
    layers: list[nn.Module] = []
    before = 3
    for here in channels:
        layers += [nn.Conv2d(before, here, 3, padding=1), nn.ReLU()] if here else [nn.MaxPool2d(2)]
        before = here or before
    ends = (nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000))
    return nn.Sequential(*layers, nn.Flatten(), *ends)


def network(name: str) -> tuple[nn.Module, Tensor]:
    """A workload of PUMA: layer sizes from its compiler's tests, vocabularies from its table 5."""
    with torch.device("meta"):
        sequence, image = torch.empty(STEPS, 1, 1024), torch.empty(1, 3, 224, 224)
        return {
            "MLP-L4": lambda: (mlp(1024, 1024, 2048, 1024, 10), torch.empty(1, 1024)),
            "MLP-L5": lambda: (mlp(1024, 2048, 3072, 3072, 1024, 10), torch.empty(1, 1024)),
            "NMT-L3": lambda: (Lstm(6, 1024, 40000), sequence),
            "NMT-L5": lambda: (Lstm(10, 1024, 40000), sequence),
            "LSTM-2048": lambda: (Lstm(1, 8192, 240000, 2048), sequence),
            "BigLSTM": lambda: (Lstm(2, 8192, 793471, 1024), sequence),
            "VGG16": lambda: (vgg(VGG16), image),
            "VGG19": lambda: (vgg(VGG19), image),
        }[name]()


@cache
def speedup(name: str) -> float:
    """Time on a P100 in float32 over time on PUMA in int16."""
    module, x = network(name)
    trace = hwcost.trace(module, x)
    puma = load_device("puma")
    there = hwcost.analyze(trace, device=nodes(puma, nodes_for(puma, trace.parameters)), dtype="int16")
    assert there.resident == 1
    return hwcost.analyze(trace, device="p100_pcie").totals.expected_s / there.totals.expected_s


def mean(*names: str) -> float:
    return float(prod(speedup(name) for name in names) ** (1 / len(names)))


def test_weights_of_the_workloads() -> None:
    # Published: 5 M and 21 M, 91 M and 125 M, 136 M and 141 M.
    published = {"MLP-L4": 5.25e6, "NMT-L3": 91.3e6, "NMT-L5": 124.8e6, "VGG16": 138.4e6, "VGG19": 143.7e6}
    for name, weights in published.items():
        module, _ = network(name)
        assert sum(p.numel() for p in module.parameters()) == pytest.approx(weights, rel=0.005)


def test_deep_lstms_gain_more_than_wide_ones_and_these_more_than_cnns() -> None:
    deep, wide, cnn = (
        mean(*two) for two in (("NMT-L3", "NMT-L5"), ("LSTM-2048", "BigLSTM"), ("VGG16", "VGG19"))
    )
    assert deep > wide > cnn
    assert 4.7 / 1.6 < wide < 5.2 * 1.6  # published: 4.7 to 5.2


def test_deep_lstms_and_mlps_are_not_as_published() -> None:
    # Ours is a GPU that runs fused recurrent kernels, so that it loses less on deep LSTMs than the
    # published one; and messages between tiles are free of latency, which four small products feel.
    assert 5 < mean("NMT-L3", "NMT-L5") < 42
    assert mean("MLP-L4", "MLP-L5") > 1


def hermes_step() -> hwcost.Report:
    # 4 * 504 * (128 + 504) weights and biases, with the layer of words 1.30 M, as published.
    sizes = {"hidden_size": 504, "input_size": 128, "num_layers": 1}
    return hwcost.analyze(
        "lstm", device="ibm_hermes", dtype="float16", order="streaming", seq_len=100, settings=sizes
    )


def test_a_step_of_hermes() -> None:
    step = hermes_step().steps.steady
    own = load_device("ibm_hermes").arrays
    assert own is not None
    # Here input and state pass their arrays one after the other; on the chip they are one product.
    as_on_the_chip = step.expected_s - interval_s(own, 8)
    assert as_on_the_chip == pytest.approx(1.43e-6, rel=0.15)
    # Arrays alone: 24 of 13.2 nJ * 4 phases. What was measured holds clocks and idle cores as well.
    assert 24 * 4 * 13.2e-9 < step.energy_j < 5.24e-6


def test_why_a_step_of_hermes_reaches_little_of_the_peak() -> None:
    report = hermes_step()
    step = report.steps.steady
    # Of the peak in one phase: all of 64 cores busy, all of the time.
    assert 0.01 < step.flops / step.expected_s / 63.1e12 < 0.09
    cores, cells = 24 / 64, 4 * 504 * 632 / (24 * 65536)
    busy = 2 * interval_s(load_device("ibm_hermes").arrays, 8) / step.expected_s  # type: ignore[arg-type]
    assert report.lints[0].startswith("Weights take 24 of 64 arrays, 81%")
    # Cores that hold weights * cells that are filled * time in arrays, one of the two products at a time.
    assert step.macs * 2 / step.expected_s / 16.13e12 == pytest.approx(cores * cells * busy / 2, rel=0.01)
