"""A report as JSON: one object, schema "hwcost.report/1"; several in one, schema "hwcost.compare/1"."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hwcost.report import Report
from hwcost.report.breakeven import Breakeven

COMPARISON_SCHEMA = "hwcost.compare/1"
DEVICES_SCHEMA = "hwcost.devices/1"
BREAKEVEN_SCHEMA = "hwcost.breakeven/1"


def report_json(report: Report) -> str:
    """The machine-readable report."""
    return _text(report.to_dict())


def comparison_json(reports: Sequence[Report]) -> str:
    """The machine-readable reports of a comparison."""
    return _text({"schema": COMPARISON_SCHEMA, "reports": [report.to_dict() for report in reports]})


def devices_json(reports: Sequence[Report]) -> str:
    """The machine-readable reports of one model on several devices, with what stays on each."""
    return _text({"schema": DEVICES_SCHEMA, "reports": [_on_device(report) for report in reports]})


def breakeven_json(breakeven: Breakeven) -> str:
    """What devices take at each value, and where they meet."""
    return _text({"schema": BREAKEVEN_SCHEMA, **breakeven.to_dict()})


def _on_device(report: Report) -> dict[str, object]:
    changing = report.changing
    return {
        **report.to_dict(),
        "figures_of": report.machine.proof or None,
        "weights_kept": report.on_chip,
        "changing_time_share": None if changing is None else changing.time_share,
        "changing_energy_share": None if changing is None else changing.energy_share,
        "findings": list(report.lints),
    }


def _text(value: dict[str, object]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
