"""Published workloads on chips that compute in memory: traces as torch makes them, ratios and steps."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

import hwcost
from hwcost.devices import load_device
from hwcost.graph import Trace
from hwcost.kinds.crossbar.nodes import nodes, nodes_for
from hwcost.validation import recorded, validated
from hwcost.validation.datasets import table
from hwcost.validation.result import Claim
from hwcost.validation.workloads import hermes, network, speedup, step_of_hermes

SIZES = {row["name"]: row for row in table("puma_workloads.csv")}


class Lstm(nn.Module):
    def __init__(self, layers: int, inputs: int, hidden: int, projection: int, words: int) -> None:
        super().__init__()
        self.stack = nn.LSTM(inputs, hidden, num_layers=layers, proj_size=projection)
        self.words = nn.Linear(projection or hidden, words)

    def forward(self, x: Tensor) -> Tensor:
        words: Tensor = self.words(self.stack(x)[0])
        return words


def mlp(*widths: int) -> nn.Module:
    pairs = pairwise(widths)
    return nn.Sequential(*(layer for pair in pairs for layer in (nn.Linear(*pair), nn.Sigmoid())))


def vgg(*channels: int) -> nn.Module:
    layers: list[nn.Module] = []
    before = 3
    for here in channels:
        layers += [nn.Conv2d(before, here, 3, padding=1), nn.ReLU()] if here else [nn.MaxPool2d(2)]
        before = here or before
    side = 224 // 2 ** channels.count(0)
    ends = (nn.Linear(before * side**2, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU())
    return nn.Sequential(*layers, nn.Flatten(), *ends, nn.Linear(4096, 1000))


def by_torch(module: nn.Module, *shape: int) -> Trace:
    return hwcost.trace(module, torch.empty(*shape, device="meta"))


PAIRS = {
    "mlp": lambda: (recorded.mlp("mlp", (64, 200, 48)), by_torch(mlp(64, 200, 48).to("meta"), 1, 64)),
    "vgg": lambda: (
        recorded.vgg("vgg", (16, 24, 0, 32, 0, 32, 0)),
        by_torch(vgg(16, 24, 0, 32, 0, 32, 0).to("meta"), 1, 3, 224, 224),
    ),
    "lstm": lambda: (
        recorded.language_model("l", layers=2, inputs=96, hidden=64, projection=0, words=500, steps=7),
        by_torch(Lstm(2, 96, 64, 0, 500).to("meta"), 7, 1, 96),
    ),
    "projected lstm": lambda: (
        recorded.language_model("l", layers=2, inputs=96, hidden=64, projection=32, words=500, steps=7),
        by_torch(Lstm(2, 96, 64, 32, 500).to("meta"), 7, 1, 96),
    ),
}


@pytest.mark.parametrize("device", ["p100_pcie", "puma"])
@pytest.mark.parametrize("name", PAIRS)
def test_traces_cost_what_those_of_torch_cost(name: str, device: str) -> None:
    own, torchs = PAIRS[name]()
    assert (own.parameters, own.weight_bytes) == (torchs.parameters, torchs.weight_bytes)
    dtype = "int16" if device == "puma" else None
    a, b = (hwcost.analyze(trace, device=device, dtype=dtype).totals for trace in (own, torchs))
    assert (a.macs, a.flops, a.bytes, a.calls) == (b.macs, b.flops, b.bytes, b.calls)
    assert a.expected_s == pytest.approx(b.expected_s, rel=1e-12)


def test_a_stream_costs_what_that_of_the_ready_made_model_costs() -> None:
    sizes = {"hidden_size": 504, "input_size": 128, "num_layers": 1}
    step = hwcost.analyze(
        "lstm", device=hermes(), dtype="float16", order="streaming", seq_len=100, settings=sizes
    ).steps.steady  # type: ignore[union-attr]
    assert step is not None
    assert step_of_hermes(128, 504) == pytest.approx((step.expected_s, step.energy_j), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "weights"),
    [("MLP-L4", 5.25e6), ("MLP-L5", 21e6), ("NMT-L3", 91.3e6), ("NMT-L5", 124.8e6), ("VGG16", 138.4e6)],
)
def test_weights_are_those_of_the_source(name: str, weights: float) -> None:
    assert network(SIZES[name]).parameters == pytest.approx(weights, rel=0.005)


def test_nodes_hold_the_networks() -> None:
    # 2208 units of 16,384 weights are 36.2 M weights: 5.3 M take one node, 1.02 * 138.4 M take four.
    puma = load_device("puma")
    counts = {name: nodes_for(puma, network(SIZES[name]).parameters) for name in ("MLP-L4", "VGG16")}
    assert counts == {"MLP-L4": 1, "VGG16": 4}
    for row in SIZES.values():
        trace = network(row)
        whole = nodes(puma, nodes_for(puma, trace.parameters))
        assert hwcost.analyze(trace, device=whole, dtype="int16").resident == 1


def test_ratios_and_their_order_are_those_of_the_product() -> None:
    found = {one.name: one for one in validated("puma_workloads")[1] if isinstance(one, Claim)}
    assert found["NMT-L3"].ours == pytest.approx(speedup(network(SIZES["NMT-L3"])))
    means = [
        (found[a].ours * found[b].ours) ** 0.5
        for a, b in (("NMT-L3", "NMT-L5"), ("LSTM-2048", "BigLSTM"), ("VGG16", "VGG19"), ("MLP-L4", "MLP-L5"))
    ]
    for name, (more, less) in zip(
        ("deep LSTM/wide LSTM", "wide LSTM/CNN", "CNN/MLP"), pairwise(means), strict=True
    ):
        assert found[name].ours == pytest.approx(more / less)
        assert found[name].holds is (more > less)


def test_published_ratios() -> None:
    ranges = {(row["class"], row["low"], row["high"]) for row in SIZES.values()}
    assert ranges == {
        ("deep LSTM", "41.6", "66"),
        ("wide LSTM", "4.7", "5.24"),
        ("CNN", "2.73", "2.99"),
        ("MLP", "0.24", "0.40"),
    }
