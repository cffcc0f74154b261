"""Validation for programs: JSON with figures, points and statements, and CSV with one row each."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import StringIO
from math import isfinite

from hwcost.render.statements import ours, published
from hwcost.render.validation import grouped
from hwcost.validation.result import Check, Figures, Point, Statement

SCHEMA = "hwcost.validation/1"

CSV_COLUMNS = (
    *("dataset", "device", "name", "unit", "published", "published_high", "ours", "ours_low", "ours_high"),
    *("kind", "evidence", "holds"),
)
"""A number that is published as a bound lacks its other end; words have no unit."""


def validation_json(points: Sequence[Point], statements: Sequence[Statement]) -> str:
    """The machine-readable validation: figures by group, every point, every statement."""
    value = {
        "schema": SCHEMA,
        "groups": [_group(*group, found) for group, found in grouped(points).items()],
        "points": [_point(point) for point in points],
        "statements": [_statement(one) for one in statements],
    }
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def validation_csv(points: Sequence[Point], statements: Sequence[Statement]) -> str:
    """One row per measured case, then one per statement, in SI units."""
    written = StringIO()
    writer = csv.DictWriter(written, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([_point_row(point) for point in points])
    writer.writerows([_statement_row(one) for one in statements])
    return written.getvalue()


def _group(dataset: str, card: str, is_fitted: bool, found: Figures) -> dict[str, object]:
    return {
        "dataset": dataset,
        "device": card,
        "fitted": is_fitted,
        "points": len(found.points),
        "error": found.error,
        "within_1.5x": found.close,
        "in_interval": found.inside,
        "roofline_error": found.roofline_error,
        "worst": found.worst.case.trace.model,
        "worst_factor": found.worst.factor,
    }


def _point(point: Point) -> dict[str, object]:
    return {
        "dataset": point.case.dataset,
        "device": point.case.card,
        "case": point.case.trace.model,
        "fitted": point.case.is_fitted,
        "measured_s": point.case.measured,
        "expected_s": point.expected,
        "fast_s": point.fast,
        "slow_s": point.slow,
        "roofline_s": point.roofline,
        "bound": point.bound,
    }


def _statement(one: Statement) -> dict[str, object]:
    """published, ours: as they are shown; of a number also as it is, null where a range has no end."""
    words: dict[str, object] = {
        "dataset": one.dataset,
        "device": one.device,
        "name": one.name,
        "published": published(one),
        "ours": ours(one),
        "holds": one.holds,
    }
    if isinstance(one, Check):
        return words
    return {
        **words,
        "unit": one.unit,
        "published_low": one.low,
        "published_high": one.high if isfinite(one.high) else None,
        "ours_value": one.ours,
        "factor": one.factor,
        "within": one.within,
        "kind": one.basis,
        "evidence": one.evidence,
        "note": one.note or None,
    }


def _point_row(point: Point) -> dict[str, object]:
    return {
        "dataset": point.case.dataset,
        "device": point.case.device,
        "name": f"{point.case.card}: {point.case.trace.model}",
        "unit": "s",
        "published": point.case.measured,
        "published_high": point.case.measured,
        "ours": point.expected,
        "ours_low": point.fast,
        "ours_high": point.slow,
        "kind": "fitted" if point.case.is_fitted else "held out",
        "evidence": "silicon",
    }


def _statement_row(one: Statement) -> dict[str, object]:
    row: dict[str, object] = {"dataset": one.dataset, "device": one.device, "name": one.name}
    row |= {"holds": str(one.holds).lower()}
    if isinstance(one, Check):
        return {**row, "published": one.published, "ours": one.ours}
    return {
        **row,
        "unit": one.unit,
        "published": one.low,
        "published_high": one.high if isfinite(one.high) else "",
        "ours": one.ours,
        "kind": one.basis or "",
        "evidence": one.evidence or "",
    }
