"""Seconds of passes of a real module: the whole, and by leaf module through hooks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from torch import nn

Clock = Callable[[], float]


def pass_times(
    run: Callable[[], object],
    *,
    repeats: int,
    finish: Callable[[], object],
    clock: Clock = time.perf_counter,
) -> tuple[float, ...]:
    """Seconds of each pass, after two that are not counted."""
    found = []
    for _ in range(repeats + 2):
        finish()
        start = clock()
        run()
        finish()
        found.append(clock() - start)
    return tuple(found[2:])


def spread(seconds: Sequence[float]) -> float:
    """Third quartile over first; 1 of fewer than two."""
    if len(seconds) < 2:
        return 1.0
    first, _, third = quantiles(seconds, n=4, method="inclusive")
    return third / first if first else 1.0


@dataclass(slots=True)
class _Watch:
    """Seconds by module path of one pass; the start of the call that runs now."""

    clock: Clock
    finish: Callable[[], object]
    seconds: dict[str, float] = field(default_factory=dict)
    started: float = 0.0

    def start(self, *_: object) -> None:
        self.finish()
        self.started = self.clock()

    def stop(self, path: str) -> None:
        self.finish()
        self.seconds[path] = self.seconds.get(path, 0.0) + self.clock() - self.started


def module_times(
    module: nn.Module,
    run: Callable[[], object],
    *,
    repeats: int,
    finish: Callable[[], object],
    clock: Clock = time.perf_counter,
) -> Mapping[str, float]:
    """Median seconds per pass of each leaf module that is called, in order of the calls.

    The hooks are removed afterwards, also where a pass fails.
    """
    watch = _Watch(clock=clock, finish=finish)
    handles: list[Any] = []
    passes: list[dict[str, float]] = []
    try:
        for path, leaf in module.named_modules():
            if not any(leaf.children()):
                handles.append(leaf.register_forward_pre_hook(watch.start))
                handles.append(leaf.register_forward_hook(_stopper(watch, path)))
        for _ in range(repeats + 1):
            watch.seconds = {}
            run()
            passes.append(watch.seconds)
    finally:
        for handle in handles:
            handle.remove()
    counted = passes[1:]
    return {path: median(one.get(path, 0.0) for one in counted) for path in counted[0]}


def _stopper(watch: _Watch, path: str) -> Callable[..., None]:
    def stopped(*_: object) -> None:
        watch.stop(path)

    return stopped
