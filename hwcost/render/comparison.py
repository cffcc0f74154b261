"""Several models on one device: their table, a row per quantity, and what it comes to in plain words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from hwcost.graph import Part
from hwcost.render.fit import fit_notes, model_name, reach_cell
from hwcost.render.generation import tokens_per_s
from hwcost.render.tables import Column, Table
from hwcost.render.verdict import caveats
from hwcost.render.words import (
    UNKNOWN,
    bound_label,
    count,
    level_label,
    listed,
    percent,
    plain,
    plural,
    quantity,
    ratio,
    shortened,
)
from hwcost.report import Footprint, Generation, Report
from hwcost.report.training import PARTS

MODEL_WIDTH = 13
NAMES_WIDTH = 20
"""Letters that a model's name has at least where it is cut, and that the quantities' names take at most."""

GAP = 2
"""Letters between columns."""


def comparison_tables(reports: Sequence[Report], *, width: int = 80) -> tuple[Table, ...]:
    """One column per model; more models than fit beside one another go into further tables."""
    most = max((width - NAMES_WIDTH) // (MODEL_WIDTH + GAP), 1)
    return tuple(_table(reports[start : start + most], width) for start in range(0, len(reports), most))


def comparison_verdict(reports: Sequence[Report]) -> str:
    """What binds each model, in one sentence; order by order where there are several."""
    devices = listed(tuple(dict.fromkeys(report.machine.name for report in reports)))
    orders = tuple(dict.fromkeys(report.order for report in reports))
    if len(orders) == 1:
        return f"On {devices}, {_bounds(reports)}."
    parts = (f"{order}, {_bounds([r for r in reports if r.order == order])}" for order in orders)
    return f"On {devices}: {'; '.join(parts)}."


def _bounds(reports: Sequence[Report]) -> str:
    """What binds each model of one order."""
    groups: dict[str, list[str]] = {}
    for report in reports:
        groups.setdefault(report.bound, []).append(model_name(report))
    clauses: list[str] = []
    for bound, models in groups.items():
        verb = ("is bound by" if len(models) == 1 else "are bound by") if not clauses else "by"
        what = bound if bound in {"compute", "latency"} else f"{level_label(bound)} bandwidth"
        clauses.append(f"{listed(tuple(models), most=8)} {verb} {what}")
    return ", ".join(clauses)


def comparison_notes(reports: Sequence[Report]) -> tuple[str, ...]:
    """Who is how much faster and why, then what the reader must know."""
    found = [*fit_notes(reports), *_slower_ones(reports), *_other_orders(reports)]
    found += [
        f"{report.trace.model}: {sentence}"
        for report in reports
        for sentence in (*caveats(report), *report.lints)
    ]
    whole = tuple(report.trace.model for report in reports if report.trace.seq_len is None)
    if whole and len(whole) < len(reports):
        found.append(f"No sequence in {listed(whole)}: the time is that of one pass.")
    found += stand_ins(reports)
    machines = {report.machine.name: report.machine for report in reports}
    found += [
        f"Rests on {plural(machine.unverified_numbers, 'unverified number')} of the device"
        f" (see: hwcost devices show {machine.name})."
        for machine in machines.values()
        if machine.unverified_numbers
    ]
    return tuple(found)


def stand_ins(reports: Sequence[Report]) -> list[str]:
    """What computes in place of units that the devices lack, each once."""
    return list(dict.fromkeys(sentence for report in reports for sentence in report.machine.stand_ins))


def _table(reports: Sequence[Report], width: int) -> Table:
    rows = tuple((name, *(cell(report) for report in reports)) for name, cell in _quantities(reports))
    names = _names(reports, [max(map(len, cells)) for cells in zip(*rows, strict=True)], width)
    columns = (Column(name="", is_number=False), *(Column(name=name) for name in names))
    return Table(title="", columns=columns, rows=rows)


def _names(reports: Sequence[Report], widths: Sequence[int], width: int) -> list[str]:
    """The models' names, as long as fit above columns of these widths, behind that of the quantities.

    The order has a row of its own, so that a name says it in the sentences alone.
    """
    heads = [model_name(report) for report in reports]
    for most in range(max(map(len, heads)), MODEL_WIDTH, -1):
        names = [shortened(head, most) for head in heads]
        room = (max(GAP + len(name), GAP + cell) for name, cell in zip(names, widths[1:], strict=True))
        if widths[0] + sum(room) <= width:
            return names
    return [shortened(head, MODEL_WIDTH) for head in heads]


def _quantities(reports: Sequence[Report]) -> tuple[tuple[str, Callable[[Report], str]], ...]:
    levels = {level_label(report.farthest_level) for report in reports}
    far = levels.pop() if len(levels) == 1 else "farthest"
    streams: tuple[tuple[str, Callable[[Report], str]], ...] = (
        *(() if all(report.generation for report in reports) else (("order", lambda report: report.order),)),
        ("state", lambda report: quantity(report.state_bytes, "B")),
    )
    training: tuple[tuple[str, Callable[[Report], str]], ...] = (
        ("stored activations", lambda report: _held(report.footprint, lambda held: held.stored_bytes)),
        ("peak memory", lambda report: _held(report.footprint, lambda held: held.peak_bytes)),
        *((f"{part} time", partial(_part_time, part=part)) for part in PARTS),
    )
    return (
        *(streams if any(report.order != "offline" for report in reports) else ()),
        ("parameters", lambda report: quantity(report.trace.parameters)),
        *((("reach", reach_cell),) if any(report.fit and report.fit.reach for report in reports) else ()),
        ("MACs", lambda report: quantity(report.totals.macs, lower_bound=report.lower_bound)),
        ("FLOPs", lambda report: quantity(report.totals.flops, lower_bound=report.lower_bound)),
        (f"{far} bytes", lambda report: quantity(report.totals.bytes, "B")),
        ("FLOP/byte", lambda report: plain(report.totals.intensity, lower_bound=report.lower_bound)),
        ("ridge point", lambda report: plain(report.ridge_point)),
        ("bound", lambda report: bound_label(report.bound)),
        ("expected time", lambda report: _seconds(report, 1)),
        *(_GENERATION if any(report.generation for report in reports) else _TIME_PER_STEP),
        ("share of peak", _share_of_peak),
        ("energy", lambda report: quantity(report.totals.energy_j, "J", lower_bound=report.lower_bound)),
        *(training if any(report.parts for report in reports) else ()),
        ("sequential depth", lambda report: count(report.sequential_depth)),
    )


def _of_tokens(part: Callable[[Generation], float | None]) -> Callable[[Report], str]:
    return lambda report: UNKNOWN if report.generation is None else quantity(part(report.generation), "s")


_TIME_PER_STEP: Final = (("time per step", lambda report: _seconds(report, report.trace.seq_len)),)

_GENERATION: Final = (
    ("time to first token", _of_tokens(lambda found: found.first_token_s)),
    ("time per token", _of_tokens(lambda found: found.token_s)),
    (
        "tokens per second",
        lambda report: tokens_per_s(report.generation.tokens_per_s if report.generation else None),
    ),
    (
        "cache per token",
        lambda report: quantity(report.generation.cache_bytes if report.generation else None, "B"),
    ),
)


def _seconds(report: Report, parts: int | None) -> str:
    if not parts:
        return UNKNOWN
    return quantity(report.totals.expected_s / parts, "s", lower_bound=report.lower_bound)


def _held(footprint: Footprint | None, part: Callable[[Footprint], int]) -> str:
    """Bytes of a footprint; unknown for a forward pass alone."""
    return UNKNOWN if footprint is None else quantity(part(footprint), "B")


def _part_time(report: Report, part: Part) -> str:
    found = report.parts.get(part)
    return UNKNOWN if found is None else quantity(found.expected_s, "s")


def _share_of_peak(report: Report) -> str:
    reached, peak = report.totals.flop_per_s, report.machine.roof.peak_flop_per_s
    return UNKNOWN if reached is None or not peak else percent(reached / peak)


def _slower_ones(reports: Sequence[Report]) -> list[str]:
    """How each model compares with the fastest in its order, among those that do the same task."""
    found = []
    for order in dict.fromkeys(report.order for report in reports):
        group = [report for report in reports if report.order == order]
        # One without a sequence does another task than the others.
        alike = [report for report in group if report.trace.seq_len is not None] or group
        timed = [report for report in alike if report.totals.expected_s]
        if timed:
            fastest = min(timed, key=lambda report: report.totals.expected_s)
            found += [_slower(report, fastest) for report in alike if report is not fastest]
    return found


def _other_orders(reports: Sequence[Report]) -> list[str]:
    """How each model in a further order compares with itself in the first."""
    first: dict[str, Report] = {}
    found = []
    for report in reports:
        before = first.setdefault(model_name(report), report)
        if report.order == before.order or not before.totals.expected_s:
            continue
        longer = ratio(report.totals.expected_s / before.totals.expected_s)
        text = f"{model_name(report)}: {report.order} takes {longer} the time of {before.order}"
        if before.totals.bytes and report.farthest_level == before.farthest_level:
            more = ratio(report.totals.bytes / before.totals.bytes)
            text += f", and moves {more} its {level_label(report.farthest_level)} bytes"
        found.append(f"{text}.")
    return found


def _slower(report: Report, fastest: Report) -> str:
    """How much longer a model takes than the fastest, with how much work, at which share of the peak."""
    if not report.totals.expected_s:
        return f"{report.trace.model} has nothing to do."
    longer = ratio(report.totals.expected_s / fastest.totals.expected_s)
    text = f"{report.trace.model} takes {longer} the time of {fastest.trace.model}"
    if fastest.totals.flops:
        text += f" for {ratio(report.totals.flops / fastest.totals.flops)} its FLOPs"
    shares = (
        f"it reaches {_share_of_peak(report)} of the peak, {fastest.trace.model} {_share_of_peak(fastest)}"
    )
    return f"{text}: {shares}."
