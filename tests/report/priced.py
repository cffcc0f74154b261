"""Costs made by hand, and random ones, for the sums of a report."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from hwcost.graph import Op, Trace, Work
from hwcost.report import Cost, Crossing, Machine, Report, Roof, Slope, Traffic

ROOF = Roof(unit="vector", dtype="float32", peak_flop_per_s=1e9, achieved_flop_per_s=5e8)

MACHINE = Machine(
    name="paper",
    title="A machine with 1 GFLOP/s and 100 MB/s",
    kind="cpu",
    unverified_numbers=2,
    roof=ROOF,
    roofs=(ROOF,),
    slopes=(
        Slope(level="l1", size_bytes=1e4, peak_bytes_per_s=1e9, achieved_bytes_per_s=1e9),
        Slope(level="dram", size_bytes=1e9, peak_bytes_per_s=1e8, achieved_bytes_per_s=5e7),
    ),
    memory_bytes=1e9,
)


def cost(
    op: str = "aten.mm",
    *,
    module: str = "",
    op_class: Any = "gemm",
    macs: int = 0,
    vector_ops: int = 0,
    calls: int = 1,
    phase: Any = "once",
    times: int = 1,
    axis: str = "",
    read: float = 0.0,
    write: float = 0.0,
    low: float | None = None,
    high: float | None = None,
    near: float = 0.0,
    compute_s: float = 0.0,
    latency_s: float = 0.0,
    expected_s: float = 0.0,
    roofline_s: float = 0.0,
    energy_j: float | None = None,
    bound: str = "dram",
    attributes: dict[str, Any] | None = None,
    is_assumed: bool = False,
) -> Cost:
    """Bytes and seconds are sums over the calls; read, write, low and high cross DRAM, near crosses L1."""
    work = Work(
        op=Op(name=op, module=module, attributes=attributes or {}),
        op_class=op_class,
        macs=macs,
        vector_ops=vector_ops,
        is_assumed=is_assumed,
    )
    dram = Crossing(
        level="dram",
        read_bytes=read,
        write_bytes=write,
        low_bytes=read + write if low is None else low,
        high_bytes=read + write if high is None else high,
    )
    l1 = Crossing(level="l1", read_bytes=near, write_bytes=0.0, low_bytes=near, high_bytes=near)
    return Cost(
        traffic=Traffic(work=work, calls=calls, phase=phase, times=times, axis=axis, crossings=(l1, dram)),
        compute_s=compute_s,
        level_s={"l1": near / 1e9, "dram": (read + write) / 5e7},
        latency_s=latency_s,
        expected_s=expected_s,
        roofline_s=roofline_s,
        energy_j=energy_j,
        bound=bound,
    )


def report(*costs: Cost, **changes: Any) -> Report:
    trace = Trace(
        model="m",
        parameters=10,
        weight_bytes=changes.pop("weight_bytes", 40),
        dtype="float32",
        items=(),
        seq_len=changes.pop("seq_len", None),
        batch=changes.pop("batch", None),
    )
    return Report(
        trace=trace,
        machine=changes.pop("machine", MACHINE),
        order="offline",
        fusion="eager",
        costs=costs,
        sequential_depth=changes.pop("sequential_depth", 1),
        **changes,
    )


amounts = st.floats(min_value=0, max_value=1e12)

phases = st.sampled_from([("once", 1, ""), ("first", 9, "time"), ("steady", 9, "time"), ("last", 9, "time")])


@st.composite
def costs(draw: st.DrawFn) -> Cost:
    """Any cost in any phase of a loop of nine rounds, or outside."""
    phase, times, axis = draw(phases)
    low = draw(st.floats(0, 1))
    read, write = draw(amounts), draw(amounts)
    return cost(
        draw(st.sampled_from(["aten.mm", "aten.relu", "torch.lstm.step"])),
        module=draw(st.sampled_from(["", "a", "a.b"])),
        op_class=draw(st.sampled_from(["gemm", "pointwise", "recurrent step"])),
        macs=draw(st.integers(0, 10**9)),
        vector_ops=draw(st.integers(0, 10**9)),
        calls=7 if phase == "steady" else 1,
        phase=phase,
        times=times,
        axis=axis,
        read=read,
        write=write,
        low=low * (read + write),
        high=2 * (read + write),
        near=draw(amounts),
        compute_s=draw(amounts),
        latency_s=draw(amounts),
        expected_s=draw(amounts),
        roofline_s=draw(amounts),
        energy_j=draw(amounts),
        bound=draw(st.sampled_from(["compute", "l1", "dram", "latency"])),
        attributes=draw(st.sampled_from([{}, {"layer": "l0"}, {"layer": "l0_reverse"}])),
    )
