"""How many operations come to a byte in single layers, as NVIDIA's guide prints it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hwcost.api import analyze
from hwcost.graph import Trace
from hwcost.validation import traces
from hwcost.validation.card import Row
from hwcost.validation.datasets import table
from hwcost.validation.result import Claim

DEVICE: Final = "v100_sxm2"

WITHIN: Final = 0.01
"""The source prints three digits at most; a product of one row has 0.9995 FLOP per byte, printed as 1."""

LAYERS: Final[Mapping[str, Callable[[], Trace]]] = {
    "Linear 1024 to 4096 batch 512": lambda: traces.linear(512, 1024, 4096, "float16"),
    "Linear 1024 to 4096 batch 1": lambda: traces.linear(1, 1024, 4096, "float16"),
    "Max pool 3x3 unit stride": lambda: traces.max_pool("max pool", "float16", (8, 64, 56, 56), 3),
    "ReLU": lambda: traces.pointwise("relu", "aten.relu", "float16", (512, 1024)),
    "LayerNorm": lambda: traces.pointwise("layer norm", "aten.layer_norm", "float16", (512, 1024), weights=2),
}
"""The layers of the table; sizes that it does not give do not change the intensity."""


def intensity_claims(dataset: str) -> tuple[Claim, ...]:
    """FLOP per byte of five layers in float16."""
    return tuple(_claim(dataset, row) for row in table(f"{dataset}.csv"))


def _claim(dataset: str, row: Row) -> Claim:
    published = float(row["flop_per_byte"])
    totals = analyze(LAYERS[row["name"]](), device=DEVICE, fusion="eager").totals
    return Claim(
        dataset=dataset,
        name=row["name"],
        device=DEVICE,
        low=0.0 if row["is_bound"] == "1" else published,
        high=published,
        ours=totals.intensity or 0.0,
        unit="FLOP/B",
        within=WITHIN,
    )
