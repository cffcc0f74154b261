"""The machine-readable report, schema "hwcost.report/1": plain values that JSON can hold."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from hwcost.report.fit import fit_dict
from hwcost.report.generation import generation_dict
from hwcost.report.sums import Layer, Sum
from hwcost.report.training import training_dict

if TYPE_CHECKING:
    from hwcost.report.report import Report

REPORT_SCHEMA = "hwcost.report/1"


def report_dict(report: Report) -> dict[str, object]:
    """All of a report. Counts and bytes are whole numbers; what is unknown or not finite is None."""
    return {
        "schema": REPORT_SCHEMA,
        "model": _model(report),
        **({"fit": fit_dict(report.fit)} if report.fit else {}),
        "device": {
            "name": report.machine.name,
            "kind": report.machine.kind,
            "unverified_numbers": report.machine.unverified_numbers,
        },
        "totals": _totals(report),
        **_training(report),
        **({"generation": generation_dict(report.generation)} if report.generation else {}),
        "levels": _levels(report),
        "layers": [_layer(layer, is_training=bool(report.parts)) for layer in report.layers],
        "steps": _steps(report),
        "lower_bound": report.lower_bound,
        "assumed_ops": list(report.assumed_ops),
    }


def _model(report: Report) -> dict[str, object]:
    trace = report.trace
    return {
        "name": trace.model,
        "parameters": trace.parameters,
        "weight_bytes": trace.weight_bytes,
        "seq_len": trace.seq_len,
        "batch": trace.batch,
        "dtype": trace.dtype,
        "formats": _formats(report),
        "order": report.order,
        "state_bytes": report.state_bytes,
    }


def _formats(report: Report) -> dict[str, object]:
    """How numbers are stored, and what computes products: a stand-in where the device lacks the unit."""
    formats, roof = report.formats, report.machine.roof
    return {
        "weights": formats.weights,
        "activations": formats.activations,
        "kv": formats.kv,
        "computed_in": roof.dtype,
        "unit": roof.unit,
        "stand_ins": list(report.machine.stand_ins),
    }


def _totals(report: Report) -> dict[str, object]:
    totals = report.totals
    return {
        "macs": totals.macs,
        "flops": totals.flops,
        "bytes": _whole(totals.bytes),
        "bytes_low": _whole(totals.farthest.low_bytes),
        "bytes_high": _whole(totals.farthest.high_bytes),
        "intensity": _finite(totals.intensity),
        "ridge_point": _finite(report.ridge_point),
        "roofline_s": _finite(report.roofline_s),
        "expected_s": _finite(totals.expected_s),
        "fast_s": _finite(totals.fast_s),
        "slow_s": _finite(totals.slow_s),
        "energy_j": _finite(totals.energy_j),
        "bound": report.bound,
        "sequential_depth": report.sequential_depth,
    }


def _levels(report: Report) -> list[dict[str, object]]:
    totals = report.totals
    return [
        {
            "name": crossing.level,
            "read_bytes": _whole(crossing.read_bytes),
            "write_bytes": _whole(crossing.write_bytes),
            "seconds": _finite(totals.level_s.get(crossing.level)),
        }
        for crossing in totals.crossings
    ]


def _training(report: Report) -> dict[str, object]:
    """The parts of a training iteration and its memory; nothing for a forward pass alone."""
    if not report.parts:
        return {}
    return {"training": training_dict(report.parts, report.optimizer, report.footprint)}


def _layer(layer: Layer, *, is_training: bool) -> dict[str, object]:
    return {
        "module": layer.module,
        **({"part": layer.part} if is_training else {}),
        "op": layer.op,
        "op_class": layer.op_class,
        "calls": layer.sum.calls,
        "macs": layer.sum.macs,
        "flops": layer.sum.flops,
        "bytes": _whole(layer.sum.bytes),
        "intensity": _finite(layer.sum.intensity),
        "expected_s": _finite(layer.sum.expected_s),
        "share": _finite(layer.share),
        "bound": layer.sum.bound,
    }


def _steps(report: Report) -> dict[str, object] | None:
    steps = report.steps
    if steps is None:
        return None
    return {
        "count": steps.count,
        "first": _step(steps.first),
        "steady": _step(steps.steady),
        "last": _step(steps.last),
    }


def _step(step: Sum | None) -> dict[str, object] | None:
    if step is None:
        return None
    return {"bytes": _whole(step.bytes), "expected_s": _finite(step.expected_s)}


def _whole(value: float) -> int | None:
    return round(value) if isfinite(value) else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
