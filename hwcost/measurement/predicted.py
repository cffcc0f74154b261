"""What a pass is predicted to take when it follows another one, so that caches hold what they can."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from hwcost.devices import Device
from hwcost.graph import Trace
from hwcost.passes import later, passes
from hwcost.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Seconds, bound and flops of a module in one pass."""

    expected_s: float
    bound: str
    flops: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One pass among many: whole, and by module path. report: of one pass alone, whose caches are cold."""

    whole: Part
    modules: Mapping[str, Part]
    report: Report


def predicted(trace: Trace, device: Device) -> Prediction:
    """The mean of the passes after the first."""
    both = passes(trace, device)
    alone, together = both.alone, both.together
    cold, warm = _by_module(alone), _by_module(together)
    modules = {
        module: Part(
            expected_s=later(warm[module], cold.get(module, 0.0)),
            bound=_bound(alone, module),
            flops=sum(layer.sum.flops for layer in alone.layers if layer.module == module),
        )
        for module in warm
    }
    whole = Part(expected_s=both.expected_s, bound=together.bound, flops=alone.totals.flops)
    return Prediction(whole=whole, modules=modules, report=alone)


def _by_module(report: Report) -> Mapping[str, float]:
    seconds: dict[str, float] = defaultdict(float)
    for layer in report.layers:
        seconds[layer.module] += layer.sum.expected_s
    return seconds


def _bound(report: Report, module: str) -> str:
    layers = [layer for layer in report.layers if layer.module == module]
    return max(layers, key=lambda layer: layer.sum.expected_s).sum.bound if layers else "free"
