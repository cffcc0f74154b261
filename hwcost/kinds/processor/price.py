"""Seconds and joules of traffic on a processor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from hwcost.devices.device import Device
from hwcost.graph import Tensor, Work
from hwcost.kinds.processor.by_measurement import kernel_of, measured_timing
from hwcost.kinds.processor.by_operator import Operator, hidden_saving, operator_of, operator_timing
from hwcost.kinds.processor.by_shape import kernels_of, saving, timing
from hwcost.kinds.processor.interval import Parts, interval
from hwcost.kinds.processor.loops import loop_s
from hwcost.kinds.processor.rates import (
    FLOPS_PER_MAC,
    Rate,
    energy_j_per_flop,
    product_rate,
    special_per_s,
    vector_rate,
)
from hwcost.report import Cost, Traffic
from hwcost.units import is_floating, real_dtype

DEFAULT_EFFICIENCY = "default"
"""Entry of a device's efficiencies for an op class that it does not name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What a device does on one dtype, at its peak.

    mac_rate: the unit for multiply-adds. mac_flop_per_s: its rate. vector_rate: the unit for what is no
    product. vector_flop_per_s: its rate.
    most_flop_per_s: the higher of the two. special_per_s: exp, tanh and the like.
    energy_j_per_flop: 0 where the device has no figures.
    """

    mac_rate: Rate
    mac_flop_per_s: float
    vector_rate: Rate
    vector_flop_per_s: float
    most_flop_per_s: float
    special_per_s: float
    energy_j_per_flop: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What a device charges: looked up once for all ops. Levels without a figure are left out."""

    device: Device
    speed: Callable[[str], Speed]
    achieved_bytes_per_s: Mapping[str, float]
    peak_bytes_per_s: Mapping[str, float]
    energy_j_per_byte: Mapping[str, float]


def price(traffics: Iterable[Traffic], device: Device) -> tuple[Cost, ...]:
    """The cost of each traffic, over all its calls.

    Where the profile has kernels that were measured, products are timed by them (`by_measurement`).
    Products, convolutions and recurrent steps of a device with a family are timed by their shape
    (`by_shape`): that gives their part of compute_s, the farthest level's seconds, and latency_s. Its
    attention and depthwise convolutions have kernels of their own (`by_operator`). Else, and of all else:

    compute_s   2*macs / (peak * efficiency) on the fastest unit
                + vector_ops / (peak/2 * efficiency) on the vector unit
                + special_ops / special_per_s, a rate that is reached, so without efficiency;
                at least what an eager runtime takes element by element (`loops`)
    level_s     bytes / achieved bandwidth, of each level whose bandwidth is known
    latency_s   kernels * kernel_s; of a step of a recurrent layer kernels * step_s
    expected_s  max(compute_s, level_s ...) + latency_s
    roofline_s  max(flops / peak, low bytes / peak bandwidth ...), never above expected_s
    fast_s, slow_s  see `interval`
    energy_j    flops * J/FLOP + bytes * J/B of each level + static power * expected_s
    bound       the largest of compute_s, level_s and latency_s; of equals the one named first
    """
    tariff = _tariff(device)
    return tuple(_cost(traffic, tariff) for traffic in traffics)


def mac_dtype(work: Work) -> str:
    """What the products compute in: the dtype of both operands together, else the op's."""
    return work.operand_dtype if work.macs else op_dtype(work)


def op_dtype(work: Work) -> str:
    """What the rest computes in: the dtype of its products.

    Of an op without any, that of the first real number that it touches, not of a mask or an index. Operations
    that are counted in real numbers are real ones, whatever they work on.
    """
    if work.macs:
        return work.operand_dtype
    tensors: tuple[Tensor, ...] = (*work.reads, *work.writes)
    names = [tensor.dtype for tensor in tensors]
    found = next(filter(is_floating, names), names[0] if names else "float32")
    return real_dtype(found) if work.counts_real else found


