"""A report as comma-separated values: plain SI numbers under the names of the machine-readable report."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import cast

from hwcost.render.fit import fit_words, reach_cell
from hwcost.report import Report
from hwcost.report.breakeven import Breakeven

LAYER_COLUMNS = (
    *("module", "op", "op_class", "calls", "macs", "flops", "bytes", "intensity"),
    *("expected_s", "share", "bound"),
)


def report_csv(report: Report) -> str:
    """One row per layer."""
    columns = ("part", *LAYER_COLUMNS) if report.parts else LAYER_COLUMNS
    return _rows(columns, cast("list[Mapping[str, object]]", report.to_dict()["layers"]))


def comparison_csv(reports: Sequence[Report]) -> str:
    """One row per model: what it is, where it runs, and its totals."""
    rows = [_flat(report) for report in reports]
    return _rows(tuple(rows[0]), rows)


def breakeven_csv(breakeven: Breakeven) -> str:
    """One row per value and device: what it takes, and whether that is the least."""
    rows: list[dict[str, object]] = []
    for point in cast("list[dict[str, object]]", breakeven.to_dict()["points"]):
        for device in cast("list[dict[str, object]]", point["devices"]):
            least = {
                name: str(point[name] == device["device"]).lower() for name in ("least_time", "least_energy")
            }
            rows.append({"over": breakeven.over, "value": point["value"], **device, **least})
    return _rows(tuple(rows[0]), rows)


def _flat(report: Report) -> dict[str, object]:
    whole = cast("dict[str, dict[str, object]]", report.to_dict())
    model = dict(whole["model"])
    formats = cast("Mapping[str, object]", model.pop("formats"))
    model |= {name: formats[name] for name in ("weights", "activations", "kv")}
    row = {"model": model.pop("name"), "device": whole["device"]["name"], **model, **whole["totals"]}
    row |= {"lower_bound": str(report.lower_bound).lower()}
    if report.footprint is not None:
        row |= {f"{part}_s": total.expected_s for part, total in report.parts.items()}
        row |= {"stored_activation_bytes": report.footprint.stored_bytes}
        row |= {"peak_bytes": report.footprint.peak_bytes}
    found = report.generation
    if found is not None:
        row |= {"prompt": found.prompt, "tokens": found.tokens, "first_token_s": found.first_token_s}
        row |= {"token_s": found.token_s, "tokens_per_s": found.tokens_per_s}
        row |= {"cache_bytes_per_token": found.cache_bytes}
    if report.fit is not None:
        row |= {"reach": reach_cell(report).replace(",", ""), "changes": fit_words(report)}
    return row


def _rows(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """RFC 4180 but for plain line ends; what is unknown is an empty cell."""
    written = StringIO()
    writer = csv.DictWriter(written, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()
