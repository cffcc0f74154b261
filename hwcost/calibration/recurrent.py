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
PACKED: Final = (192, 384, 448, 576, 704, 960, 1216, 1472, 2240)
"""Hidden sizes, and inputs, of layers whose packing is timed: 1.2 to 161 MB for an LSTM.

Multiples of 64, as most layers have: others are packed in about half the time on a CPU with AVX-512."""

PACK_STEPS: Final = (1, 5)
NARROW, WIDE_BATCH = 64, 16
"""Hidden size and batch of a layer whose time goes to its elements, not to its product."""

STEPS: Final = {1: (2, 42), 4: (2, 22), 8: (2, 22), 16: (2, 12), 64: (2, 8)}
"""Few and many steps, by batch: the difference takes about as long for each."""

FLOAT_BYTES: Final = 4


def recurrent_benches(device: str, weight_bytes: tuple[int, ...]) -> Iterator[Bench]:
    """The smallest layers and cells, and narrow ones; LSTMs with weights and batches of each size.

    oneDNN multiplies packed weights in an LSTM; the others multiply as any product does.
    """
    for kind, (_, gates) in KINDS.items():
        yield from _pair(device, kind, f"{kind} steps", 1, 0, TINY, (2, 202))
        yield from _pair(device, kind, f"{kind} narrow", WIDE_BATCH, 0, NARROW, (2, 102))
        for size in weight_bytes if kind == "lstm" else ():
            hidden = max(16, 16 * round((size / FLOAT_BYTES / gates) ** 0.5 / 16))
            for batch, steps in STEPS.items():
                yield from _pair(device, kind, f"{kind} steps", batch, size, hidden, steps)
        for hidden in PACKED if kind == "lstm" and device == "cpu" else ():
            yield from _pair(device, kind, f"{kind} pack", 1, hidden, hidden, PACK_STEPS, inputs=hidden)
        for hidden, batch in ((TINY, 1), (NARROW, WIDE_BATCH)):
            make = partial(_cell, device, kind, hidden, batch)
            yield Bench(kind=f"{kind} cell", sizes=(hidden, batch), work=0, make=make)


def _pair(
    device: str,
    kind: str,
    name: str,
    batch: int,
    size: int,
    hidden: int,
    steps: tuple[int, int],
    inputs: int = INPUTS,
) -> Iterator[Bench]:
    for count in steps:
        yield Bench(
            kind=name,
            sizes=(batch, size, hidden, count),
            work=0,
            make=partial(_layer, device, kind, batch, inputs, hidden, count),
        )


def _layer(device: str, kind: str, batch: int, inputs: int, hidden: int, steps: int) -> Callable[[], object]:
    make, _ = KINDS[kind]
    layer = make(inputs, hidden).to(device).eval()
    return partial(layer, torch.randn(steps, batch, inputs, device=device))


def _cell(device: str, kind: str, hidden: int, batch: int) -> Callable[[], object]:
    cell = CELLS[kind](TINY, hidden).to(device).eval()
    x = torch.randn(batch, TINY, device=device)
    state: object = torch.zeros(batch, hidden, device=device)
    return partial(cell, x, (state, state) if kind == "lstm" else state)