def _tariff(device: Device) -> Tariff:
    return Tariff(
        device=device,
        speed=cache(lambda dtype: _speed(device, dtype)),
        achieved_bytes_per_s={
            level.name: float(level.achieved_bytes_per_s)
            for level in device.levels
            if level.achieved_bytes_per_s is not None
        },
        peak_bytes_per_s={
            level.name: float(level.peak_bytes_per_s)
            for level in device.levels
            if level.peak_bytes_per_s is not None
        },
        energy_j_per_byte={
            level.name: float(level.energy_j_per_byte)
            for level in device.levels
            if level.energy_j_per_byte is not None
        },
    )


def _speed(device: Device, dtype: str) -> Speed:
    fastest, rest = product_rate(device, dtype), vector_rate(device, dtype)
    return Speed(
        mac_rate=fastest,
        mac_flop_per_s=fastest.flop_per_s,
        vector_rate=rest,
        vector_flop_per_s=rest.flop_per_s,
        most_flop_per_s=max(fastest.flop_per_s, rest.flop_per_s),
        special_per_s=special_per_s(device, rest),
        energy_j_per_flop=energy_j_per_flop(device, dtype),
    )


def _cost(traffic: Traffic, tariff: Tariff) -> Cost:
    work, device = traffic.work, tariff.device
    for_macs, for_rest = tariff.speed(mac_dtype(work)), tariff.speed(op_dtype(work))
    parts = _parts(traffic, for_macs, for_rest, tariff)
    expected_s = parts.expected_s
    kernels = kernels_of(work, device, for_macs.mac_rate)
    is_measured = kernel_of(work, device) is not None
    operator = None if kernels or is_measured else operator_of(work, device, for_macs.mac_rate)
    saved = hidden_saving(work) if operator else saving(work, kernels)
    roofline_s = _roofline_s(traffic, for_macs, for_rest, tariff, saved)
    fast_s, slow_s = interval(traffic, parts, roofline_s, kernels, operator, is_measured=is_measured)
    return Cost(
        traffic=traffic,
        compute_s=parts.compute_s,
        level_s=parts.level_s,
        latency_s=parts.latency_s,
        expected_s=expected_s,
        roofline_s=roofline_s,
        energy_j=_energy_j(traffic, for_macs, for_rest, tariff, expected_s),
        bound=_bound({"compute": parts.compute_s, **parts.level_s, "latency": parts.latency_s}),
        fast_s=fast_s,
        slow_s=slow_s,
    )


def _parts(traffic: Traffic, for_macs: Speed, for_rest: Speed, tariff: Tariff) -> Parts:
    """The seconds of each part, by one efficiency per op class or by the shape."""
    work, device = traffic.work, tariff.device
    efficiency = _efficiency(device, work)
    level_s = {
        crossing.level: crossing.bytes / tariff.achieved_bytes_per_s[crossing.level]
        for crossing in traffic.crossings
        if crossing.level in tariff.achieved_bytes_per_s
    }
    kernels = kernels_of(work, device, for_macs.mac_rate)
    if device.kernels:
        least_s = _least_compute_s(work, for_macs, for_rest, saving(work, kernels))
        rest_s = _rest_s(work, for_rest, efficiency, device)
        measured = measured_timing(traffic, device, for_macs.mac_flop_per_s, rest_s, least_s)
        if measured is not None:
            return Parts(compute_s=measured.compute_s, level_s=measured.level_s, latency_s=measured.latency_s)
    operator = None if kernels else operator_of(work, device, for_macs.mac_rate)
    if operator is not None and traffic.calls:
        return _by_operator(traffic, operator, for_macs, for_rest, tariff, level_s)
    if kernels is None or not traffic.calls:
        start_s = device.step_s if work.op_class == "recurrent step" else device.kernel_s
        compute_s = _mac_s(work, for_macs, efficiency) + _rest_s(work, for_rest, efficiency, device)
        return Parts(
            compute_s=traffic.calls * compute_s,
            level_s=level_s,
            latency_s=traffic.calls * work.kernels * start_s,
        )
    farthest = traffic.crossings[-1]
    peak_memory_s = farthest.bytes / tariff.peak_bytes_per_s[farthest.level] / traffic.calls
    found = timing(work, traffic.times, kernels, for_macs.mac_rate, device.cores, peak_memory_s)
    return Parts(
        compute_s=traffic.calls * (found.compute_s + _rest_s(work, for_rest, efficiency, device)),
        level_s={**level_s, farthest.level: traffic.calls * found.memory_s},
        latency_s=traffic.calls * found.start_s,
    )


