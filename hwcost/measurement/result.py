"""The nouns of a measurement: times of a model and of its modules, beside the predicted ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log

REST = "(between modules)"
"""What a model does outside of the modules that are timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One module, or what lies between them. measured_s, predicted_s: of one pass. bound: the predicted one.

    flops: of one pass, as counted.
    """

    module: str
    measured_s: float
    predicted_s: float
    bound: str
    flops: int

    @property
    def factor(self) -> float | None:
        """Exp |ln(predicted/measured)|; None where either is nothing."""
        return error_factor(self.predicted_s, self.measured_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A model on this machine.

    whole: of the pass, timed without hooks. rows: by module, in order of execution. spread: third quartile
    over first of the passes. roofline_s: a bound of the device for the same pass. peak_flop_per_s: of the
    device. notes: sentences on what may be off.
    """

    model: str
    device: str
    title: str
    threads: int
    repeats: int
    spread: float
    whole: Row
    rows: tuple[Row, ...]
    roofline_s: float
    peak_flop_per_s: float
    notes: tuple[str, ...] = ()

    def peak_share(self, row: Row) -> float | None:
        """The share of the device's peak that was reached."""
        if not self.peak_flop_per_s or not row.measured_s:
            return None
        return row.flops / row.measured_s / self.peak_flop_per_s

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values of JSON, schema "hwcost.measurement/1"."""
        return {
            "schema": "hwcost.measurement/1",
            "model": self.model,
            "device": self.device,
            "threads": self.threads,
            "repeats": self.repeats,
            "spread": self.spread,
            "roofline_s": self.roofline_s,
            "total": self.row_dict(self.whole),
            "modules": [self.row_dict(row) for row in self.rows],
            "notes": list(self.notes),
        }

    def row_dict(self, row: Row) -> Mapping[str, object]:
        """One row as plain values."""
        return {
            "module": row.module,
            "measured_s": row.measured_s,
            "predicted_s": row.predicted_s,
            "error_factor": row.factor,
            "bound": row.bound,
            "flops": row.flops,
            "peak_share": self.peak_share(row),
        }


def error_factor(predicted_s: float, measured_s: float) -> float | None:
    """Exp |ln(predicted/measured)|, 1.1 for 10 % off either way; None where either is nothing."""
    if predicted_s <= 0 or measured_s <= 0:
        return None
    return exp(abs(log(predicted_s / measured_s)))
