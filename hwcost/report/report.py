"""The report: the costs of a trace on a device, with every sum that is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from hwcost.graph import Part, Trace, leaves
from hwcost.report.changing import ChangingShare
from hwcost.report.costs import Cost
from hwcost.report.fit import Fit
from hwcost.report.formats import Formats
from hwcost.report.generation import Generation, generation_of
from hwcost.report.machine import Machine
from hwcost.report.stream import stream_steps
from hwcost.report.sums import Layer, Steps, Sum, layers_of, steps_of, sum_of
from hwcost.report.training import Footprint, optimizer_of, parts_of


@dataclass(frozen=True, kw_only=True)
class Report:
    """The costs of a trace on a device. It has no slots, so that a sum is made once and kept.

    order, fusion: how it was taken to run. sequential_depth: products and steps on the longest chain of
    dependent ones, loops counted `times`. lints: sentences on what the reader may want to mend.
    stored: the formats that were asked for; None: all as traced. fit: how the model was made comparable.
    footprint: the memory of a training iteration; None for a forward pass.
    resident: share of the weights that a device which computes in place keeps there; None for others.
    changing: what operands that change take on a device that holds weights in arrays; None for others.
    """

    trace: Trace
    machine: Machine
    order: str
    fusion: str
    costs: tuple[Cost, ...]
    sequential_depth: int
    lints: tuple[str, ...] = ()
    stored: Formats | None = None
    fit: Fit | None = None
    footprint: Footprint | None = None
    resident: float | None = None
    changing: ChangingShare | None = None

    @property
    def formats(self) -> Formats:
        """In which formats the model's numbers are stored."""
        return self.stored or Formats.uniform(self.trace.dtype)

    @cached_property
    def totals(self) -> Sum:
        """The sum of all costs."""
        return sum_of(self.costs)

    @cached_property
    def parts(self) -> Mapping[Part, Sum]:
        """The sums of the parts of a training iteration; nothing for a forward pass alone."""
        return parts_of(self.costs)

    @cached_property
    def optimizer(self) -> str:
        """The optimiser of a training iteration, "" where none takes a step."""
        return optimizer_of(self.costs)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Sums by module, op and op class, in order of first appearance, free views left out."""
        return layers_of(self.costs)

    @cached_property
    def steps(self) -> Steps | None:
        """One time step, or one chunk of a stream; None where no loop runs along time."""
        return stream_steps(self.costs, self.trace.items) or steps_of(self.costs)

    @cached_property
    def generation(self) -> Generation | None:
        """The parts of a generation: prompt and tokens; None for any other order."""
        return generation_of(self.trace, self.costs, self.steps)

    @cached_property
    def state_bytes(self) -> int | None:
        """What a stream keeps between its steps: states, rings, K and V at its end; None offline."""
        if self.order == "offline":
            return None
        tensors = (t for op, _ in leaves(self.trace.items) for t in (*op.inputs, *op.outputs))
        return sum(storage.bytes for storage in {t.storage for t in tensors if t.role == "state"})

    @property
    def bound(self) -> str:
        """Where most of the time goes: "compute", a level, or "latency", also of a model without ops."""
        bound = self.totals.bound
        return "latency" if bound == "free" else bound

    @property
    def farthest_level(self) -> str:
        """The level whose bytes the totals count: the last that serves any."""
        slopes = self.machine.slopes
        return self.totals.farthest.level or (slopes[-1].level if slopes else "")

    @property
    def ridge_point(self) -> float | None:
        """Intensity where the roof meets the farthest slope, both at their peak, in FLOP per byte."""
        slope = self.machine.slope(self.farthest_level)
        if slope is None or not slope.peak_bytes_per_s:
            return None
        return self.machine.roof.peak_flop_per_s / slope.peak_bytes_per_s

    @property
    def roofline_s(self) -> float:
        """A bound below any honest measurement: max(flops / peak, low bytes / peak bandwidth ...).

        It allows every op to overlap with every other, so the sum over the ops is never below it;
        except where an op of a narrower dtype runs under a higher roof: then that sum is the bound.
        """
        low_bytes = {crossing.level: crossing.low_bytes for crossing in self.totals.crossings}
        return roofline_s(self.machine, self.totals.flops, low_bytes, self.totals.roofline_s)

    @property
    def fits(self) -> bool | None:
        """Whether the device's memory holds what must be in it at once; None where its size is not known."""
        memory = self.machine.memory_bytes
        return None if memory is None else self.held_bytes <= memory

    @property
    def held_bytes(self) -> int:
        """What must be in memory at once: the weights; in training all that is there at its peak.

        In a generation also what is kept at its end, such as keys and values.
        """
        if self.footprint is not None:
            return self.footprint.peak_bytes
        return self.trace.weight_bytes + (self.state_bytes or 0 if self.generation else 0)

    @property
    def on_chip(self) -> float | None:
        """The share of the weights for which there is room beside the units: in place, or in nearer levels.

        None where the profile knows the size of no level but the farthest.
        """
        if self.resident is not None:
            return self.resident
        nearer = [slope.size_bytes for slope in self.machine.slopes if slope.level != self.farthest_level]
        sizes = [size for size in nearer if size is not None]
        weights = self.trace.weight_bytes
        if not sizes:
            return None
        return min(1.0, sum(sizes) / weights) if weights else 1.0

    @property
    def assumed_ops(self) -> tuple[str, ...]:
        """Names of the ops that no rule knows, in order of first appearance."""
        works = (cost.traffic.work for cost in self.costs)
        return tuple(dict.fromkeys(work.op.name for work in works if work.is_assumed))

    @property
    def lower_bound(self) -> bool:
        """Whether the totals leave out arithmetic that no rule knows."""
        return bool(self.assumed_ops)

    def to_dict(self) -> dict[str, object]:
        """The report as plain values of JSON, schema "hwcost.report/1"."""
        from hwcost.report.contract import report_dict

        return report_dict(self)


def roofline_s(machine: Machine, flops: int, low_bytes: Mapping[str, float], of_ops_s: float) -> float:
    """max(flops / peak, low bytes / peak bandwidth of each level), at most the sum of the ops' own."""
    peak = machine.roof.peak_flop_per_s
    levels = (
        low_bytes.get(slope.level, 0.0) / slope.peak_bytes_per_s
        for slope in machine.slopes
        if slope.peak_bytes_per_s
    )
    return min(max([flops / peak if peak else 0.0, *levels]), of_ops_s)
