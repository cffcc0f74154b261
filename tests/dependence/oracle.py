"""What a real module's outputs depend on: each input time is changed in turn, and what moves is seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from hwcost.dependence import Sight, TimeAxis, sight
from hwcost.graph import Trace, leaves
from hwcost.tracing.tracer import trace

DRAWS = 12
"""Random weights and inputs that are tried: one draw may hide a dependence behind a ReLU."""


class Contiguous(nn.Module):
    """A module whose output lies in memory as it reads."""

    def __init__(self, inner: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).clone(memory_format=torch.contiguous_format)


def moved(make: Callable[[], Callable[[Tensor], Tensor]], shape: tuple[int, ...], axis: int) -> np.ndarray:
    """changes[s, element]: whether the element of the output moves when input time s does."""
    torch.set_num_threads(1)  # for modules as small as these, threads cost more than they save
    changes = None
    for seed in range(DRAWS):
        torch.manual_seed(seed)
        module = Contiguous(make()).double().eval()
        with torch.no_grad():
            for weight in module.parameters():
                weight.normal_(0, 0.7)
            x = torch.randn(shape, dtype=torch.float64)
            plain = module(x).flatten()
            rows = []
            for s in range(shape[axis]):
                changed = x.clone()
                changed.select(axis, s).normal_(0, 2)
                rows.append((module(changed).flatten() != plain).numpy())
        found = np.stack(rows)
        changes = found if changes is None else changes | found
    assert changes is not None
    return changes


def seen(
    make: Callable[[], Callable[[Tensor], Tensor]], shape: tuple[int, ...], axis: int
) -> tuple[Sight, Trace]:
    """What hwcost says of the same module, and the trace that it says it of."""
    recorded = trace(Contiguous(make()), torch.randn(shape))
    entries = {t.storage.id: t.storage for op, _ in leaves(recorded.items) for t in op.inputs}
    key = next(key for key, it in entries.items() if it.role == "input")
    stride = int(np.prod(shape[axis + 1 :]))
    (found,) = sight(recorded, time={key: TimeAxis(stride=stride, size=shape[axis])})
    return found, recorded


def assert_exact(make: Callable[[], Callable[[Tensor], Tensor]], shape: tuple[int, ...], axis: int) -> Sight:
    """hwcost's first and last times are those of what really moves."""
    changes = moved(make, shape, axis)
    found, _ = seen(make, shape, axis)
    steps = np.arange(shape[axis])[:, None]
    earliest = np.where(changes, steps, np.inf).min(0)
    latest = np.where(changes, steps, -np.inf).max(0)
    np.testing.assert_array_equal(found.earliest, earliest)
    np.testing.assert_array_equal(found.latest, latest)
    assert not found.assumed
    return found
