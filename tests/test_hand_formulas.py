"""Multiply-accumulates of small models against the sums in `hand_formulas`, all without an assumed op."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

import hwcost

from .hand_formulas import attention, convolutions, networks, products, recurrent
from .hand_formulas.case import Case, Maker


def makers(module: ModuleType) -> list[Maker]:
    """The functions of a file that take nothing and return a case."""
    functions = vars(module).values()
    return [
        function
        for function in functions
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and inspect.signature(function).return_annotation == Case.__name__
    ]


CASES = [
    pytest.param(maker, id=f"{module.__name__.rpartition('.')[2]}-{maker.__name__}")
    for module in (recurrent, attention, products, convolutions, networks)
    for maker in makers(module)
]


@pytest.mark.filterwarnings("ignore:Using padding='same'", "ignore:.*is deprecated:DeprecationWarning")
@pytest.mark.parametrize("maker", CASES)
def test_macs_by_hand(maker: Maker) -> None:
    case = maker()
    report = hwcost.analyze(hwcost.trace(case.model, *case.inputs, **case.named))
    assert report.totals.macs == case.macs
    assert not report.lower_bound, report.assumed_ops
    assert report.trace.parameters == sum(weight.numel() for weight in case.model.parameters())


def test_there_are_enough_of_them() -> None:
    """A file whose cases are no longer found would pass in silence."""
    assert len(CASES) > 100
