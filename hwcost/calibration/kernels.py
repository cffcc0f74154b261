"""What the libraries reach by shape of the work, from readings: the numbers of a profile's `kernels`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hwcost.calibration.places import Memory, Place
from hwcost.calibration.reading import Reading, Readings

LEAST_PART: Final = 0.05
"""What remains of a time at least when starts are taken off: noise may make less of it."""

MATTERS: Final = 1.3
"""A level slows work down where it takes this many times as long as from the nearest cache."""

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
    found["conv"] = _convolutions(readings, peak_flop_per_s)
    for kind in ("depthwise", "attention"):
        found[kind] = _by_side(readings, kind, peak_flop_per_s)
    for kind in GATES:
        found[kind] = _layers(readings, kind, memory, peak_flop_per_s, found["gemm"])
        cell = readings.one(f"{kind} cell")
        if cell is not None:
            found[f"{kind}_cell"] = Figures(start_s=cell.seconds)
    return {name: figures for name, figures in found.items() if figures is not None}


def start_s(readings: Readings, kind: str) -> float:
    """Seconds of a call with next to no work; those of any op where that one was not timed."""
    reading = readings.one(f"start {kind}") or readings.one("start op")
    return reading.seconds if reading else 0.0


def net_s(reading: Reading, off_s: float) -> float:
    """What a call takes beside its start."""
    return max(reading.seconds - off_s, LEAST_PART * reading.seconds)


def shares_by_level(
    times: Mapping[tuple[int, int], float], flops: Mapping[int, float], memory: Memory, peak_flop_per_s: float
) -> tuple[dict[int, float], dict[str, dict[int, float]]]:
    """Shares of the peak by side, in the nearest place, and of each further level's bandwidth by side.

    times: seconds per byte of weights by (side, bytes of weights). flops: per byte of weights, by side.
    A level that a side takes hardly longer from than from the nearest one has a share of 1 there: it is
    not what the time goes to.
    """
    weights = memory.weights
    peak_share = {
        side: min(flops[side] / seconds / peak_flop_per_s, 1.0)
        for (side, size), seconds in times.items()
        if size == weights[""]
    }
    level_share = {}
    for place in memory.places:
        shares = {
            side: _level_share(seconds, flops[side] / (peak_flop_per_s * peak_share[side]), place)
            for (side, size), seconds in times.items()
            if size == weights.get(place.name) and side in peak_share
        }
        if shares:
            level_share[place.name] = shares
    return peak_share, level_share


def _level_share(seconds: float, near_s: float, place: Place) -> float:
    if seconds < MATTERS * near_s:
        return 1.0
    return min(1 / (seconds * place.peak_bytes_per_s), 1.0)


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


def _convolutions(readings: Readings, peak_flop_per_s: float) -> Figures | None:
    """Readings "conv": sizes (positions, bytes of weights); "conv pack": the same, over a small image.

    Over a small image what is beyond the peak is the packing; over larger ones the share is what is left.
    """
    start = start_s(readings, "conv")
    packs = {
        reading.sizes[1]: net_s(reading, start + reading.work / peak_flop_per_s) / reading.sizes[1]
        for reading in readings.of("conv pack")
    }
    shares = {}
    for reading in readings.of("conv"):
        positions, weight_bytes = reading.sizes
        off_s = start + packs.get(weight_bytes, 0.0) * weight_bytes
        shares[positions] = min(reading.work / net_s(reading, off_s) / peak_flop_per_s, 1.0)
    return Figures(start_s=start, peak_share=shares, pack_s_per_byte=packs) if shares else None


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
    """start: a step of the smallest layer. element: of a narrow layer with a wide batch, beside its product.

    pack: what a call takes beside its steps, and beside the smallest layer's, per byte of both matrices.
    """
    tiny, *others = steps_of(readings.of(f"{kind} steps")) or (None,)
    if tiny is None or not others:
        return None
    narrow = steps_of(readings.of(f"{kind} narrow"))
    start, call = tiny.step_s, tiny.rest_s
    gates = GATES[kind]
    element = 0.0
    for step in narrow:
        # An LSTM multiplies packed weights, near the peak; the others as any product of so many rows.
        shares = {} if kind == "lstm" or products is None else products.peak_share
        product_s = 2 * step.batch * gates * step.hidden**2 / (peak_flop_per_s * shares.get(step.batch, 1.0))
        element = max((step.step_s - start - product_s) / (step.batch * step.hidden), 0.0)
    times, flops_by_side, packs = {}, {}, {}
    for step in others:
        weight_bytes = FLOAT_BYTES * gates * step.hidden**2
        off_s = start + element * step.batch * step.hidden
        times[step.batch, step.size] = max(step.step_s - off_s, LEAST_PART * step.step_s) / weight_bytes
        flops_by_side[step.batch] = 2 * step.batch / FLOAT_BYTES
        if kind == "lstm" and step.batch == 1:
            packed_bytes = FLOAT_BYTES * gates * step.hidden * (step.hidden + INPUTS)
            packs[packed_bytes] = max(step.rest_s - call, LEAST_PART * step.rest_s) / packed_bytes
    peak_share, level_share = shares_by_level(times, flops_by_side, memory, peak_flop_per_s)
    return Figures(
        start_s=start,
        call_s=call,
        element_s=element,
        pack_s_per_byte=packs,
        peak_share=peak_share,
        level_share=level_share,
    )
