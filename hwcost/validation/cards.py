"""The measured devices, by the names of their columns in the tables, and of which of them rows are fitted."""

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

FITTED_MEMBERS: Final = tuple(
    key
    for key, card in MEMBERS.items()
    if card.device in ("rtx3080", "rtx4090", "h100_sxm", "b200_sxm") or key == "a100_fp16"
)
"""Those of whose products every second one is fitted: one card for each family that departs from Volta."""


def _card(title: str, device: str, dtype: str) -> Card:
    return Card(title=title, device=device, dtype=dtype, result_dtype=dtype)


OTHERS: Final[Mapping[str, Card]] = {
    "a100_flash": _card("A100 fp16", "a100_sxm_80", "float16"),
    "h100_flash": _card("H100 fp16", "h100_sxm", "float16"),
    "b200_flash": _card("B200 fp16", "b200_sxm", "float16"),
    "a5000_flash": _card("RTX A5000 fp16", "rtx_a5000", "float16"),
    "v100s_fp32": _card("V100S fp32", "v100s", "float32"),
    "tda4vm_ncnn": _card("TDA4VM, A72 fp32", "tda4vm_a72", "float32"),
    "rk3399_a72_ncnn": _card("RK3399, A72 fp32", "rk3399_a72", "float32"),
    "rpi4b_ncnn": _card("Raspberry Pi 4 fp32", "rpi4b", "float32"),
    "rk3588_ncnn": _card("RK3588, A76 fp16", "rk3588_a76", "float16"),
    "rpi5_ncnn": _card("Raspberry Pi 5 fp32", "rpi5", "float32"),
    "msm8916_ncnn": _card("MSM8916, A53 fp32", "msm8916", "float32"),
    "rk3399_a53_ncnn": _card("RK3399, A53 fp32", "rk3399_a53", "float32"),
    "rpi3bplus_ncnn": _card("Raspberry 3B+ fp32", "rpi3bplus", "float32"),
    "c5_9xlarge_mkldnn": _card("C5.9xlarge fp32", "c5_9xlarge", "float32"),
    "c5_18xlarge_mkldnn": _card("C5.18xlarge fp32", "c5_18xlarge", "float32"),
    "c5_4xlarge_mkldnn": _card("C5.4xlarge fp32", "c5_4xlarge", "float32"),
    "c5_2xlarge_mkldnn": _card("C5.2xlarge fp32", "c5_2xlarge", "float32"),
    "epyc_genoa_1t": _card("EPYC Genoa fp32", "epyc_genoa_vm4_1t", "float32"),
}
"""Those of attention, depthwise convolutions, networks on CPUs, and a CPU that was calibrated."""

FITTED_OTHERS: Final = (
    *("a100_flash", "h100_flash", "b200_flash", "v100s_fp32"),
    *("tda4vm_ncnn", "msm8916_ncnn", "c5_9xlarge_mkldnn"),
)
"""Those of whose rows every second one is fitted.

The others belong to a family that was fitted on these, or were calibrated."""

DEEPBENCH: Final = ("v100_fp32", "v100_mixed", "titan_xp", "m40", "rpi3")
"""Those of DeepBench, all of which are fitted."""

CARDS: Final[Mapping[str, Card]] = {
    "v100_fp32": Card(title="V100 fp32", device="v100_sxm2", dtype="float32", result_dtype="float32"),
    "v100_mixed": Card(title="V100 mixed", device="v100_sxm2", dtype="float16", result_dtype="float16"),
    "titan_xp": Card(title="Titan Xp fp32", device="titan_xp", dtype="float32", result_dtype="float32"),
    "m40": Card(title="M40 fp32", device="m40", dtype="float32", result_dtype="float32"),
    "rpi3": Card(title="Raspberry Pi 3 int8", device="rpi3b", dtype="int8", result_dtype="int32"),
    **MEMBERS,
    **OTHERS,
}
