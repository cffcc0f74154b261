"""The micro-benchmarks of recurrent layers: each with few and with many steps, whose difference is steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import torch

from hwcost.calibration.bench import Bench
from hwcost.calibration.kernels import INPUTS

KINDS: Final = {"lstm": (torch.nn.LSTM, 4), "gru": (torch.nn.GRU, 3), "rnn": (torch.nn.RNN, 1)}
"""Module and gates."""

CELLS: Final = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}
TINY: Final = 8
NARROW, WIDE_BATCH = 64, 16
"""Hidden size and batch of a layer whose time goes to its elements, not to its product."""

STEPS: Final = {1: (2, 42), 4: (2, 22), 8: (2, 22), 16: (2, 12), 64: (2, 8)}
"""Few and many steps, by batch: the difference takes about as long for each."""

FLOAT_BYTES: Final = 4


def recurrent_benches(device: str, weight_bytes: tuple[int, ...]) -> Iterator[Bench]:
    """Layers with recurrent weights of each size and batches of each size, and the smallest ones."""
    for kind, (_, gates) in KINDS.items():
        yield from _pair(device, kind, f"{kind} steps", 1, 0, TINY, (2, 202))
        yield from _pair(device, kind, f"{kind} narrow", WIDE_BATCH, 0, NARROW, (2, 102))
        for size in weight_bytes:
            hidden = max(16, 16 * round((size / FLOAT_BYTES / gates) ** 0.5 / 16))
            for batch, steps in STEPS.items():
                yield from _pair(device, kind, f"{kind} steps", batch, size, hidden, steps)
        yield Bench(kind=f"{kind} cell", sizes=(), work=0, make=partial(_cell, device, kind))


def _pair(
    device: str, kind: str, name: str, batch: int, size: int, hidden: int, steps: tuple[int, int]
) -> Iterator[Bench]:
    for count in steps:
        yield Bench(
            kind=name,
            sizes=(batch, size, hidden, count),
            work=0,
            make=partial(_layer, device, kind, batch, hidden, count),
        )


def _layer(device: str, kind: str, batch: int, hidden: int, steps: int) -> Callable[[], object]:
    make, _ = KINDS[kind]
    layer = make(INPUTS, hidden).to(device).eval()
    return partial(layer, torch.randn(steps, batch, INPUTS, device=device))


def _cell(device: str, kind: str) -> Callable[[], object]:
    cell = CELLS[kind](TINY, TINY).to(device).eval()
    x = torch.randn(1, TINY, device=device)
    state: object = torch.zeros(1, TINY, device=device)
    return partial(cell, x, (state, state) if kind == "lstm" else state)
