"""What a reader may want to mend: sentences that follow from what was measured of the libraries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from hwcost.devices.device import Device
from hwcost.kinds.processor.by_measurement import kernel_of, packed_bytes, packing_s
from hwcost.report import Cost
from hwcost.units import show

MATTERS: Final = 0.1
"""A share of the time of a pass that is worth a sentence."""

FEW_STEPS: Final = 4
"""Up to so many steps per call a cell, which packs nothing, takes the place of a layer."""


def lints(costs: Sequence[Cost], device: Device) -> tuple[str, ...]:
    """Sentences on time that goes to putting weights into another order, call by call."""
    if not device.kernels:
        return ()
    whole_s = sum(cost.expected_s for cost in costs)
    return tuple(sentence for name in ("lstm", "conv") for sentence in _packing(name, costs, device, whole_s))


def _packing(name: str, costs: Sequence[Cost], device: Device, whole_s: float) -> Iterator[str]:
    moved, seconds = 0, 0.0
    calls: dict[str, int] = defaultdict(int)
    steps: dict[str, int] = defaultdict(int)
    for cost in costs:
        work, count = cost.traffic.work, cost.traffic.calls
        found = kernel_of(work, device)
        if found is None or found[0] != name:
            continue
        kernel, packed = found[1], sum(packed_bytes(work))
        if work.op.name == "torch.lstm.step":
            steps[work.op.module] += count
        if packed and kernel.pack_s_per_byte:
            calls[work.op.module] += count
            moved += count * packed
            seconds += count * packing_s(work, kernel)
    if not seconds or seconds < MATTERS * whole_s:
        return
    amount = f"{show(moved, 'B')} of weights, {show(seconds, 's')} of {show(whole_s, 's')}"
    if name == "conv":
        yield (
            f"Convolutions pack their weights anew in each call: {amount}, as measured; a larger batch, or a"
            " runtime that keeps them packed, saves that."
        )
        return
    most = max(steps[module] / calls[module] for module in calls)
    mend = "with so few steps take nn.LSTMCell" if most <= FEW_STEPS else "more steps per call share that"
    yield f"nn.LSTM packs its weights anew in each call: {amount}, as measured; {mend}."
