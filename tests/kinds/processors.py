"""Devices and ops made by hand, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from hwcost.devices.device import ComputeUnit, Device, Level, Number, Policy
from hwcost.graph import Op, OpClass, Product, Storage, Tensor, Work, contiguous
from hwcost.memory.touches import OpReuse, Sample, Touch


def number(value: float, *, evidence: str = "read") -> Number:
    return Number(value, path="", unit="", text=str(value), evidence=evidence, source="made up")


def level(
    name: str,
    size: float | None,
    peak: float | None = None,
    achieved: float | None = None,
    *,
    policy: Policy = "lru",
    energy: float | None = None,
) -> Level:
    return Level(
        name=name,
        size_bytes=None if size is None else number(size),
        peak_bytes_per_s=None if peak is None else number(peak),
        achieved_bytes_per_s=None if achieved is None else number(achieved),
        policy=policy,
        energy_j_per_byte=None if energy is None else number(energy),
    )


def unit(name: str, peaks: Mapping[str, float], special: float | None = None) -> ComputeUnit:
    return ComputeUnit(
        name=name,
        peak_flop_per_s={dtype: number(peak) for dtype, peak in peaks.items()},
        special_per_s=None if special is None else number(special),
    )


def device(
    *levels: Level,
    kind: str = "cpu",
    units: Sequence[ComputeUnit] = (),
    efficiency: Mapping[str, float] | None = None,
    kernel_s: float = 0.0,
    step_s: float = 0.0,
    energy: Mapping[str, float] | None = None,
    static_w: float | None = None,
) -> Device:
    return Device(
        name="bench",
        title="a bench",
        kind=kind,
        year=None,
        units=tuple(units) or (unit("vector", {"float32": 100e9}, special=1e9),),
        levels=levels,
        efficiency={name: number(share) for name, share in (efficiency or {"default": 1.0}).items()},
        kernel_s=number(kernel_s),
        step_s=number(step_s),
        energy_j_per_flop={dtype: number(joules) for dtype, joules in (energy or {}).items()},
        static_w=None if static_w is None else number(static_w),
        fusion="eager",
        notes=("made up",),
        numbers=(number(1.0), number(2.0, evidence="unverified")),
    )


def matrix(name: str, rows: int, columns: int, dtype: str = "float32") -> Tensor:
    return contiguous(Storage(id=name, elements=rows * columns, dtype=dtype), (rows, columns))


def gemm(
    m: int, k: int, n: int, *, dtype: str = "float32", op_class: OpClass = "gemm", kernels: int = 1
) -> Work:
    a, b, c = matrix("a", m, k, dtype), matrix("b", k, n, dtype), matrix("c", m, n, dtype)
    return Work(
        op=Op(name="aten.mm"),
        op_class=op_class,
        macs=m * k * n,
        reads=(a, b),
        writes=(c,),
        products=(Product(batch=1, m=m, k=k, n=n, a=a, b=b, c=c),),
        kernels=kernels,
    )


def pointwise(elements: int, *, dtype: str = "float32", vector_ops: int = 0, special_ops: int = 0) -> Work:
    x, y = matrix("x", 1, elements, dtype), matrix("y", 1, elements, dtype)
    return Work(
        op=Op(name="aten.relu"),
        op_class="pointwise",
        vector_ops=vector_ops,
        special_ops=special_ops,
        reads=(x,),
        writes=(y,),
    )


def once(distance: float, *, rounds: int = 1, retained: float = 0.0) -> Sample:
    return sample("once", rounds, distance, retained=retained)


def sample(
    phase: str, rounds: int, start: float, end: float | None = None, *, retained: float = 0.0
) -> Sample:
    return Sample(
        phase=phase,
        rounds=rounds,
        start_bytes=start,
        end_bytes=start if end is None else end,
        retained_bytes=retained,
    )


def cold(work: Work, *, calls: int = 1) -> OpReuse:
    """Each tensor is touched for the first time and each result is kept for good."""
    touches = [
        Touch(tensor=tensor, is_write=is_write, bytes=float(tensor.bytes), samples=(once(inf, rounds=calls),))
        for tensors, is_write in ((work.reads, False), (work.writes, True))
        for tensor in tensors
    ]
    return OpReuse(work=work, times=1, axis="", phases=(("once", calls),), touches=tuple(touches))


def looped(work: Work, times: int, *, weight_distance: float) -> OpReuse:
    """A step of a loop: reads a new input and the same weight in each round, writes a temporary."""
    phases = (("first", 1), ("steady", times - 2), ("last", 1))
    activation, weight = work.reads
    (result,) = work.writes
    new = tuple(sample(phase, rounds, inf) for phase, rounds in phases)
    again = (
        sample("first", 1, inf),
        *(sample(phase, rounds, weight_distance, retained=weight_distance) for phase, rounds in phases[1:]),
    )
    dead = tuple(sample(phase, rounds, 0.0) for phase, rounds in phases)
    return OpReuse(
        work=work,
        times=times,
        axis="time",
        phases=phases,
        touches=(
            Touch(tensor=activation, is_write=False, bytes=float(activation.bytes), samples=new),
            Touch(tensor=weight, is_write=False, bytes=float(weight.bytes), samples=again),
            Touch(tensor=result, is_write=True, bytes=float(result.bytes), samples=dead),
        ),
    )