def _by_operator(
    traffic: Traffic,
    operator: Operator,
    for_macs: Speed,
    for_rest: Speed,
    tariff: Tariff,
    level_s: Mapping[str, float],
) -> Parts:
    """The seconds of each part of an op that the family has a kernel of its own for."""
    farthest, calls = traffic.crossings[-1], traffic.calls
    found = operator_timing(
        traffic.work,
        operator,
        tariff.device,
        for_macs.mac_rate,
        for_rest.vector_rate,
        peak_memory_s=farthest.bytes / tariff.peak_bytes_per_s[farthest.level] / calls,
        memory_s=level_s[farthest.level] / calls,
    )
    return Parts(
        compute_s=calls * found.compute_s,
        level_s={**level_s, farthest.level: calls * found.memory_s},
        latency_s=calls * found.start_s,
    )


def _mac_s(work: Work, for_macs: Speed, efficiency: float) -> float:
    return FLOPS_PER_MAC * work.macs / (for_macs.mac_flop_per_s * efficiency)


def _rest_s(work: Work, for_rest: Speed, efficiency: float, device: Device) -> float:
    vector_s = FLOPS_PER_MAC * work.vector_ops / (for_rest.vector_flop_per_s * efficiency)
    return max(vector_s, loop_s(work, device)) + work.special_ops / for_rest.special_per_s


def _least_compute_s(work: Work, for_macs: Speed, for_rest: Speed, saved: float) -> float:
    """Seconds that one call takes if the fastest unit did everything at its peak.

    saved: by what the multiplications may fall, where a library knows a method with fewer.
    """
    return (
        FLOPS_PER_MAC * work.macs / saved / for_macs.mac_flop_per_s
        + work.vector_ops / for_rest.most_flop_per_s
        + work.special_ops / max(for_rest.most_flop_per_s, for_rest.special_per_s)
    )


def _roofline_s(traffic: Traffic, for_macs: Speed, for_rest: Speed, tariff: Tariff, saved: float) -> float:
    levels_s = (
        crossing.low_bytes / tariff.peak_bytes_per_s[crossing.level]
        for crossing in traffic.crossings
        if crossing.level in tariff.peak_bytes_per_s
    )
    return max(traffic.calls * _least_compute_s(traffic.work, for_macs, for_rest, saved), 0.0, *levels_s)


def _energy_j(
    traffic: Traffic, for_macs: Speed, for_rest: Speed, tariff: Tariff, expected_s: float
) -> float | None:
    """Joules of all calls; None where the device has figures neither per operation nor per byte."""
    per_byte, device = tariff.energy_j_per_byte, tariff.device
    if not device.energy_j_per_flop and not per_byte:
        return None
    work = traffic.work
    macs_j = FLOPS_PER_MAC * work.macs * for_macs.energy_j_per_flop
    rest_j = (work.vector_ops + work.special_ops) * for_rest.energy_j_per_flop
    moved_j = sum(crossing.bytes * per_byte.get(crossing.level, 0.0) for crossing in traffic.crossings)
    return traffic.calls * (macs_j + rest_j) + moved_j + (device.static_w or 0.0) * expected_s


def _efficiency(device: Device, work: Work) -> float:
    return device.efficiency.get(work.op_class, device.efficiency.get(DEFAULT_EFFICIENCY, 1.0))


def _bound(seconds: Mapping[str, float]) -> str:
    longest = max(seconds, key=seconds.__getitem__)
    return longest if seconds[longest] > 0 else "free"
