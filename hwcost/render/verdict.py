"""The verdict on a model in plain words: what binds it, by how much, and what the figures rest on."""

from __future__ import annotations

from math import fsum

from hwcost.render.fit import fit_notes
from hwcost.render.words import bound_label, count, level_label, listed, percent, plain, plural, quantity
from hwcost.report import Cost, Report, Steps, Sum
from hwcost.report.stream import STREAM

TINY = 0.005
"""A share of the time that is not worth a word."""


def verdict(report: Report) -> str:
    """A few sentences; the first says what the model is bound by, on the numbers of the report."""
    totals = report.totals
    if not totals.expected_s:
        return f"{_subject(report)} has nothing to do: no op of it costs anything."
    if report.bound == "compute":
        reason = _compute(report)
    elif report.bound == "latency":
        reason = _latency(report)
    else:
        reason = _bandwidth(report)
    sentences = [f"{_subject(report)} is bound by {reason}.", _shares(totals)]
    return " ".join([*sentences, *caveats(report)])


def caveats(report: Report) -> tuple[str, ...]:
    """What turns the figures around: weights that do not fit, arithmetic that is not known."""
    return tuple(sentence for sentence in (_fit(report), _lower_bound(report)) if sentence)


def notes(report: Report) -> tuple[str, ...]:
    """What else the reader of the figures must know, most important first."""
    machine = report.machine
    found = [*fit_notes((report,)), *report.lints]
    if machine.unverified_numbers:
        numbers = plural(machine.unverified_numbers, "unverified number")
        found.append(f"Rests on {numbers} of the device (see: hwcost devices show {machine.name}).")
    found += [f"Assumed: {assumption}" for assumption in report.trace.assumptions]
    found += machine.stand_ins
    found += machine.notes
    return tuple(found)


def settings(*reports: Report) -> str:
    """How the reports were run, in one line: what they have in common."""
    every = [_settings(report) for report in reports]
    return ", ".join(part for part in every[0] if all(part in parts for parts in every))


def _settings(report: Report) -> tuple[str, ...]:
    trace = report.trace
    parts = (
        *_length(report),
        f"batch {trace.batch}" if trace.batch is not None else "",
        *_formats(report),
        "" if report.generation else report.order,
        report.fusion,
        f"training with {report.optimizer}" if report.parts else "",
    )
    return tuple(part for part in parts if part)


def _length(report: Report) -> tuple[str, ...]:
    found, steps = report.generation, report.trace.seq_len
    if found is not None:
        return f"prompt of {plural(found.prompt, 'token')}", f"{count(found.tokens)} generated"
    return () if steps is None else (plural(steps, "step"),)


def _formats(report: Report) -> tuple[str, ...]:
    """One dtype where all is in it; else what is stored in which."""
    formats = report.formats
    if formats.is_uniform:
        return (formats.weights,)
    kv = f"{formats.kv} K and V" if formats.kv != formats.activations else ""
    return (f"{formats.weights} weights", f"{formats.activations} activations", kv)


def _subject(report: Report) -> str:
    return f"{report.trace.model} on {report.machine.name}"


def _bandwidth(report: Report) -> str:
    """Bytes of a step (or of the pass) against the seconds that its arithmetic alone would take.

    What it would need is left out where part of the arithmetic is unknown.
    """
    level = report.bound
    name = level_label(level)
    round_ = _typical_step(report)
    whole = "1 iteration" if report.parts else "1 pass"
    scope, part = (whole, report.totals) if round_ is None else ("1 step", round_)
    moved = part.crossing(level).bytes
    slope = report.machine.slope(level)
    has = None if slope is None else slope.achieved_bytes_per_s
    text = f"{name} bandwidth: {scope} moves {quantity(moved, 'B')}"
    owner = "the device" if level == report.farthest_level else f"its {name}"
    if not part.compute_s or report.lower_bound:
        return text if has is None else f"{text}, {owner} has {quantity(has, 'B/s')}"
    need = quantity(moved / part.compute_s, "B/s")
    text = f"{text}, needs {need} to keep the {_units(report)} busy"
    return text if has is None else f"{text}, {owner} has {_without_unit_of(quantity(has, 'B/s'), need)}"


