"""Reports made by hand, with round numbers that a reader can follow."""

from __future__ import annotations

from typing import Any

from hwcost.graph import Op, Trace, Work
from hwcost.report import Cost, Crossing, Machine, Report, Roof, Slope, Traffic

EDGE = Machine(
    name="edge",
    title="An edge processor, 4 cores at 1.3 GHz",
    kind="cpu",
    unverified_numbers=3,
    roof=Roof(unit="vector", dtype="float32", peak_flop_per_s=40e9, achieved_flop_per_s=25e9),
    roofs=(
        Roof(unit="vector", dtype="float32", peak_flop_per_s=40e9, achieved_flop_per_s=25e9),
        Roof(unit="vector", dtype="float64", peak_flop_per_s=10e9, achieved_flop_per_s=6e9),
    ),
    slopes=(
        Slope(level="l2", size_bytes=512 * 1024, peak_bytes_per_s=20e9, achieved_bytes_per_s=15e9),
        Slope(level="dram", size_bytes=512 * 2**20, peak_bytes_per_s=6.4e9, achieved_bytes_per_s=2.7e9),
    ),
    memory_bytes=512 * 2**20,
)

CARD = Machine(
    name="card",
    title="A graphics card with tensor cores",
    kind="gpu",
    unverified_numbers=0,
    roof=Roof(unit="matrix", dtype="float16", peak_flop_per_s=312e12, achieved_flop_per_s=250e12),
    roofs=(
        Roof(unit="matrix", dtype="float16", peak_flop_per_s=312e12, achieved_flop_per_s=250e12),
        Roof(unit="matrix", dtype="tfloat32", peak_flop_per_s=156e12, achieved_flop_per_s=120e12),
        Roof(unit="vector", dtype="float32", peak_flop_per_s=19.5e12, achieved_flop_per_s=17e12),
        Roof(unit="vector", dtype="float16", peak_flop_per_s=78e12, achieved_flop_per_s=60e12),
    ),
    slopes=(
        Slope(level="l2", size_bytes=40e6, peak_bytes_per_s=5.1e12, achieved_bytes_per_s=4e12),
        Slope(level="hbm", size_bytes=80e9, peak_bytes_per_s=2.04e12, achieved_bytes_per_s=1.7e12),
    ),
    memory_bytes=80e9,
)


def cost(
    op: str,
    module: str,
    op_class: Any,
    *,
    machine: Machine = EDGE,
    macs: int = 0,
    vector_ops: int = 0,
    near: float = 0.0,
    far: float = 0.0,
    compute: float = 0.0,
    latency: float = 0.0,
    calls: int = 1,
    phase: Any = "once",
    times: int = 1,
    layer: str | None = None,
    assumed: bool = False,
    energy: float | None = None,
) -> Cost:
    """A cost per call, multiplied by its calls; seconds at the achieved rates of the machine."""
    attributes = {} if layer is None else {"layer": layer}
    work = Work(
        op=Op(name=op, module=module, attributes=attributes),
        op_class=op_class,
        macs=macs,
        vector_ops=vector_ops,
        is_assumed=assumed,
    )
    crossings = tuple(
        Crossing(
            level=slope.level,
            read_bytes=0.75 * size * calls,
            write_bytes=0.25 * size * calls,
            low_bytes=0.5 * size * calls,
            high_bytes=2.0 * size * calls,
        )
        for slope, size in zip(machine.slopes, (near, far), strict=True)
    )
    level_s = {
        slope.level: crossing.bytes / slope.achieved_bytes_per_s
        for slope, crossing in zip(machine.slopes, crossings, strict=True)
    }
    parts = {"compute": compute * calls, **level_s}
    longest = max(parts, key=parts.__getitem__)
    launching = latency * calls
    bound = "latency" if launching > parts[longest] else longest
    roofline = max(
        work.flops * calls / machine.roof.peak_flop_per_s,
        *(c.low_bytes / s.peak_bytes_per_s for c, s in zip(crossings, machine.slopes, strict=True)),
    )
    return Cost(
        traffic=Traffic(
            work=work,
            calls=calls,
            phase=phase,
            times=times,
            axis="" if phase == "once" else "time",
            crossings=crossings,
        ),
        compute_s=compute * calls,
        level_s=level_s,
        latency_s=launching,
        expected_s=parts[longest] + launching,
        roofline_s=roofline,
        energy_j=None if energy is None else energy * calls,
        bound=bound if parts[longest] + launching else "free",
    )


