"""Multiply-accumulates of small models against the sums in `hand_formulas`, all without an assumed op."""

from __future__ import annotations

import pytest

import hwcost

from .hand_formulas.case import Maker
from .hand_formulas.families import makers

CASES = [
    pytest.param(maker, id=f"{family}-{maker.__name__}")
    for family, found in makers().items()
    for maker in found
]


@pytest.mark.filterwarnings(
    "ignore:Using padding='same'",
    "ignore:.*is deprecated:DeprecationWarning",
    "ignore:enable_nested_tensor",
    "ignore:flex_attention called without torch.compile",
    "ignore:None of the inputs have requires_grad",
)
@pytest.mark.parametrize("maker", CASES)
def test_macs_by_hand(maker: Maker) -> None:
    case = maker()
    report = hwcost.analyze(hwcost.trace(case.model, *case.inputs, **case.named))
    assert report.totals.macs == case.macs
    assert not report.lower_bound, report.assumed_ops
    assert report.trace.parameters == sum(weight.numel() for weight in case.model.parameters())


def test_there_are_enough_of_them() -> None:
    """A file whose cases are no longer found would pass in silence."""
    assert len(CASES) > 250
