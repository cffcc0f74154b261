"""Seconds and joules of traffic on a chip of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil

from hwcost.devices.arrays import Arrays
from hwcost.devices.device import Device
from hwcost.graph import Work
from hwcost.kinds import processor
from hwcost.kinds.crossbar.geometry import (
    OPS_PER_MAC,
    cells_per_weight,
    peak_op_per_s,
    product_j,
)
from hwcost.kinds.crossbar.matrices import Matrix
from hwcost.kinds.crossbar.move import NETWORK, WRITES, loads_in
from hwcost.kinds.crossbar.operands import passing_s, write_s
from hwcost.kinds.crossbar.overlap import STEP, Timed, overlapped
from hwcost.kinds.crossbar.parts import arrays_of, digital_device
from hwcost.kinds.crossbar.placed import Changing, Held, PlacedWork
from hwcost.kinds.processor.rates import energy_j_per_flop, product_rate
from hwcost.report import Cost, Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayPart:
    """What arrays add to the cost of a traffic, over all its calls.

    arrays_s: products in the arrays. writes_s: cells written before. arrays_j, writes_j, network_j:
    joules of each. digital_macs: multiplied beside the arrays after all.
    """

    arrays_s: float = 0.0
    writes_s: float = 0.0
    arrays_j: float = 0.0
    writes_j: float = 0.0
    network_j: float = 0.0
    digital_macs: float = 0.0


def price(traffics: Iterable[Traffic], device: Device) -> tuple[Cost, ...]:
    """The cost of each traffic, over all its calls.

    compute_s   arrays: calls * (max(t_mvm + pipeline, t_tiles) + (ceil(vectors / replicas) - 1) * t_mvm)
                + what the digital unit does, as on a processor
    writes      rows * t_row * turns, per matrix that is missing or changes
    network     its bytes / its bandwidth
    expected_s  max(compute_s + writes, network, levels ...) + latency_s; in a step of a recurrent layer
                writes, arrays, digital unit and network follow one another: their sum. Where
                layers overlap, all of these are shares of the pass (`overlapped`)
    energy_j    digital unit and levels as on a processor + arrays + writes + network + static power
                * expected_s
    fast_s      None: no measurements of whole models to say how far times are off
    roofline_s  max(flops / the peak of arrays and digital unit together, levels at their peak)
    """
    digital = digital_device(device)
    timed = [_timed(traffic, device, digital) for traffic in traffics]
    return overlapped(timed, arrays_of(device), device.static_w or 0.0)


def array_part(traffic: Traffic, device: Device) -> ArrayPart:
    """Seconds and joules of the arrays, the writing and the network."""
    work, arrays = traffic.work, arrays_of(device)
    if not isinstance(work, PlacedWork):
        return ArrayPart()
    parts = [_held(one, traffic, arrays) for one in work.held]
    parts += [_changing(one, traffic, arrays) for one in work.changing]
    network = arrays.network
    moved = sum(crossing.bytes for crossing in traffic.crossings if crossing.level == NETWORK)
    return ArrayPart(
        arrays_s=sum(part.arrays_s for part in parts),
        writes_s=sum(part.writes_s for part in parts),
        arrays_j=sum(part.arrays_j for part in parts),
        writes_j=sum(part.writes_j for part in parts),
        network_j=moved * network.energy_j_per_byte if network else 0.0,
        digital_macs=sum(part.digital_macs for part in parts),
    )


def _timed(traffic: Traffic, device: Device, digital: Device) -> Timed:
    work = traffic.work
    if not isinstance(work, PlacedWork) or not (work.held or work.changing):
        (alone,) = processor.price((traffic,), digital)
        return Timed(cost=replace(alone, fast_s=None, slow_s=None), arrays_s=0.0)
    part, arrays = array_part(traffic, device), arrays_of(device)
    beside = _digital_cost(traffic, digital, work, part)
    own_s = {WRITES: part.writes_s}
    if arrays.network is not None:
        own_s[NETWORK] = traffic.crossings[1].bytes / arrays.network.bytes_per_s
    level_s = {**own_s, **beside.level_s}
    compute_s = part.arrays_s + beside.compute_s
    expected_s = _expected_s(work, compute_s, level_s) + beside.latency_s
    cost = Cost(
        traffic=traffic,
        compute_s=compute_s,
        level_s=level_s,
        latency_s=beside.latency_s,
        expected_s=expected_s,
        roofline_s=max(beside.roofline_s, _least_s(traffic, device, digital)),
        energy_j=_energy_j(beside, part, device, expected_s),
        bound=_bound({"compute": compute_s, **level_s, "latency": beside.latency_s}),
    )
    return Timed(cost=cost, arrays_s=part.arrays_s)


def _held(held: Held, traffic: Traffic, arrays: Arrays) -> ArrayPart:
    """A weight: every call passes its arrays, but those that find it missing and go to the digital unit."""
    matrix, loads = held.matrix, loads_in(held, traffic)
    beside = loads if held.in_digital else 0.0
    calls = max(traffic.calls - beside, 0.0)
    writing = arrays.writing
    writes_s = writes_j = 0.0
    vectors = ceil(matrix.vectors / held.replicas)
    if loads and writing is not None and not held.in_digital:
        writes_s = loads * write_s(matrix, arrays, writing)
        writes_j = loads * _cells(matrix, arrays) * writing.cell_j
    return ArrayPart(
        arrays_s=calls * passing_s(matrix, arrays, vectors, ceil(matrix.arrays / arrays.count)),
        writes_s=writes_s,
        arrays_j=calls * _passing_j(matrix, arrays),
        writes_j=writes_j,
        digital_macs=beside * matrix.macs,
    )


def _changing(change: Changing, traffic: Traffic, arrays: Arrays) -> ArrayPart:
    """An operand that changes: in each call written and then passed, or multiplied beside the arrays."""
    matrix, writing, calls = change.matrix, arrays.writing, traffic.calls
    if not change.waves or writing is None:
        return ArrayPart(digital_macs=float(calls * matrix.macs))
    return ArrayPart(
        arrays_s=calls * passing_s(matrix, arrays, matrix.vectors, change.waves),
        writes_s=calls * write_s(matrix, arrays, writing, change.waves),
        arrays_j=calls * _passing_j(matrix, arrays),
        writes_j=calls * matrix.new * _cells(matrix, arrays) * writing.cell_j,
    )


def _passing_j(matrix: Matrix, arrays: Arrays) -> float:
    """Each vector passes all arrays of its matrix; of small groups along a diagonal, once for all of them."""
    return matrix.vectors * matrix.arrays * product_j(arrays, matrix.form.input_bits)


def _cells(matrix: Matrix, arrays: Arrays) -> float:
    return matrix.weights * cells_per_weight(arrays, matrix.form.weight_bits)


def _digital_cost(traffic: Traffic, digital: Device, work: PlacedWork, part: ArrayPart) -> Cost:
    """What the digital unit does: all that is no product, sums of partial results, products left to it."""
    sums = sum(matrix.partial_sums for matrix in work.passed)
    rest: Work = replace(work, macs=0, vector_ops=work.vector_ops + sums)
    (cost,) = processor.price((replace(traffic, work=rest),), digital)
    if not part.digital_macs:
        return cost
    dtype = work.operand_dtype
    peak = product_rate(digital, dtype).flop_per_s * digital.efficiency.get(work.op_class, 1.0)
    macs_s = OPS_PER_MAC * part.digital_macs / peak
    per_op = energy_j_per_flop(digital, dtype)
    energy_j = None if cost.energy_j is None else cost.energy_j + OPS_PER_MAC * part.digital_macs * per_op
    return replace(cost, compute_s=cost.compute_s + macs_s, energy_j=energy_j)


def _expected_s(work: PlacedWork, compute_s: float, level_s: Mapping[str, float]) -> float:
    levels = [seconds for name, seconds in level_s.items() if name not in (WRITES, NETWORK)]
    network_s, written_s = level_s.get(NETWORK, 0.0), level_s[WRITES]
    if work.op_class == STEP:
        return max(compute_s + written_s + network_s, *levels, 0.0)
    return max(compute_s + written_s, network_s, *levels, 0.0)


def _least_s(traffic: Traffic, device: Device, digital: Device) -> float:
    """No product is sooner done than with every array and the digital unit at their peak."""
    work, arrays = traffic.work, arrays_of(device)
    if not isinstance(work, PlacedWork):
        return 0.0
    forms = {matrix.form for matrix in work.matrices}
    fastest = max(peak_op_per_s(arrays, form) for form in forms)
    fastest += product_rate(digital, work.operand_dtype).flop_per_s
    return traffic.calls * OPS_PER_MAC * work.macs / fastest


def _energy_j(beside: Cost, part: ArrayPart, device: Device, expected_s: float) -> float | None:
    arrays = arrays_of(device)
    if beside.energy_j is None or arrays.energy is None:
        return None
    static_j = (device.static_w or 0.0) * (expected_s - beside.expected_s)
    return beside.energy_j + static_j + part.arrays_j + part.writes_j + part.network_j


def _bound(seconds: Mapping[str, float]) -> str:
    longest = max(seconds, key=seconds.__getitem__)
    return longest if seconds[longest] > 0 else "free"
