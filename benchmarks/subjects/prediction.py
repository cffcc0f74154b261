"""Predicted over measured times on this machine, one thread, after a calibration: 75 models and 50 others.

HWCOST_PROFILE names a profile that `hwcost calibrate --threads 1` wrote; else one is measured first.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import exp, log
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Final

import torch

from benchmarks.cases import Case, cases
from benchmarks.other_cases import other_cases
from benchmarks.result import Result
from hwcost.calibration import calibrated, profile_text
from hwcost.calibration.allocator import keep_freed_memory
from hwcost.calibration.clock import timed
from hwcost.devices import Device, load_device
from hwcost.load import trace_module
from hwcost.measurement.predicted import predicted

FACTOR_GOAL: Final = 1.15
FAR: Final = 1.5
FAR_GOAL: Final = 0.05
BUDGET_S: Final = 0.3


def results(repeats: int) -> Iterator[Result]:
    """The error factor by family and of all; the share that is off by more than FAR; the farthest ones.

    Goals are set for `cases`; those of `other_cases` have other shapes and kinds of layers.
    """
    device = _device()
    torch.set_num_threads(1)
    keep_freed_memory()
    yield from _results_of("", list(cases()), device, repeats, FACTOR_GOAL, FAR_GOAL)
    yield from _results_of("other shapes: ", list(other_cases()), device, repeats, None, None)


def _results_of(
    group: str,
    of_group: Sequence[Case],
    device: Device,
    repeats: int,
    factor_goal: float | None,
    far_goal: float | None,
) -> Iterator[Result]:
    measured = _measured(of_group, repeats)
    pairs = {case.name: (_predicted_s(case, device), measured[case.name]) for case in of_group}
    families = {case.name: case.family for case in of_group}
    ratios = {name: predicted_s / measured_s for name, (predicted_s, measured_s) in pairs.items()}
    for family in dict.fromkeys(families.values()):
        of = [ratio for name, ratio in ratios.items() if families[name] == family]
        note = f"{len(of)} cases, median predicted/measured {median(of):.2f}"
        yield Result(what=f"{group}{family}: error factor", values=[factor(of)], unit="x", note=note)
    far = [name for name, ratio in ratios.items() if max(ratio, 1 / ratio) > FAR]
    yield Result(
        what=f"{group}share off by more than {FAR}x",
        values=[len(far) / len(ratios)],
        unit="",
        goal=far_goal,
        note="; ".join(_shown(name, pairs) for name in sorted(far, key=lambda name: -abs(log(ratios[name])))),
    )
    yield Result(
        what=f"{group}error factor of {len(ratios)} cases",
        values=[factor(list(ratios.values()))],
        unit="x",
        goal=factor_goal,
        note="exp(mean |ln(predicted/measured)|)",
    )


def factor(ratios: Sequence[float]) -> float:
    """exp(mean |ln ratio|)."""
    return exp(sum(abs(log(ratio)) for ratio in ratios) / len(ratios))


def _shown(name: str, pairs: Mapping[str, tuple[float, float]]) -> str:
    predicted_s, measured_s = pairs[name]
    return f"{name}: {predicted_s:.3g} s for {measured_s:.3g} s"


def _device() -> Device:
    if path := os.environ.get("HWCOST_PROFILE"):
        return load_device(path)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "this_machine.yaml"
        file.write_text(profile_text(calibrated(threads=1)), encoding="utf-8")
        return load_device(file)


def _predicted_s(case: Case, device: Device) -> float:
    module, x = case.make()
    return predicted(trace_module(module.eval(), (x,), name=case.name), device).whole.expected_s


def _measured(of_group: Sequence[Case], repeats: int) -> Mapping[str, float]:
    """Seconds of one pass of each: the fastest of `repeats` sittings, all cases in each.

    So a case comes again after a minute, in other memory: what other programs and virtual machines do for
    some seconds, and how the heap happens to lie, does not decide.
    """
    found: dict[str, float] = {}
    for _ in range(repeats):
        for case in of_group:
            torch.manual_seed(0)
            module, x = case.make()
            module.eval()
            with torch.inference_mode():
                seconds = timed(partial(module, x), budget_s=BUDGET_S / repeats, clock=thread_time).seconds
            found[case.name] = min(seconds, found.get(case.name, seconds))
    return found
