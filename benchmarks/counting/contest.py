"""All counters on all models that have a sum by hand."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from typing import Final

import torch

from benchmarks.counting.alone import alone
from benchmarks.counting.counters import COUNTERS, is_installed
from benchmarks.counting.outcome import Outcome
from tests.hand_formulas.case import Maker
from tests.hand_formulas.families import makers

FAMILIES: Final = {
    "products": ("products", "ranks"),
    "convolutions": ("convolutions", "filters"),
    "recurrent": ("recurrent", "loops"),
    "attention": ("attention", "transformers"),
    "experts": ("experts",),
    "networks": ("networks",),
    "functional": ("functional",),
    "spectra": ("spectra",),
    "practical width": ("sized", "sized_transformers"),
}
"""What the tables call one or two files of sums by hand."""


def cases() -> Iterator[tuple[str, Maker, int]]:
    """(family, model, its multiply-accumulates) of every model that has any."""
    found = makers()
    for family, files in FAMILIES.items():
        for maker in (maker for file in files for maker in found[file]):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                macs = maker().macs
            if macs:
                yield family, maker, macs


def contest(names: Sequence[str] = tuple(COUNTERS)) -> Iterator[Outcome]:
    """Each installed counter's answer for each model, every one in a process of its own."""
    torch.set_num_threads(1)
    models = list(cases())
    for name in filter(is_installed, names):
        _loaded(name)
        for family, maker, macs in models:
            result, why, seconds, size = alone(partial(_count, name, maker))
            yield Outcome(
                counter=name,
                family=family,
                model=maker.__name__,
                expected=macs,
                macs=result,
                why=why,
                seconds=seconds,
                bytes=size,
            )


def _count(name: str, maker: Maker) -> float:
    torch.manual_seed(0)
    case = maker()
    return COUNTERS[name][1](case.model.eval(), case.inputs, case.named)


def _loaded(name: str) -> None:
    """Let a counter import what it needs, so that no call pays for it."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        COUNTERS[name][1](torch.nn.Linear(2, 2), (torch.zeros(1, 2),), {})
