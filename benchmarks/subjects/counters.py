"""Counting beside torch's FlopCounterMode and fvcore: their time over hwcost's, and what each counts."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import hwcost
from benchmarks.clock import rounds
from benchmarks.models import Case, bert, resnet50
from benchmarks.result import Result, ratio
from hwcost.graph import leaves
from hwcost.models import build
from hwcost.rules.count import count

STEPS: Final = 100
WIDTH: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """A model on meta and the same on the CPU, with the MACs that a formula gives or None.

    fvcore runs on `fvcore_case`: its tracer fails on the convolutions of meta tensors.
    """

    case: Case
    fvcore_case: Case
    formula: int | None = None


def by_hwcost(case: Case) -> int:
    """Multiply-accumulates by a trace and the rules."""
    trace = hwcost.trace(case.model, *case.inputs, **case.keywords)
    return sum(work.macs * calls for work, calls in leaves(count(trace.items)))


def by_torch(case: Case) -> int:
    """Multiply-accumulates by FlopCounterMode, which counts two operations for each."""
    with FlopCounterMode(display=False) as counter:
        case.forward()
    return int(counter.get_total_flops()) // 2


def by_fvcore(case: Case) -> int:
    """Multiply-accumulates by fvcore, which calls them flops."""
    analysis = FlopCountAnalysis(case.model, (*case.inputs, *case.keywords.values()))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    return int(analysis.total())


def lstm(device: str) -> Case:
    """Two LSTM layers over a hundred steps."""
    with torch.device(device):
        return Case(
            model=nn.LSTM(WIDTH, WIDTH, 2).eval(), inputs=(torch.zeros(STEPS, 1, WIDTH),), keywords={}
        )


def with_weights(case: Case) -> Case:
    """The same model and inputs on the CPU, all zeros."""
    model = case.model.to_empty(device="cpu")
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data.zero_()
    inputs = tuple(torch.zeros_like(x, device="cpu") for x in case.inputs)
    return Case(model=model, inputs=inputs, keywords={})


def transformer() -> Case:
    """The ready-made encoder over a hundred positions."""
    model, inputs = build("transformer_encoder", seq_len=STEPS, batch=None, settings={})
    return Case(model=model, inputs=inputs, keywords={})


def contests() -> Mapping[str, Callable[[], Contest]]:
    """The models; those with a formula are the ones on which the other two fail."""
    macs = 2 * STEPS * 4 * WIDTH * (WIDTH + WIDTH)
    return {
        "BERT base": lambda: Contest(case=bert(), fvcore_case=bert()),
        "ResNet-50": lambda: Contest(case=resnet50(), fvcore_case=with_weights(resnet50())),
        "transformer_encoder": lambda: Contest(case=transformer(), fvcore_case=transformer()),
        "LSTM on meta": lambda: Contest(case=lstm("meta"), fvcore_case=lstm("meta"), formula=macs),
        "LSTM on CPU": lambda: Contest(case=lstm("cpu"), fvcore_case=lstm("cpu"), formula=macs),
    }


def results(repeats: int) -> Iterator[Result]:
    """Per model: two ratios of time, and by how many MACs hwcost is off the mark."""
    torch.set_num_threads(1)  # a CPU that others use as well makes its threads wait for each other
    for name, make in contests().items():
        contest = make()
        counters = {
            "hwcost": partial(by_hwcost, contest.case),
            "FlopCounterMode": partial(by_torch, contest.case),
            "fvcore": partial(by_fvcore, contest.fvcore_case),
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch.jit.trace and of recurrent weights on meta
            counts = {counter: call() for counter, call in counters.items()}
            seconds = rounds(counters, repeats)
        for other in ("FlopCounterMode", "fvcore"):
            yield ratio(f"{name}: {other} / hwcost", seconds[other], seconds["hwcost"])
        target = counts["FlopCounterMode"] if contest.formula is None else contest.formula
        yield Result(
            what=f"{name}: MACs off {'FlopCounterMode' if contest.formula is None else 'the formula'}",
            values=[abs(counts["hwcost"] - target)],
            unit="",
            goal=0.0,
            note=", ".join(f"{counter} {macs:,}" for counter, macs in counts.items()),
        )
