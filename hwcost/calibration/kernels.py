"""What the libraries reach by shape of the work, from readings: the numbers of a profile's `kernels`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hwcost.calibration.parts import parts_of, start_and_element_s
from hwcost.calibration.places import Memory
from hwcost.calibration.reading import Reading, Readings, among_others, start_s
from hwcost.devices.kernels import CONVOLUTIONS, VECTORS

LEAST_PART: Final = 0.05
"""What remains of a time at least when starts are taken off: noise may make less of it."""

GATES: Final = {"lstm": 4, "gru": 3, "rnn": 1}
FLOAT_BYTES: Final = 4

INPUTS: Final = 8
"""Inputs of timed recurrent layers: so few that a further step adds next to nothing to the input product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One kernel in numbers, as `hwcost.devices.kernel.Kernel` has them; None and {} where not measured."""

    start_s: float
    call_s: float | None = None
    element_s: float | None = None
    pack_s_per_byte: Mapping[int, float] = field(default_factory=dict)
    peak_share: Mapping[int, float] = field(default_factory=dict)
    level_share: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


def kernel_figures(readings: Readings, memory: Memory, peak_flop_per_s: float) -> Mapping[str, Figures]:
    """The figures of every kernel that was measured, by name."""
    found: dict[str, Figures | None] = {"gemm": _products(readings, memory, peak_flop_per_s)}
    for kind in CONVOLUTIONS:
        found[kind] = _convolutions(readings, kind, peak_flop_per_s)
    found["attention"] = _by_side(readings, "attention", peak_flop_per_s)
    for kind in VECTORS:
        both = start_and_element_s(readings, kind)
        found[kind] = Figures(start_s=both[0], element_s=both[1]) if both else None
    for kind in GATES:
        found[kind] = _layers(readings, kind, memory, peak_flop_per_s, found["gemm"])
        found[f"{kind}_cell"] = _cell(readings, kind, peak_flop_per_s, found["gemm"])
    mixed = among_others(readings)
    return {
        name: figures if name in GATES else replace(figures, start_s=mixed * figures.start_s)
        for name, figures in found.items()
        if figures is not None
    }


def net_s(reading: Reading, off_s: float) -> float:
    """What a call takes beside its start."""
    return max(reading.seconds - off_s, LEAST_PART * reading.seconds)


def shares_by_level(
    times: Mapping[tuple[int, int], float], flops: Mapping[int, float], memory: Memory, peak_flop_per_s: float
) -> tuple[dict[int, float], dict[str, dict[int, float]]]:
    """Shares of the peak by side, in the nearest place, and of each further level's bandwidth by side.

    times: seconds per byte of weights by (side, bytes of weights). flops: per byte of weights, by side.
    Of weights that nearer levels still hold in part, the time is the sum of what comes from each of them:
    the farthest one's is what is left, and a farther level is never faster than a nearer one.
    """
    weights = memory.weights
    farthest = max(weights.values())
    near = {side: seconds for (side, size), seconds in times.items() if size == weights[""]}
    peak_share = {side: min(flops[side] / near[side] / peak_flop_per_s, 1.0) for side in near}
    level_share: dict[str, dict[int, float]] = {}
    for side in near:
        by_level: dict[str, float] = {}
        for place in memory.places:
            size = weights.get(place.name, 0)
            if (side, size) not in times or not size:
                continue
            whole, left = times[side, size], memory.missing(size, place.name)
            held = sum(
                (memory.missing(size, name) - memory.missing(size, memory.beyond(name))) * seconds
                for name, seconds in by_level.items()
            )
            nearest = (1 - memory.missing(size, next(iter(by_level), place.name))) * near[side]
            slowest = max((near[side], *by_level.values()))
            # A little that misses tells little of how long a miss takes: no longer than where all miss.
            left_s = min((whole - held - nearest) / left, max(times.get((side, farthest), whole), whole))
            by_level[place.name] = max(left_s, slowest)
        for name, seconds in by_level.items():
            share = 1 / (seconds * memory.place(name).peak_bytes_per_s)
            level_share.setdefault(name, {})[side] = min(share, 1.0)
    return peak_share, level_share


def _products(readings: Readings, memory: Memory, peak_flop_per_s: float) -> Figures | None:
    """Readings "product": sizes (side, place), work FLOP; place: the bytes of weights asked for."""
    start = start_s(readings, "gemm")
    rows = readings.of("product")
    if not rows:
        return None
    times, flops = {}, {}
    for reading in rows:
        side, size, weight_bytes = reading.sizes
        times[side, size] = net_s(reading, start) / weight_bytes
        flops[side] = 2 * side / FLOAT_BYTES
    peak_share, level_share = shares_by_level(times, flops, memory, peak_flop_per_s)
    return Figures(start_s=start, peak_share=peak_share, level_share=level_share)


def _convolutions(readings: Readings, kind: str, peak_flop_per_s: float) -> Figures | None:
    parts = parts_of(readings, kind, peak_flop_per_s)
    if parts is None:
        return None
    return Figures(
        start_s=parts.start_s,
        element_s=parts.element_s,
        pack_s_per_byte={1: parts.pack_s_per_byte} if parts.pack_s_per_byte else {},
        peak_share={1: parts.peak_share},
    )


def _by_side(readings: Readings, kind: str, peak_flop_per_s: float) -> Figures | None:
    start = start_s(readings, kind)
    shares = {
        reading.sizes[0]: min(reading.work / net_s(reading, start) / peak_flop_per_s, 1.0)
        for reading in readings.of(kind)
    }
    return Figures(start_s=start, peak_share=shares) if shares else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A recurrent layer of one shape: seconds of one step, and of a call beside its steps."""

    batch: int
    hidden: int
    size: int
    step_s: float
    rest_s: float


