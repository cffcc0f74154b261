"""The nouns of a calibration: a timed call, the machine that ran it, and all readings of one run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

QUIET_LOAD = 0.5
"""Cores that other programs may take before figures are said to suffer."""

QUIET_SPREAD = 1.15
"""How far apart the quartiles of a repeated call may lie, at the median over all calls."""

MIXED = ("start op", "start gemm", "start attention", "gelu", "silu", "softmax", "layer_norm", "batch_norm")
"""Kinds of calls, the smallest of each, that are also called in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One call, timed several times. spread: third quartile over first; repeats: how often."""

    seconds: float
    spread: float
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was timed: its kind, its sizes in the order that the kind says, and the work of one call.

    kind: "read lstm" and the like; sizes: counts and bytes; work: bytes or FLOP, 0 where only time counts.
    """

    kind: str
    sizes: tuple[int, ...]
    work: float
    sample: Sample

    @property
    def seconds(self) -> float:
        return self.sample.seconds

    @property
    def rate(self) -> float:
        """Work per second."""
        return self.work / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where, when and with what it was measured.

    title: the processor in words. kind: "cpu" or "gpu". when: date and time, UTC. versions: of the system,
    Python and torch, in one line. threads: used by torch. cores: that the system has. load: programs that
    ran beside it on average in the minute before. memory_bytes: of the last level; 0 unknown.
    caches: (name, bytes) as the system tells them, nearest first, those of all used threads together.
    """

    title: str
    kind: str
    when: str
    versions: str
    threads: int
    cores: int
    load: float
    memory_bytes: int
    caches: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """All readings of one run."""

    machine: Machine
    every: tuple[Reading, ...]

    def of(self, kind: str) -> tuple[Reading, ...]:
        """Those of one kind, in order of their sizes."""
        found = (reading for reading in self.every if reading.kind == kind)
        return tuple(sorted(found, key=lambda reading: reading.sizes))

    def one(self, kind: str, *sizes: int) -> Reading | None:
        """The one with these sizes; None where it was not, or could not be, measured."""
        found = (reading for reading in self.of(kind) if reading.sizes == sizes)
        return next(found, None)

    @property
    def spread(self) -> float:
        """The median of all spreads."""
        return median(reading.sample.spread for reading in self.every) if self.every else 1.0

    def warnings(self) -> Iterator[str]:
        """Sentences on why the figures may not hold."""
        if self.machine.load > QUIET_LOAD:
            yield (
                f"The machine was busy: {self.machine.load:.1f} programs ran on its"
                f" {self.machine.cores} cores in the minute before; calibrate again when it is quiet."
            )
        if self.spread > QUIET_SPREAD:
            yield (
                f"The times were unsteady: at the median the quartiles of a repeated call lie a factor of"
                f" {self.spread:.2f} apart; calibrate again when nothing else runs."
            )


def start_s(readings: Readings, kind: str) -> float:
    """Seconds of a call with next to no work; those of any op where that one was not timed."""
    reading = readings.one(f"start {kind}") or readings.one("start op")
    return reading.seconds if reading else 0.0


def among_others(readings: Readings) -> float:
    """How many times as long small calls take one after another as each takes again and again.

    Reading "mixed": one round of the small calls that MIXED names. Code and branches of one call push out
    those of another; what a model runs is such a round.
    """
    mixed = readings.one("mixed")
    alone = [min(readings.of(kind), key=lambda row: row.work, default=None) for kind in MIXED]
    if mixed is None or None in alone:
        return 1.0
    return max(mixed.seconds / sum(row.seconds for row in alone if row is not None), 1.0)
