"""The micro-benchmarks of common ops that are no products: their start, and the time of an element."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import torch
from torch import nn

from hwcost.calibration.bench import Bench
from hwcost.calibration.benches import start_benches
from hwcost.calibration.reading import MIXED
from hwcost.devices.kernels import POOLS

CHANNELS: Final = 64
WINDOW: Final = 3

SMALL, LARGE = 4, 40
"""Sides of the images: 1,024 and 102,400 elements, which caches hold."""

MAKERS: Final[Mapping[str, Callable[[int], nn.Module]]] = {
    "gelu": lambda _: nn.GELU(),
    "silu": lambda _: nn.SiLU(),
    "softmax": lambda _: nn.Softmax(-1),
    "layer_norm": nn.LayerNorm,
    "batch_norm": lambda _: nn.BatchNorm2d(CHANNELS),
    "max_pool": lambda _: nn.MaxPool2d(WINDOW, stride=1, padding=1),
    "avg_pool": lambda _: nn.AvgPool2d(WINDOW, stride=1, padding=1),
}
"""By kernel of `hwcost.devices.kernels`: the module for images of so many columns."""


def vector_benches(device: str) -> Iterator[Bench]:
    """A small and a large call of each: sizes (elements)."""
    for name, make in MAKERS.items():
        for side in (SMALL, LARGE):
            elements = CHANNELS * side**2 * (WINDOW**2 if name in POOLS else 1)
            yield Bench(kind=name, sizes=(elements,), work=elements, make=partial(_call, device, make, side))


def mixed_bench(device: str) -> Bench:
    """One round of the small calls that are timed each alone as well."""
    benches = [*start_benches(device), *vector_benches(device)]
    smallest = [min((b for b in benches if b.kind == kind), key=lambda b: b.work) for kind in MIXED]

    def make() -> Callable[[], object]:
        calls = [bench.make() for bench in smallest]
        return lambda: [call() for call in calls]

    return Bench(kind="mixed", sizes=(), work=0, make=make)


def _call(device: str, make: Callable[[int], nn.Module], side: int) -> Callable[[], object]:
    x = torch.randn(1, CHANNELS, side, side, device=device)
    return partial(make(side).to(device).eval(), x)
