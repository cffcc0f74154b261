"""Chips that compute in memory on real models: what was published beside what comes out here.

PUMA against a Pascal GPU at batch 1 (Ankit et al., ASPLOS 2019): deep LSTM 42 to 66 times as fast, wide
LSTM 4.7 to 5.2, CNN 2.7 to 3.0, MLP 0.24 to 0.40. HERMES (Le Gallo et al. 2023): an LSTM step in 1.43 us
and 5.24 uJ. docs/compute_in_memory.md says why ours differ.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import prod

import pytest
import torch
from torch import Tensor, nn

import hwcost
from hwcost.devices import Device, load_device
from hwcost.devices.arrays import Overlap
from hwcost.graph import Trace
from hwcost.kinds.crossbar.geometry import interval_s
from hwcost.kinds.crossbar.nodes import nodes, nodes_for

STEPS = 50

VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
VGG19 = (64, 64, 0, 128, 128, 0, *[256] * 4, 0, *[512] * 4, 0, *[512] * 4, 0)
"""Channels of convolutions of 3 x 3; 0: maximum of 2 x 2 (Simonyan and Zisserman 2015, table 1)."""


class Lstm(nn.Module):
    """A stack of LSTM layers and a layer of words."""

    def __init__(self, layers: int, hidden: int, words: int, width: int = 0, inputs: int = 1024) -> None:
        super().__init__()
        self.stack = nn.LSTM(inputs, hidden, num_layers=layers, proj_size=width)
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
def traced(name: str) -> Trace:
    return hwcost.trace(*network(name))


@cache
def on_puma(name: str) -> hwcost.Report:
    """In int16, with as many nodes as hold the weights."""
    puma, trace = load_device("puma"), traced(name)
    chips = nodes(puma, nodes_for(puma, trace.parameters))
    report = hwcost.analyze(trace, device=chips, dtype="int16")
    assert report.resident == 1
    return report


@cache
def speedup(name: str, *, by_steps: bool = False) -> float:
    """Time on a P100 in float32 over time on PUMA. by_steps: the GPU passes all layers step by step."""
    given = network(name) if by_steps else traced(name)
    asked = {"order": "streaming", "seq_len": STEPS} if by_steps else {}
    there = hwcost.analyze(given, device="p100_pcie", **asked)  # type: ignore[arg-type]
    return there.totals.expected_s / on_puma(name).totals.expected_s


def mean(*names: str, by_steps: bool = False) -> float:
    return float(prod(speedup(name, by_steps=by_steps) for name in names) ** (1 / len(names)))


DEEP, WIDE = ("NMT-L3", "NMT-L5"), ("LSTM-2048", "BigLSTM")
CNN, MLP = ("VGG16", "VGG19"), ("MLP-L4", "MLP-L5")


def test_weights_of_the_workloads() -> None:
    # Published: 5 M and 21 M, 91 M and 125 M, 136 M and 141 M.
    published = {"MLP-L4": 5.25e6, "NMT-L3": 91.3e6, "NMT-L5": 124.8e6, "VGG16": 138.4e6, "VGG19": 143.7e6}
    for name, weights in published.items():
        module, _ = network(name)
        assert sum(p.numel() for p in module.parameters()) == pytest.approx(weights, rel=0.005)


@pytest.mark.parametrize("by_steps", [False, True])
def test_order_of_the_workloads_is_as_published(by_steps: bool) -> None:
    deep, wide = mean(*DEEP, by_steps=by_steps), mean(*WIDE, by_steps=by_steps)
    assert deep > wide > mean(*CNN) > mean(*MLP)
    assert mean(*MLP) < 1 < wide  # the GPU is ahead on MLPs alone


def test_deep_lstms_gain_with_their_layers() -> None:
    # Published: 41.6 with 6 layers, 66.0 with 10: PUMA works on all layers at once, the GPU on one.
    three, five = (speedup(name, by_steps=True) for name in DEEP)
    assert three == pytest.approx(41.6, rel=0.1)
    assert five == pytest.approx(66.0, rel=0.25)


def test_what_is_not_as_published() -> None:
    # Published: 4.7 to 5.2, 2.7 to 3.0, 0.24 to 0.40. docs/compute_in_memory.md says what differs.
    assert 5.2 < mean(*WIDE, by_steps=True) < 15
    assert 2.7 / 4 < mean(*CNN) < 2.7
    assert speedup("MLP-L5") == pytest.approx(0.24, rel=0.15)
    assert 0.4 < speedup("MLP-L4") < 1


def test_an_mlp_takes_what_the_authors_simulator_logged() -> None:
    # isca_results/mlp_l5 of puma-simulator, cycles of 1 ns; the profile's 17.1 us are of other models.
    logged = (80_416, 28_754, 516_250, 179_504, 10_158)
    report = on_puma("MLP-L5")
    assert report.totals.expected_s == pytest.approx(sum(logged) * 1e-9, rel=0.1)
    products = [cost.expected_s for cost in report.costs if cost.traffic.work.macs]
    # 3072 to 3072 takes 36 tiles, 3072 to 1024 takes 12: 24 blocks of rows do not fit the 16 of a tile.
    assert products[2:4] == pytest.approx([36 * 17.1e-6, 12 * 17.1e-6], rel=1e-3)
    for here, there in zip(products[1:], logged[1:], strict=True):
        assert here == pytest.approx(there * 1e-9, rel=0.7)


def test_time_of_a_node_is_that_of_its_slowest_layer() -> None:
    # 50 steps of 17.1 us, and of each layer before and after one step and one product of its input.
    longest = 50 * 17.1e-6
    assert longest < on_puma("NMT-L3").totals.expected_s < on_puma("NMT-L5").totals.expected_s < 1.5 * longest


def hermes(overlap: Overlap = "products") -> Device:
    """Without the link through an FPGA, which the paper leaves out of its figures."""
    chip = load_device("ibm_hermes")
    assert chip.arrays is not None
    assert chip.arrays.overlap == "products"
    *buffers, link = chip.levels
    free = replace(link, achieved_bytes_per_s=None, peak_bytes_per_s=None)
    return replace(chip, arrays=replace(chip.arrays, overlap=overlap), levels=(*buffers, free))


def hermes_step(overlap: Overlap = "products") -> hwcost.Report:
    # 4 * 504 * (128 + 504) weights and biases, with the layer of words 1.30 M, as published.
    sizes = {"hidden_size": 504, "input_size": 128, "num_layers": 1}
    return hwcost.analyze(
        "lstm", device=hermes(overlap), dtype="float16", order="streaming", seq_len=100, settings=sizes
    )


def test_a_step_of_hermes() -> None:
    step = hermes_step().steps.steady
    # Input and state pass their arrays at the same time.
    assert step.expected_s == pytest.approx(1.43e-6, rel=0.1)
    # Arrays alone: 24 of 13.2 nJ * 4 phases. What was measured holds clocks and idle cores as well.
    assert 24 * 4 * 13.2e-9 < step.energy_j < 5.24e-6


def test_products_of_input_and_state_are_one() -> None:
    own = hermes().arrays
    assert own is not None
    saved = hermes_step("none").steps.steady.expected_s - hermes_step().steps.steady.expected_s
    assert saved == pytest.approx(interval_s(own, 8))


def test_a_step_waits_for_a_slow_link() -> None:
    # Its 504 results of 2 byte over 1 GB/s take longer than what is left of the step.
    sizes = {"hidden_size": 504, "input_size": 128, "num_layers": 1}
    report = hwcost.analyze(
        "lstm", device="ibm_hermes", dtype="float16", order="streaming", seq_len=100, settings=sizes
    )
    steps = [c for c in report.costs if c.traffic.work.op.name == "torch.lstm.step"]
    assert steps[1].expected_s / steps[1].traffic.calls == pytest.approx(504 * 2 / 1e9)


def test_energy_of_a_step_that_takes_all_cores_of_hermes() -> None:
    # The published 5.24 uJ may be of the captioning model, 4.08 M weights on 64 cores: 512 units over 512
    # inputs take 32 of them, 3,860 words the other 32. Products: 64 * 4 * 13.2 nJ = 3.38 uJ.
    with torch.device("meta"):
        module = Lstm(1, 512, 3860, inputs=512)
        report = hwcost.analyze(
            (module, torch.empty(20, 1, 512)),
            device="ibm_hermes",
            dtype="float16",
            order="streaming",
            seq_len=20,
        )
    assert report.trace.parameters == pytest.approx(4.08e6, rel=0.001)
    assert report.lints[0].startswith("Weights take 64 of 64 arrays")
    assert 3.38e-6 < report.steps.steady.energy_j < 5.24e-6


def test_why_a_step_of_hermes_reaches_little_of_the_peak() -> None:
    report = hermes_step()
    step = report.steps.steady
    # Of the peak in one phase: all of 64 cores busy, all of the time.
    assert 0.01 < step.flops / step.expected_s / 63.1e12 < 0.09
    cores, cells = 24 / 64, 4 * 504 * 632 / (24 * 65536)
    busy = interval_s(load_device("ibm_hermes").arrays, 8) / step.expected_s  # type: ignore[arg-type]
    assert report.lints[0].startswith("Weights take 24 of 64 arrays, 81%")
    # Cores that hold weights * cells that are filled * time in arrays, both products at once.
    assert step.macs * 2 / step.expected_s / 16.13e12 == pytest.approx(cores * cells * busy, rel=0.01)
