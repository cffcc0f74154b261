"""The published tables of attention, depthwise convolutions and networks: cards, and a trace of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hwcost.graph import Trace
from hwcost.validation import operators
from hwcost.validation.card import Card, Row
from hwcost.validation.networks import NETWORKS, network


def _card(title: str, device: str, dtype: str) -> Card:
    return Card(title=title, device=device, dtype=dtype, result_dtype=dtype)


OPERATOR_CARDS: Final[Mapping[str, Card]] = {
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
}
"""Columns of these tables."""

FITTED_OPERATORS: Final = (
    *("a100_flash", "h100_flash", "b200_flash", "v100s_fp32"),
    *("tda4vm_ncnn", "msm8916_ncnn", "c5_9xlarge_mkldnn"),
)
"""Those of whose rows every second one is fitted; all others belong to a family that was fitted on these."""


def attention(row: Row, card: Card) -> Trace:
    """A row of attention.csv."""
    return operators.attention(
        batch=int(row["batch"]),
        heads=int(row["heads"]),
        key_heads=int(row["key_heads"]),
        n=int(row["n"]),
        m=int(row["m"]),
        d=int(row["d"]),
        dtype=card.dtype,
        is_causal=bool(int(row["causal"])),
    )


def depthwise(row: Row, card: Card) -> Trace:
    """A row of depthwise.csv."""
    return operators.depthwise(
        batch=int(row["batch"]),
        channels=int(row["channels"]),
        side=int(row["side"]),
        kernel=int(row["kernel"]),
        stride=int(row["stride"]),
        dtype=card.dtype,
    )


def fused_network(row: Row, card: Card) -> Trace:
    """A row of networks_ncnn.csv: norms and activations ride with the convolution before them."""
    return network(row["network"], int(row["batch"]), card.dtype, is_eager=False)


def eager_network(row: Row, card: Card) -> Trace:
    """A row of networks_mxnet.csv: norms and activations are ops of their own."""
    return network(row["network"], int(row["batch"]), card.dtype, is_eager=True)


def torch_network(row: Row, card: Card) -> Trace:
    """A row of networks.csv: torch has the stride of a bottleneck in its convolution of 3 x 3."""
    name = row["network"]
    late = f"{name}_late"
    return network(
        late if late in NETWORKS else name,
        int(row["batch"]),
        card.dtype,
        is_eager=True,
        is_training=row["mode"] == "training",
    )
