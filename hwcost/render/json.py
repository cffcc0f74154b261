"""A report as JSON: one object, schema "hwcost.report/1"; several in one, schema "hwcost.compare/1"."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hwcost.report import Report

COMPARISON_SCHEMA = "hwcost.compare/1"


def report_json(report: Report) -> str:
    """The machine-readable report."""
    return _text(report.to_dict())


def comparison_json(reports: Sequence[Report]) -> str:
    """The machine-readable reports of a comparison."""
    return _text({"schema": COMPARISON_SCHEMA, "reports": [report.to_dict() for report in reports]})


def _text(value: dict[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
