"""Layers mapped onto arrays, moved and priced, per second (NeuroSim 0.026, CiMLoop 1469, as published)."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Final

from benchmarks.result import Result
from hwcost.api import analyze
from hwcost.devices import load_device
from hwcost.graph import leaves
from hwcost.kinds.registry import move, place, price
from hwcost.load import load_trace
from hwcost.memory.reuse import reuse
from hwcost.rules.count import count

MODELS: Final = ("lstm", "tcn", "transformer_encoder", "resnet50")
DEVICES: Final = ("cim_edge", "isaac")

NEUROSIM, CIMLOOP = 0.026, 1469.0
"""Layers per second as published with CiMLoop (Andrulis et al., ISPASS 2024, arXiv:2405.07259), which tries
many mappings of a layer and models its circuits; here a layer has one mapping, worked out in closed form."""

GOAL_S: Final = 0.1
"""A whole model on a chip, after tracing."""


def results(repeats: int) -> Iterator[Result]:
    """Layers per second, and seconds of a whole analysis of a model that is traced already."""
    for device in map(load_device, DEVICES):
        for name in MODELS:
            trace = load_trace(name)
            works = count(trace.items)
            layers = sum(bool(work.macs) for work, _ in leaves(works))
            rates, seconds = [], []
            for _ in range(repeats):
                start = perf_counter()
                price(move(reuse(place(works, device)), device), device)
                rates.append(layers / (perf_counter() - start))
                start = perf_counter()
                analyze(trace, device=device)
                seconds.append(perf_counter() - start)
            note = f"{layers} layers with products; published: NeuroSim {NEUROSIM}, CiMLoop {CIMLOOP:g}"
            yield Result(what=f"{name} on {device.name}: layers", values=rates, unit="/s", note=note)
            yield Result(what=f"{name} on {device.name}: analysis", values=seconds, unit="s", goal=GOAL_S)
