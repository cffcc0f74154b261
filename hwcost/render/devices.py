"""One model on several devices: their table, a row per device, and what it comes to in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from hwcost.render.tables import Column, Table
from hwcost.render.verdict import caveats
from hwcost.render.words import UNKNOWN, bound_label, level_label, percent, plural, quantity
from hwcost.report import Report

PROOFS = {"": "product", "vendor": "vendor's word"}
"""What stands for a proof in a table; other proofs stand for themselves."""


def devices_table(reports: Sequence[Report]) -> Table:
    """Time, energy, bound, and what stays on the chip, per device."""
    has_steps = any(report.trace.seq_len for report in reports)
    columns = (
        Column(name="device", is_number=False),
        Column(name="time"),
        *((Column(name="per step"),) if has_steps else ()),
        Column(name="energy"),
        Column(name="bound", is_number=False),
        Column(name="off chip"),
        Column(name="weights kept"),
        Column(name="figures of", is_number=False, wide_only=True),
    )
    return Table(title="", columns=columns, rows=tuple(_row(report, has_steps) for report in reports))


def devices_verdict(reports: Sequence[Report]) -> str:
    """Which device is the fastest, and which takes the least energy."""
    model = reports[0].trace.model
    timed = [report for report in reports if report.totals.expected_s]
    if not timed:
        return f"{model} has nothing to do."
    fastest = min(timed, key=lambda report: report.totals.expected_s)
    sentence = f"{model} takes the least time on {fastest.machine.name}"
    known = [(report.totals.energy_j, report.machine.name) for report in reports]
    with_energy = [(joules, name) for joules, name in known if joules is not None]
    if not with_energy:
        return f"{sentence}."
    joules, name = min(with_energy)
    if name == fastest.machine.name:
        return f"{sentence}, and the least energy: {quantity(joules, 'J')}."
    return f"{sentence}, the least energy on {name}: {quantity(joules, 'J')}."


def devices_notes(reports: Sequence[Report]) -> tuple[str, ...]:
    """What a reader must know of each device; what its weights do there first."""
    found = ["Kept: the share of the weights for which there is room beside the units, or in arrays."]
    for report in reports:
        name = report.machine.name
        found += [f"{name}: {sentence}" for sentence in (*caveats(report), *report.lints)]
        found += [sentence if name in sentence else f"{name}: {sentence}" for sentence in _stand_ins(report)]
    rests = [
        f"{report.machine.name} on {plural(report.machine.unverified_numbers, 'unverified number')}"
        for report in reports
        if report.machine.unverified_numbers
    ]
    if rests:
        found.append(f"These figures rest on what no source was read for: {', '.join(rests)}.")
    return tuple(found)


def _stand_ins(report: Report) -> tuple[str, ...]:
    return report.machine.stand_ins


def _row(report: Report, has_steps: bool) -> tuple[str, ...]:
    totals, steps = report.totals, report.trace.seq_len
    step = quantity(totals.expected_s / steps, "s") if steps else UNKNOWN
    kept = report.on_chip
    return (
        report.machine.name,
        quantity(totals.expected_s, "s", lower_bound=report.lower_bound),
        *((step,) if has_steps else ()),
        quantity(totals.energy_j, "J", lower_bound=report.lower_bound),
        bound_label(report.bound),
        f"{quantity(totals.bytes, 'B')} {level_label(report.farthest_level)}",
        UNKNOWN if kept is None else percent(kept),
        PROOFS.get(report.machine.proof, report.machine.proof),
    )
