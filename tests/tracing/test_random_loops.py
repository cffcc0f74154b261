"""Random recurrences: rolled up into loops they cost, op by op, what they cost as they were recorded."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import hwcost
from hwcost.graph import Loop, Op, Trace, Tree, leaves
from hwcost.rules.count import count
from hwcost.tracing import tracer

STEPS: list[Callable[[Any, torch.Tensor, torch.Tensor], torch.Tensor]] = [
    lambda _, a, b: torch.mm(a, b),
    lambda _, a, b: a + b,
    lambda _, a, b: b * a,
    lambda _, a, b: torch.tanh(b),
    lambda self, _, b: self.linear(b),
    lambda self, _, b: torch.mm(self.w, b),
    lambda self, a, b: torch.addmm(a, self.w, b),
    lambda _, a, b: a.t() @ b,
    lambda _, a, b: torch.cat([a, b])[2:6],
    lambda self, a, b: self.cell(a, b),
    lambda _, a, b: b.softmax(-1) @ a,
    lambda _, a, b: b.clone().add_(a),
]


class Recurrence(nn.Module):
    """States of [4, 4] changed by a few steps each round; some read an old state beside its new one."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        pick = random.Random(seed)
        self.linear, self.cell, self.w = nn.Linear(4, 4), nn.GRUCell(4, 4), nn.Parameter(torch.zeros(4, 4))
        self.states, self.rounds, self.times = pick.randint(2, 4), pick.randint(2, 9), pick.choice([1, 1, 2])
        self.reads_input, self.swaps = pick.random() < 0.6, pick.random() < 0.3
        self.keeps = pick.choice(["nothing", "list", "buffer"])
        self.program = [
            (pick.choice(STEPS), *(pick.randrange(self.states + place) for place in (1, 1, 0)))
            for _ in range(pick.randint(1, 5))
        ]

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        states, kept = [torch.zeros(4, 4) for _ in range(self.states)], []
        buffer = torch.zeros(self.rounds, 4, 4)
        for t in list(range(self.rounds)) * self.times:
            given = x[t] if self.reads_input else self.w
            for step, first, second, target in self.program:
                values = [*states, given]
                states[target] = step(self, values[first], values[second])
            if self.swaps:
                states[0], states[-1] = states[-1], states[0]
            if self.keeps == "list":
                kept.append(states[0])
            elif self.keeps == "buffer":
                buffer[t] = states[0]
        return states[-1] + states[0], buffer, *kept


def costs(trace: Trace) -> tuple[int, ...]:
    works = list(leaves(count(trace.items)))
    return tuple(
        sum(getattr(work, name) * calls for work, calls in works)
        for name in ("macs", "vector_ops", "special_ops", "read_bytes", "write_bytes", "kernels")
    )


def unrolled(ops: list[Op]) -> Tree[Op]:
    return tuple(ops)


SEEDS = range(60)


def test_a_rolled_recurrence_costs_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    loops = 0
    for seed in SEEDS:
        model = Recurrence(seed)
        x = torch.zeros(model.rounds, 4, 4)
        rolled = hwcost.trace(model, x)
        loops += any(isinstance(item, Loop) for item in rolled.items)
        with monkeypatch.context() as patched:
            patched.setattr(tracer, "rolled", unrolled)
            assert costs(rolled) == costs(hwcost.trace(model, x)), seed
    assert loops > len(SEEDS) / 2


def test_an_old_state_beside_the_new_one_is_another_tensor() -> None:
    """y = h' - h reads both: 10 rounds of W h (W and h) and the difference (h' and h), 16 numbers each."""

    class Difference(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.zeros(4, 4))

        def forward(self, h: torch.Tensor) -> torch.Tensor:
            changes = []
            for _ in range(10):
                after = F.relu(self.w @ h)
                changes.append(after - h)
                h = after
            return torch.stack(changes)

    items = hwcost.trace(Difference(), torch.zeros(4, 4)).items
    by_name = {work.op.name: (work.read_bytes, calls) for work, calls in leaves(count(items))}
    assert by_name["aten.mm"] == by_name["aten.sub"] == (128, 10)