def _compute(report: Report) -> str:
    """Intensity against the ridge point, and how much of the peak is reached."""
    totals, ridge = report.totals, report.ridge_point
    peak = report.machine.roof.peak_flop_per_s
    reached = totals.flops / totals.expected_s
    speed = f"{quantity(reached, 'FLOP/s')} is reached, {percent(reached / peak)} of the peak" if peak else ""
    if totals.intensity is None or ridge is None:
        return f"compute: {speed}" if speed else "compute"
    intensity = f"{plain(totals.intensity)} FLOP/byte"
    point = f"a ridge point of {plain(ridge)}"
    if totals.intensity >= ridge:
        text = f"compute: {intensity} against {point}"
    else:
        text = f"compute, although {intensity} is below {point}: its kernels are far from the roof"
    return f"{text}; {speed}" if speed else text


def _latency(report: Report) -> str:
    """How often something starts, and what a start costs."""
    totals = report.totals
    whole = f"{quantity(totals.latency_s, 's')} of {quantity(totals.expected_s, 's')}"
    step, steps = _typical_step(report), report.steps
    if step is not None and steps is not None:
        each = quantity(step.latency_s, "s")
        return f"latency: {plural(steps.count, 'step')}, each {each} before any work, {whole}"
    starts = sum(
        cost.traffic.calls * cost.traffic.work.kernels for cost in report.costs if cost.latency_s > 0
    )
    if not starts:
        return f"latency: {whole}"
    each = quantity(totals.latency_s / starts, "s")
    return f"latency: {plural(starts, 'kernel')}, each {each} before any work, {whole}"


def _typical_step(report: Report) -> Sum | None:
    """A steady step, if what binds the model happens mostly in its steps."""
    steps = report.steps
    if steps is None:
        return None
    bound = report.bound
    looped = fsum(
        cost.expected_s for cost in report.costs if cost.bound == bound and _is_in_a_step(cost, steps)
    )
    if looped < report.totals.bound_s[bound] / 2:
        return None
    return steps.steady or steps.last or steps.first


def _is_in_a_step(cost: Cost, steps: Steps) -> bool:
    """Whether a cost belongs to the steps that the report shows."""
    axis = cost.traffic.axis
    return axis in STREAM or (axis == "time" and cost.traffic.times == steps.count)


def _shares(totals: Sum) -> str:
    """Where the time goes: one share where it is nearly all, else each that is not tiny."""
    share = totals.bound_s[totals.bound] / totals.expected_s
    if share >= 1 - TINY:
        return "All of the time goes there."
    if share >= 0.9:
        return f"{percent(share)} of the time goes there."
    shares = {bound: seconds / totals.expected_s for bound, seconds in totals.bound_s.items()}
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    parts = (f"{bound_label(bound)} {percent(part)}" for bound, part in ordered if part >= TINY)
    return f"The time by bound: {', '.join(parts)}."


def _fit(report: Report) -> str:
    if report.fits is not False or report.machine.memory_bytes is None:
        return ""
    what = "the weights take" if report.footprint is None else "a training iteration takes"
    what = "weights and state take" if report.generation else what
    held, memory = quantity(report.held_bytes, "B"), quantity(report.machine.memory_bytes, "B")
    return f"It does not fit: {what} {held}, the memory of {report.machine.name} holds {memory}."


def _lower_bound(report: Report) -> str:
    names = report.assumed_ops
    if not names:
        return ""
    ops = "the arithmetic of 1 op is" if len(names) == 1 else f"the arithmetic of {len(names)} ops is"
    return f"The totals are a lower bound: {ops} unknown ({listed(names)})."


def _units(report: Report) -> str:
    return "cores" if report.machine.kind == "cpu" else "units"


def _without_unit_of(text: str, other: str) -> str:
    """Drop the unit of a quantity where it is the unit of the one before: "33 GB/s ... 2.7"."""
    value, _, unit = text.partition(" ")
    return value if other.endswith(f" {unit}") else text
