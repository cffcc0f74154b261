"""What binds the workloads of TPU v1, as its ridge point says."""

from __future__ import annotations

from math import sqrt
from typing import Final

from hwcost.api import analyze
from hwcost.graph import Op, Trace
from hwcost.validation import traces
from hwcost.validation.card import Row
from hwcost.validation.datasets import table
from hwcost.validation.result import Check

DEVICE: Final = "tpu_v1"
KERNEL: Final = (3, 3)


def tpu_checks(dataset: str) -> tuple[Check, ...]:
    """Whether the weight memory or the array binds each of the six workloads.

    The paper gives layers, weights and batch, not shapes: products are taken as square and alike,
    convolutions as 3 x 3 with as many positions as its multiply-adds per byte of weights come to.
    """
    return tuple(
        Check(
            dataset=dataset,
            name=row["name"],
            device=DEVICE,
            published=row["bound"],
            ours=analyze(_workload(row), device=DEVICE).bound,
        )
        for row in table(f"{dataset}.csv")
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
