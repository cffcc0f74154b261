"""What a report says of a training iteration: its parts, and the memory that it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from hwcost.graph import Part
from hwcost.report.costs import Cost
from hwcost.report.sums import Sum, sum_of

PARTS: tuple[Part, ...] = get_args(Part)
"""In the order in which they run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """The memory that a training iteration takes.

    weights_bytes, optimiser_bytes: held all the time. gradients_bytes, stored_bytes: of all gradients of
    parameters, and of all activations that the forward pass leaves for the backward pass, inputs of the
    model among them. peak_gradients_bytes, peak_stored_bytes, peak_transient_bytes: what is there of both,
    and of everything else, when most memory is in use. peak_part, peak_module, peak_op: what runs then.
    """

    weights_bytes: int
    optimiser_bytes: int
    gradients_bytes: int
    stored_bytes: int
    peak_gradients_bytes: int
    peak_stored_bytes: int
    peak_transient_bytes: int
    peak_part: Part
    peak_module: str
    peak_op: str

    @property
    def peak_bytes(self) -> int:
        """The most memory that is in use at once."""
        held = self.weights_bytes + self.optimiser_bytes
        return held + self.peak_gradients_bytes + self.peak_stored_bytes + self.peak_transient_bytes


def parts_of(costs: Iterable[Cost]) -> Mapping[Part, Sum]:
    """The costs of a training iteration by its parts; nothing for a forward pass alone."""
    groups: dict[Part, list[Cost]] = {}
    for cost in costs:
        groups.setdefault(cost.traffic.work.op.part, []).append(cost)
    if set(groups) <= {"forward"}:
        return {}
    return {part: sum_of(groups[part]) for part in PARTS if part in groups}


def optimizer_of(costs: Iterable[Cost]) -> str:
    """The name of the optimiser that takes the step, "" where there is none."""
    names = (cost.traffic.work.op.name for cost in costs if cost.traffic.work.op.part == "optimiser")
    return next(names, "").rpartition(".")[2]


def training_dict(
    parts: Mapping[Part, Sum], optimizer: str, footprint: Footprint | None
) -> dict[str, object]:
    """The same as plain values of JSON."""
    return {
        "optimizer": optimizer,
        "parts": {part: _part(total) for part, total in parts.items()},
        "memory": None if footprint is None else _memory(footprint),
    }


def _part(total: Sum) -> dict[str, object]:
    return {
        "macs": total.macs,
        "flops": total.flops,
        "bytes": round(total.bytes),
        "intensity": total.intensity,
        "expected_s": total.expected_s,
        "energy_j": total.energy_j,
        "bound": total.bound,
    }


def _memory(footprint: Footprint) -> dict[str, object]:
    return {
        "weights_bytes": footprint.weights_bytes,
        "optimiser_bytes": footprint.optimiser_bytes,
        "gradients_bytes": footprint.gradients_bytes,
        "stored_activation_bytes": footprint.stored_bytes,
        "peak_bytes": footprint.peak_bytes,
        "peak": {
            "part": footprint.peak_part,
            "module": footprint.peak_module,
            "op": footprint.peak_op,
            "gradients_bytes": footprint.peak_gradients_bytes,
            "stored_activation_bytes": footprint.peak_stored_bytes,
            "transient_bytes": footprint.peak_transient_bytes,
        },
    }
