"""Optimisers: what each keeps beside a weight, and what a step costs per weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hwcost.errors import UsageError

DEFAULT: Final = "adam"

PREFIX: Final = "optimiser."
"""How the name of the op begins that updates one parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimiser:
    """One way to update weights.

    states: what it keeps beside each weight from step to step, as large and as wide as the weight.
    vector_ops, special_ops: per weight. formula: what is counted.
    """

    states: tuple[str, ...]
    vector_ops: int
    special_ops: int
    formula: str


OPTIMISERS: Final[Mapping[str, Optimiser]] = {
    "sgd": Optimiser(
        states=(),
        vector_ops=2,
        special_ops=0,
        formula="w - a g",
    ),
    "momentum": Optimiser(
        states=("momentum_buffer",),
        vector_ops=4,
        special_ops=0,
        formula="m = b m + g (2); w - a m (2)",
    ),
    "adam": Optimiser(
        states=("exp_avg", "exp_avg_sq"),
        vector_ops=10,
        special_ops=3,
        formula="m + (1 - b1) (g - m) (3); b2 v + (1 - b2) g g (4);"
        " w - a m / (sqrt(v) / c + eps) (3, and root and two divisions)",
    ),
    "adamw": Optimiser(
        states=("exp_avg", "exp_avg_sq"),
        vector_ops=11,
        special_ops=3,
        formula="(1 - a d) w (1), then as adam",
    ),
}
"""By name. Scalars such as 1 - b1, and the corrections of the bias, are worked out once per step."""


def optimiser(name: str) -> Optimiser:
    """The optimiser of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in OPTIMISERS:
        raise UsageError(f"unknown optimizer {name!r}", mend=f"take one of {', '.join(OPTIMISERS)}")
    return OPTIMISERS[name]