def report(model: str, costs: tuple[Cost, ...], *, machine: Machine = EDGE, **changes: Any) -> Report:
    trace = Trace(
        model=model,
        parameters=changes.pop("parameters", 2_100_000),
        weight_bytes=changes.pop("weight_bytes", 8_400_000),
        dtype=changes.pop("dtype", "float32"),
        items=(),
        seq_len=changes.pop("seq_len", 1000),
        batch=changes.pop("batch", 1),
        assumptions=changes.pop("assumptions", ()),
    )
    return Report(
        trace=trace,
        machine=machine,
        order="offline",
        fusion="eager",
        costs=costs,
        sequential_depth=changes.pop("depth", 12),
        **changes,
    )


def recurrent(steps: int, *, module: str = "lstm", layer: str = "l0", **per_step: Any) -> tuple[Cost, ...]:
    """The three phases of a loop over time whose rounds are all alike."""
    return tuple(
        cost(
            "torch.lstm.step",
            module,
            "recurrent step",
            layer=layer,
            calls=calls,
            phase=phase,
            times=steps,
            **per_step,
        )
        for phase, calls in (("first", 1), ("steady", steps - 2), ("last", 1))
    )


def view(module: str = "") -> Cost:
    return cost("aten.view", module, "view")


def lstm() -> Report:
    """Bound by DRAM: a step moves 8.4 MB and computes for 8.4 MB / 33 GB/s, about 255 us."""
    return report(
        "lstm",
        (
            view(),
            cost("aten.addmm", "lstm", "gemm", macs=2_000_000_000, near=90e6, far=30e6, compute=0.16),
            *recurrent(1000, macs=2_100_000, vector_ops=10_000, near=8.4e6, far=8.4e6, compute=8.4e6 / 33e9),
            cost("aten.addmm", "head", "gemm", macs=32_000_000, near=4e6, far=2e6, compute=0.003),
        ),
        depth=1002,
    )


def tcn(blocks: int = 16) -> Report:
    """Bound by compute: two convolutions and an activation in each of its blocks."""
    costs: list[Cost] = []
    for block in range(blocks):
        path = f"network.blocks.{block}"
        costs += [
            cost(
                "aten.convolution",
                f"{path}.convolution{half}",
                "conv",
                macs=200_000_000,
                vector_ops=512_000,
                near=12e6,
                far=5e6,
                compute=0.016,
                energy=0.03,
            )
            for half in (1, 2)
        ]
        costs.append(
            cost(
                "aten.relu",
                f"{path}.activation",
                "pointwise",
                vector_ops=512_000,
                near=4e6,
                far=4e6,
                compute=1e-4,
                energy=0.001,
            )
        )
    return report("tcn", tuple(costs), parameters=6_400_000, weight_bytes=25_600_000, depth=2 * blocks)


def tiny() -> Report:
    """Bound by latency: a thousand steps that wait 10 us and work for 1 us."""
    return report(
        "tiny",
        recurrent(1000, macs=10_000, near=1e3, compute=1e-6, latency=1e-5),
        parameters=10_000,
        weight_bytes=40_000,
        depth=1000,
    )


def small_kernels() -> Report:
    """Bound by latency without a loop: 40 kernels, 50 us each before any work."""
    costs = tuple(
        cost("aten.mm", f"layers.{n}", "gemm", macs=1000, near=1e3, far=1e3, compute=1e-7, latency=5e-5)
        for n in range(40)
    )
    return report("mlp", costs, seq_len=None, batch=None)


def assumed() -> Report:
    """Two ops without a rule."""
    return report(
        "odd",
        (
            cost("aten.mm", "a", "gemm", macs=1_000_000, near=1e6, far=1e6, compute=1e-4),
            cost("custom.fft", "b", "unknown", near=9e6, far=8e6, assumed=True),
            cost("custom.sort", "c", "unknown", near=1e6, far=1e6, assumed=True),
        ),
        assumptions=("the mask is taken to be all ones",),
        lints=("nn.LSTM packs its weights again on every call",),
    )


def too_large() -> Report:
    """Half-precision weights of 140 GB on a card of 80 GB."""
    return report(
        "giant",
        (
            cost(
                "aten.mm",
                "layers.0.mlp.down_projection",
                "gemm",
                machine=CARD,
                macs=70_000_000_000,
                near=200e9,
                far=140e9,
                compute=0.0006,
                latency=5e-6,
                energy=12.0,
            ),
        ),
        machine=CARD,
        parameters=70_000_000_000,
        weight_bytes=140_000_000_000,
        dtype="float16",
        seq_len=1,
        depth=1,
    )


def empty() -> Report:
    return report("nothing", (), parameters=0, weight_bytes=0, seq_len=None, batch=None, depth=0)


def only_views() -> Report:
    return report("views", (view(), view("a")), parameters=0, weight_bytes=0, depth=0)


def all_reports() -> tuple[Report, ...]:
    return (lstm(), tcn(), tiny(), small_kernels(), assumed(), too_large(), empty(), only_views())
