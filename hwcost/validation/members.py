"""The cards beside those of DeepBench, as the tables of their measurements name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hwcost.validation.card import Card

DTYPES: Final = {"fp32": "float32", "tf32": "tfloat32", "fp16": "float16", "bf16": "bfloat16"}

PROFILES: Final[Mapping[str, tuple[str, str, str]]] = {
    "titan_x_maxwell": ("GTX Titan X", "titan_x_maxwell", "fp32"),
    "titan_x_pascal": ("Titan X Pascal", "titan_x_pascal", "fp32"),
    "gtx_1080": ("GTX 1080", "gtx1080", "fp32"),
    "gtx_1080_ti": ("GTX 1080 Ti", "gtx1080ti", "fp32"),
    "p100_pcie": ("P100 PCIe", "p100_pcie", "fp32"),
    "p100_sxm2": ("P100 SXM2", "p100_sxm2", "fp32"),
    "v100_16": ("V100 16 GB", "v100_sxm2", "fp32 fp16"),
    "titan_v": ("Titan V", "titan_v", "fp32 fp16"),
    "t4": ("T4", "t4", "fp16"),
    "rtx2080ti": ("RTX 2080 Ti", "rtx2080ti", "fp32 fp16"),
    "a100_pcie_40": ("A100 40 PCIe", "a100_pcie_40", "fp32 tf32 fp16 bf16"),
    "a100_pcie_80": ("A100 80 PCIe", "a100_pcie_80", "fp32"),
    "a100": ("A100", "a100_sxm_80", "fp32 fp16"),
    "rtx3080": ("RTX 3080", "rtx3080", "fp32 tf32 fp16 bf16"),
    "rtx3090": ("RTX 3090", "rtx3090", "fp16"),
    "rtx_a6000": ("RTX A6000", "rtx_a6000", "fp32"),
    "rtx4070_ti_super": ("4070 Ti SUPER", "rtx4070_ti_super", "fp32 fp16"),
    "rtx4090": ("RTX 4090", "rtx4090", "fp32 tf32 fp16 bf16"),
    "rtx6000_ada": ("RTX 6000 Ada", "rtx6000_ada", "fp32"),
    "h100": ("H100", "h100_sxm", "fp32 tf32 fp16 bf16"),
    "rtx5090": ("RTX 5090", "rtx5090", "fp32 tf32 fp16 bf16"),
    "b200": ("B200", "b200_sxm", "bf16"),
}
"""Title, profile and types of each, by the first part of its columns' names."""

MEMBERS: Final[Mapping[str, Card]] = {
    f"{key}_{short}": Card(
        title=f"{title} {short}", device=device, dtype=DTYPES[short], result_dtype=DTYPES[short]
    )
    for key, (title, device, shorts) in PROFILES.items()
    for short in shorts.split()
}
"""By the name of a column: the card and the type."""

FITTED: Final = tuple(
    key
    for key, card in MEMBERS.items()
    if card.device in ("rtx3080", "rtx4090", "h100_sxm", "b200_sxm") or key == "a100_fp16"
)
"""Those of whose products every second one is fitted: one card for each family that departs from Volta."""
