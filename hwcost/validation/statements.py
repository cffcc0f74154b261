"""Published statements that are no times: what binds, and how many operations come to a byte."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Final

from hwcost.api import analyze
from hwcost.graph import Op, Trace
from hwcost.validation import traces
from hwcost.validation.card import Row
from hwcost.validation.datasets import table
from hwcost.validation.result import Check

TPU, GPU = "tpu_v1", "v100_sxm2"
"""Profiles that the statements are about."""

KERNEL: Final = (3, 3)

CLOSE_INTENSITY: Final = 0.01
"""How far an intensity may be off, as a share: the source prints three digits at most."""


def tpu_checks() -> tuple[Check, ...]:
    """Whether the weight memory or the array binds each of the six workloads, as its ridge point says.

    The paper gives layers, weights and batch, not shapes: products are taken as square and alike,
    convolutions as 3 x 3 with as many positions as its multiply-adds per byte of weights come to.
    """
    return tuple(_tpu_check(row) for row in table("tpu_v1.csv"))


def _tpu_check(row: Row) -> Check:
    bound = analyze(_workload(row), device=TPU).bound
    return Check(
        dataset="tpu_v1", name=row["name"], published=row["bound"], ours=bound, holds=bound == row["bound"]
    )


def _workload(row: Row) -> Trace:
    products, convolutions, weights, batch = (
        int(row[key]) for key in ("products", "convolutions", "weights", "batch")
    )
    positions = int(row["intensity"]) / batch
    taps = KERNEL[0] * KERNEL[1] if convolutions else 1
    width = round(sqrt(weights / (products + taps * convolutions)))
    ops: list[Op] = []
    if convolutions:
        side = round(sqrt(positions))
        x = traces.first((batch, width, side, side), "int8")
        for i in range(convolutions):
            ops.append(traces.convolution_op(x, width, KERNEL, (1, 1), (1, 1), f"c{i}", "activation"))
            x = ops[-1].outputs[0]
    x = traces.first((batch, width), "int8")
    for i in range(products):
        ops.append(traces.linear_op(x, width, f"p{i}", "activation"))
        x = ops[-1].outputs[0]
    return traces.chain(row["name"], tuple(ops), "int8")


def intensity_checks() -> tuple[Check, ...]:
    """FLOP per byte of five layers in float16."""
    return tuple(_intensity_check(row) for row in table("nvidia_intensity.csv"))


def _intensity_check(row: Row) -> Check:
    published = float(row["flop_per_byte"])
    ours = analyze(LAYERS[row["name"]](), device=GPU, fusion="eager").totals.intensity or 0.0
    is_bound = row["is_bound"] == "1"
    # A product of one row has 0.9995 FLOP per byte, printed as 1.
    holds = ours < published if is_bound else abs(ours / published - 1) <= CLOSE_INTENSITY
    shown = f"< {published:g}" if is_bound else f"{published:g}"
    return Check(
        dataset="nvidia_intensity", name=row["name"], published=shown, ours=f"{ours:.3g}", holds=holds
    )


LAYERS: Final[Mapping[str, Callable[[], Trace]]] = {
    "Linear 1024 to 4096 batch 512": lambda: traces.linear(512, 1024, 4096, "float16"),
    "Linear 1024 to 4096 batch 1": lambda: traces.linear(1, 1024, 4096, "float16"),
    "Max pool 3x3 unit stride": lambda: traces.max_pool("max pool", "float16", (8, 64, 56, 56), 3),
    "ReLU": lambda: traces.pointwise("relu", "aten.relu", "float16", (512, 1024)),
    "LayerNorm": lambda: traces.pointwise("layer norm", "aten.layer_norm", "float16", (512, 1024), weights=2),
}
"""The layers of the table; sizes that it does not give do not change the intensity."""

STATEMENTS: Final[Mapping[str, Callable[[], tuple[Check, ...]]]] = {
    "tpu_v1": tpu_checks,
    "nvidia_intensity": intensity_checks,
}
"""By the name of their table."""

DEVICES: Final = {"tpu_v1": TPU, "nvidia_intensity": GPU}
"""The profile that each table is about."""
