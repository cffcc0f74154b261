"""Peaks of chips that compute in memory, from the geometry and the circuit timings of their profiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, cast

from hwcost.devices import load_device
from hwcost.devices.arrays import Arrays
from hwcost.devices.device import Number
from hwcost.kinds.crossbar.geometry import (
    OPS_PER_MAC,
    Format,
    capacity_weights,
    interval_s,
    peak_op_per_s,
    product_j,
    weights_per_row,
)
from hwcost.kinds.crossbar.parts import arrays_of
from hwcost.validation.card import Row
from hwcost.validation.datasets import table
from hwcost.validation.result import Basis, Claim, Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A quantity of arrays that hold weights and take inputs in some bits."""

    unit: str
    of: Callable[[Arrays, Format], float]


def op_per_j(arrays: Arrays, form: Format) -> float:
    """2 * rows * weights per row / energy of a product of a whole array."""
    macs = int(arrays.rows) * weights_per_row(arrays, form.weight_bits)
    return OPS_PER_MAC * macs / product_j(arrays, form.input_bits)


FIGURES: Final[Mapping[str, Figure]] = {
    "peak": Figure(unit="OP/s", of=peak_op_per_s),
    "product": Figure(unit="s", of=lambda arrays, form: interval_s(arrays, form.input_bits)),
    "efficiency": Figure(unit="OP/J", of=op_per_j),
    "weights": Figure(unit="", of=lambda arrays, form: float(capacity_weights(arrays, form.weight_bits))),
}
"""By their name in the table."""


def chip_claims(dataset: str) -> tuple[Claim, ...]:
    """Peaks, times of a product, efficiencies and capacities."""
    return tuple(_claim(dataset, row) for row in table(f"{dataset}.csv"))


def _claim(dataset: str, row: Row) -> Claim:
    arrays = _as_published(arrays_of(load_device(row["device"])), row)
    bits = int(row["bits"] or arrays.weight_bits), int(row["bits"] or arrays.input.bits)
    figure, published = FIGURES[row["figure"]], float(row["published"])
    return Claim(
        dataset=dataset,
        name=row["name"],
        device=row["device"],
        low=published,
        high=published,
        ours=figure.of(arrays, Format(weight_bits=bits[0], input_bits=bits[1])),
        unit=figure.unit,
        basis=cast("Basis", row["basis"]),
        evidence=cast("Evidence", row["evidence"] or arrays.proof),
        note=row["note"],
    )


def _as_published(arrays: Arrays, row: Row) -> Arrays:
    """The arrays in the phases and at the clock that a figure was published for."""
    own = arrays.input
    phases = _number(row["phases"]) if row["phases"] else own.phases
    pulse_s = _number(row["pulse_s"]) if row["pulse_s"] else own.pulse_s
    return replace(arrays, input=replace(own, phases=phases, pulse_s=pulse_s))


def _number(text: str) -> Number:
    return Number(float(text), path="", unit="", text=text, evidence="derived", source="the table")
