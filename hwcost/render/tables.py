"""The tables of one report as text in cells, the same for every format that people read."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from hwcost.render.generation import generation_rows
from hwcost.render.words import (
    bound_label,
    count,
    layer_label,
    level_label,
    percent,
    plain,
    plural,
    quantity,
)
from hwcost.report import STATED_SHARE, Report, Sum, sum_of

MOST_LAYERS = 20
"""Layers that are shown one by one; the rest are summed in one row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table. is_number: set flush right. wide_only: left out where room is short."""

    name: str
    is_number: bool = True
    wide_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of text under named columns. The first column takes what room the others leave."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def report_tables(report: Report) -> tuple[Table, ...]:
    """Totals, generation, training and its memory, layers, levels and steps; one without rows is left out."""
    tables = (
        totals_table(report),
        generation_table(report),
        parts_table(report),
        memory_table(report),
        layers_table(report),
        levels_table(report),
        steps_table(report),
    )
    return tuple(table for table in tables if table.rows)


def totals_table(report: Report) -> Table:
    """One quantity per row, with the kind of statement that it is: counted, expected or a bound."""
    totals, trace, below = report.totals, report.trace, report.lower_bound
    level = level_label(report.farthest_level) or "memory"
    counted = "counted, lower bound" if below else "counted"
    expected = "expected, lower bound" if below else "expected"
    far = totals.farthest
    bracket = f"between {quantity(far.low_bytes, 'B')} and {quantity(far.high_bytes, 'B')}"
    unknown_energy = "the profile lacks figures" if totals.energy_j is None else expected
    formats = dict.fromkeys((report.formats.weights, report.formats.activations))
    parameter_bytes = f"{quantity(trace.weight_bytes, 'B')} as {' and '.join(formats)}"
    rows = [
        ("parameters", quantity(trace.parameters), parameter_bytes),
        ("state", _state(report), "kept from step to step"),
        ("MACs", quantity(totals.macs, lower_bound=below), counted),
        ("FLOPs", quantity(totals.flops, lower_bound=below), counted),
        (f"{level} bytes", quantity(totals.bytes, "B"), f"expected, {bracket}"),
        ("FLOP/byte", plain(totals.intensity, lower_bound=below), expected),
        ("ridge point", plain(report.ridge_point), f"where the peak roof meets {level}"),
        ("time", quantity(totals.expected_s, "s", lower_bound=below), f"{expected}{_interval(totals)}"),
        ("time per step", _per_step(report), expected),
        ("time at the roofline", quantity(report.roofline_s, "s"), "bound: no run is faster"),
        ("energy", quantity(totals.energy_j, "J", lower_bound=below), unknown_energy),
        ("sequential depth", count(report.sequential_depth), "products or steps that wait for one another"),
    ]
    columns = (Column(name="totals", is_number=False), Column(name="value"), Column(name="", is_number=False))
    return Table(title="", columns=columns, rows=tuple(row for row in rows if row[1]))


def _interval(totals: Sum) -> str:
    """Where the measured time should lie, and how often; "" where no part of it tells."""
    if totals.fast_s == totals.slow_s:
        return ""
    ends = f"{quantity(totals.fast_s, 's')} and {quantity(totals.slow_s, 's')}"
    return f", {percent(STATED_SHARE)} between {ends}"


def _state(report: Report) -> str:
    return "" if report.state_bytes is None else quantity(report.state_bytes, "B")


def _per_step(report: Report) -> str:
    """Expected time over the sequence length; nothing where it has none, or not all steps come alike."""
    length = report.trace.seq_len
    if not length or report.generation is not None:
        return ""
    return quantity(report.totals.expected_s / length, "s", lower_bound=report.lower_bound)


def generation_table(report: Report) -> Table:
    """What the reader of generated tokens waits for; no rows for any other order."""
    columns = (
        Column(name="generation", is_number=False),
        Column(name="value"),
        Column(name="", is_number=False),
    )
    return Table(title="", columns=columns, rows=generation_rows(report))


def parts_table(report: Report) -> Table:
    """The parts of a training iteration; no rows for a forward pass alone."""
    whole = report.totals.expected_s
    rows = tuple(
        (
            f"{part} ({report.optimizer})" if part == "optimiser" else part,
            quantity(total.macs, lower_bound=_is_below(total)),
            quantity(total.flops, lower_bound=_is_below(total)),
            quantity(total.bytes, "B"),
            plain(total.intensity, lower_bound=_is_below(total)),
            quantity(total.expected_s, "s"),
            percent(total.expected_s / whole if whole else 0.0),
            quantity(total.energy_j, "J"),
            bound_label(total.bound),
        )
        for part, total in report.parts.items()
    )
    level = level_label(report.farthest_level) or "bytes"
    columns = (
        Column(name="part", is_number=False),
        *(Column(name=name) for name in ("MACs", "FLOPs", level, "FLOP/B", "time", "share")),
        Column(name="energy", wide_only=True),
        Column(name="bound", is_number=False),
    )
    return Table(title="one training iteration", columns=columns, rows=rows)


def memory_table(report: Report) -> Table:
    """What training keeps in memory, in all and when most is in use; no rows for a forward pass alone."""
    columns = (Column(name="memory", is_number=False), Column(name="in all"), Column(name="at the peak"))
    found = report.footprint
    if found is None:
        return Table(title="", columns=columns, rows=())
    where = layer_label(found.peak_module, found.peak_op)
    holdings = (
        ("weights", found.weights_bytes, found.weights_bytes),
        ("optimiser state", found.optimiser_bytes, found.optimiser_bytes),
        ("gradients of weights", found.gradients_bytes, found.peak_gradients_bytes),
        ("stored activations", found.stored_bytes, found.peak_stored_bytes),
        ("everything else", None, found.peak_transient_bytes),
        ("together", None, found.peak_bytes),
    )
    rows = [
        (name, "" if whole is None else quantity(whole, "B"), quantity(peak, "B"))
        for name, whole, peak in holdings
    ]
    rows.append((f"{report.machine.name} has", "", quantity(report.machine.memory_bytes, "B")))
    title = f"memory (most is in use in the {found.peak_part} part, at {where})"
    return Table(title=title, columns=columns, rows=tuple(rows))


def layers_table(report: Report, *, most: int = MOST_LAYERS) -> Table:
    """Layers in order of execution: those that take longest one by one, the others in one row."""
    layers = report.layers
    longest = set(sorted(range(len(layers)), key=lambda place: -layers[place].sum.expected_s)[:most])
    rest = [layer for place, layer in enumerate(layers) if place not in longest]
    rows = [
        _row(layer_label(layer.module, layer.op), layer.op_class, layer.sum, layer.share, layer.part)
        for place, layer in enumerate(layers)
        if place in longest
    ]
    title = "layers"
    if rest:
        others = sum_of(cost for layer in rest for cost in layer.sum.costs)
        rows.append(_row(f"{len(rest)} others", "", others, fsum(layer.share for layer in rest), ""))
        title = f"layers (of {len(layers)} the {most} that take longest, in order of execution)"
    columns = (
        Column(name="layer", is_number=False),
        Column(name="part", is_number=False, wide_only=True),
        Column(name="class", is_number=False, wide_only=True),
        Column(name="calls"),
        Column(name="MACs", wide_only=True),
        Column(name="FLOPs"),
        Column(name=level_label(report.farthest_level) or "bytes"),
        Column(name="FLOP/B", wide_only=True),
        Column(name="time"),
        Column(name="share"),
        Column(name="bound", is_number=False),
    )
    table = Table(title=title, columns=columns, rows=tuple(rows))
    return table if report.parts else _without(table, "part")


def _without(table: Table, name: str) -> Table:
    """A table without one of its columns."""
    kept = [place for place, column in enumerate(table.columns) if column.name != name]
    return Table(
        title=table.title,
        columns=tuple(table.columns[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
    )


def levels_table(report: Report) -> Table:
    """What crosses each level, how long that alone would take, and what the level can do."""
    totals = report.totals
    rows = []
    for crossing in totals.crossings:
        slope = report.machine.slope(crossing.level)
        rows.append(
            (
                level_label(crossing.level),
                quantity(None if slope is None else slope.size_bytes, "B"),
                quantity(crossing.read_bytes, "B"),
                quantity(crossing.write_bytes, "B"),
                quantity(totals.level_s.get(crossing.level), "s"),
                quantity(None if slope is None else slope.achieved_bytes_per_s, "B/s"),
                quantity(None if slope is None else slope.peak_bytes_per_s, "B/s"),
            )
        )
    names = ("size", "read", "written", "time", "achieved", "peak")
    columns = (Column(name="level", is_number=False), *(Column(name=name) for name in names))
    return Table(title="levels of memory, nearest first", columns=columns, rows=tuple(rows))


def steps_table(report: Report) -> Table:
    """The first step, one of those between, and the last; no rows where there is no time axis."""
    steps = report.steps
    level = level_label(report.farthest_level)
    names = ("FLOPs", f"{level} bytes", "time")
    columns = (
        Column(name="step", is_number=False),
        *(Column(name=name) for name in names),
        Column(name="bound", is_number=False),
    )
    if steps is None:
        return Table(title="", columns=columns, rows=())
    between = "the middle one" if steps.is_growing else f"each of the {count(steps.count - 2)} between"
    parts = (("first", steps.first), (between, steps.steady), ("last", steps.last))
    rows = tuple(
        (
            label,
            quantity(part.flops),
            quantity(part.bytes, "B"),
            quantity(part.expected_s, "s"),
            bound_label(part.bound),
        )
        for label, part in parts
        if part is not None
    )
    number = plural(steps.count, "chunk" if report.order.startswith("chunk") else "step")
    title = f"steps in time ({number} of the longest loop)" if steps.others else f"steps in time ({number})"
    return Table(title=title, columns=columns, rows=rows)


def _is_below(part: Sum) -> bool:
    """Whether a sum leaves out arithmetic that no rule knows."""
    return any(cost.traffic.work.is_assumed for cost in part.costs)


def _row(label: str, op_class: str, total: Sum, share: float, part: str) -> tuple[str, ...]:
    below = _is_below(total)
    return (
        label,
        part,
        op_class,
        count(total.calls),
        quantity(total.macs, lower_bound=below),
        quantity(total.flops, lower_bound=below),
        quantity(total.bytes, "B"),
        plain(total.intensity, lower_bound=below),
        quantity(total.expected_s, "s"),
        percent(share),
        bound_label(total.bound),
    )