def steps_of(readings: Sequence[Reading]) -> tuple[Step, ...]:
    """Steps from pairs of readings that differ in their number: sizes (batch, place, hidden, steps)."""
    by_shape: dict[tuple[int, int, int], list[Reading]] = {}
    for reading in readings:
        batch, size, hidden, _ = reading.sizes
        by_shape.setdefault((batch, size, hidden), []).append(reading)
    found = []
    for (batch, size, hidden), (short, long) in by_shape.items():
        few, many = short.sizes[3], long.sizes[3]
        step_s = max((long.seconds - short.seconds) / (many - few), LEAST_PART * long.seconds / many)
        rest_s = max(short.seconds - few * step_s, 0.0)
        found.append(Step(batch=batch, hidden=hidden, size=size, step_s=step_s, rest_s=rest_s))
    return tuple(found)


def _layers(
    readings: Readings, kind: str, memory: Memory, peak_flop_per_s: float, products: Figures | None
) -> Figures | None:
    """start: a step of the smallest layer. element: of a narrow one with a wide batch, beside its product."""
    tiny, *others = steps_of(readings.of(f"{kind} steps")) or (None,)
    if tiny is None:
        return None
    narrow = steps_of(readings.of(f"{kind} narrow"))
    start, call = tiny.step_s, tiny.rest_s
    gates = GATES[kind]
    # An LSTM multiplies packed weights, near the peak; the others as any product of so many rows.
    shares = {} if kind == "lstm" or products is None else products.peak_share
    element = 0.0
    for step in narrow:
        product_s = 2 * step.batch * gates * step.hidden**2 / (peak_flop_per_s * shares.get(step.batch, 1.0))
        element = max((step.step_s - start - product_s) / (step.batch * step.hidden), 0.0)
    times, flops_by_side = {}, {}
    for step in others:
        weight_bytes = FLOAT_BYTES * gates * step.hidden**2
        off_s = start + element * step.batch * step.hidden
        times[step.batch, step.size] = max(step.step_s - off_s, LEAST_PART * step.step_s) / weight_bytes
        flops_by_side[step.batch] = 2 * step.batch / FLOAT_BYTES
    peak_share, level_share = shares_by_level(times, flops_by_side, memory, peak_flop_per_s)
    return Figures(
        start_s=start,
        call_s=call,
        element_s=element,
        pack_s_per_byte=_packing(readings, kind, call),
        peak_share=peak_share,
        level_share=level_share,
    )


def _cell(readings: Readings, kind: str, peak_flop_per_s: float, products: Figures | None) -> Figures | None:
    """Readings "lstm cell": sizes (hidden, batch), of the smallest and of a narrow one with a wide batch."""
    rows = readings.of(f"{kind} cell")
    if not rows or products is None:
        return None
    small, large = rows[0], rows[-1]
    hidden, batch = large.sizes
    share = products.peak_share.get(batch, 1.0)
    product_s = 2 * batch * GATES[kind] * hidden * (hidden + INPUTS) / (peak_flop_per_s * share)
    element_s = max((large.seconds - small.seconds - product_s) / (hidden * batch), 0.0)
    return Figures(start_s=small.seconds, element_s=element_s)


def _packing(readings: Readings, kind: str, call_s: float) -> dict[int, float]:
    """Seconds per byte of a matrix that a call puts into another order, by its bytes.

    Readings "lstm pack": sizes (batch 1, bytes, hidden, steps), with as many inputs as hidden. What a call
    takes beside its steps is the packing of two matrices, the start, and the input product, which reads
    as much as a step.
    """
    found = {}
    for step in steps_of(readings.of(f"{kind} pack")):
        size = FLOAT_BYTES * GATES[kind] * step.hidden**2
        both_s = max(step.rest_s - call_s - step.step_s, LEAST_PART * step.rest_s)
        found[size] = both_s / (2 * size)
    return found
