"""Networks on chips that compute in memory: PUMA against a Pascal GPU, and a step of HERMES."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from math import inf, prod
from typing import Final

from hwcost.api import analyze
from hwcost.devices import Device, load_device
from hwcost.graph import Trace
from hwcost.kinds.crossbar.nodes import nodes, nodes_for
from hwcost.kinds.crossbar.parts import arrays_of
from hwcost.validation import recorded
from hwcost.validation.card import Row
from hwcost.validation.datasets import table
from hwcost.validation.result import Claim

PUMA, GPU, HERMES = "puma", "p100_pcie", "ibm_hermes"

STEPS: Final = 50
"""Of a sequence on PUMA; the paper does not say how many."""

STREAM_STEPS: Final = 100
"""So many steps on HERMES that one in the middle is like all others."""

NOTE: Final = (
    f"times on a P100 in float32 with fused recurrent layers over those on PUMA in int16, on as many nodes as"
    f" hold the network, {STEPS} steps; a product on PUMA takes what its published peak makes of it, and"
    " tiles take turns as its authors' simulator logged it for four layers"
)


def puma_claims(dataset: str) -> tuple[Claim, ...]:
    """How many times as fast as the GPU each network is, and in which order their classes come."""
    rows = table(f"{dataset}.csv")
    speedups = {row["name"]: speedup(network(row)) for row in rows}
    single = tuple(
        _ratio(dataset, row["name"], float(row["low"]), float(row["high"]), speedups[row["name"]])
        for row in rows
    )
    means = {
        kind: _mean([speedups[row["name"]] for row in rows if row["class"] == kind])
        for kind in dict.fromkeys(row["class"] for row in rows)
    }
    order = tuple(
        _ratio(dataset, f"{more}/{less}", 1.0, inf, means[more] / means[less])
        for more, less in pairwise(means)
    )
    return (*single, *order)


def speedup(trace: Trace) -> float:
    """Time on the GPU, in float32 with fused recurrent layers, over time on PUMA, in int16."""
    puma = load_device(PUMA)
    there = analyze(trace, device=nodes(puma, nodes_for(puma, trace.parameters)), dtype="int16")
    return analyze(trace, device=GPU).totals.expected_s / there.totals.expected_s


def network(row: Row) -> Trace:
    """A network of PUMA's by its row."""
    name, sizes = row["name"], [int(size) for size in row["sizes"].split()]
    if row["class"] == "MLP":
        return recorded.mlp(name, sizes)
    if row["class"] == "CNN":
        return recorded.vgg(name, sizes)
    layers, inputs, hidden, projection, words = sizes
    return recorded.language_model(
        name, layers=layers, inputs=inputs, hidden=hidden, projection=projection, words=words, steps=STEPS
    )


def hermes_claims(dataset: str) -> tuple[Claim, ...]:
    """Time and energy of a step that is neither the first nor the last, all weights on the chip."""
    return tuple(claim for row in table(f"{dataset}.csv") for claim in _step_claims(dataset, row))


def hermes() -> Device:
    """The chip with a link through its FPGA that costs no time: the published figures leave it out."""
    chip = load_device(HERMES)
    *buffers, link = chip.levels
    return replace(chip, levels=(*buffers, replace(link, achieved_bytes_per_s=None, peak_bytes_per_s=None)))


def step_of_hermes(inputs: int, hidden: int) -> tuple[float, float]:
    """Seconds and joules of one step of an LSTM whose inputs arrive one by one.

    Raises:
        ValueError: the profile does not say what energy it takes.
    """
    trace = recorded.lstm_stream("lstm", inputs, hidden, STREAM_STEPS)
    steps = analyze(trace, device=hermes(), dtype="float16").steps
    if steps is None or steps.steady is None or steps.steady.energy_j is None:
        raise ValueError(f"{HERMES} has no energy of a step")
    return steps.steady.expected_s, steps.steady.energy_j


def _step_claims(dataset: str, row: Row) -> Iterator[Claim]:
    seconds, joules = step_of_hermes(int(row["inputs"]), int(row["hidden"]))
    for column, unit, ours, note in (("time_s", "s", seconds, row["note"]), ("energy_j", "J", joules, "")):
        yield Claim(
            dataset=dataset,
            name=row["name"],
            device=HERMES,
            low=float(row[column]),
            high=float(row[column]),
            ours=ours,
            unit=unit,
            basis="prediction",
            evidence=arrays_of(load_device(HERMES)).proof,
            note=note,
        )


def _ratio(dataset: str, name: str, low: float, high: float, ours: float) -> Claim:
    return Claim(
        dataset=dataset,
        name=name,
        device=PUMA,
        low=low,
        high=high,
        ours=ours,
        unit="x",
        basis="prediction",
        evidence=arrays_of(load_device(PUMA)).proof,
        note=NOTE,
    )


def _mean(values: list[float]) -> float:
    """The geometric mean."""
    return float(prod(values) ** (1 / len(values)))
