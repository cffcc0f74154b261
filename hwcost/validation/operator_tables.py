"""The published tables of attention, depthwise convolutions and networks: cards, and a trace of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hwcost.graph import Trace
from hwcost.validation import operators
from hwcost.validation.card import Card, Row
from hwcost.validation.networks import network


def _card(title: str, device: str, dtype: str, *, is_member: bool = False) -> Card:
    return Card(title=title, device=device, dtype=dtype, result_dtype=dtype, is_member=is_member)


OPERATOR_CARDS: Final[Mapping[str, Card]] = {
    "a100_flash": _card("A100 fp16", "a100_sxm_80", "float16"),
    "h100_flash": _card("H100 fp16", "h100_sxm", "float16"),
    "b200_flash": _card("B200 fp16", "b200_sxm", "float16"),
    "a5000_flash": _card("RTX A5000 fp16", "rtx_a5000", "float16", is_member=True),
    "v100s_fp32": _card("V100S fp32", "v100s", "float32"),
    "tda4vm_ncnn": _card("TDA4VM, A72 fp32", "tda4vm_a72", "float32"),
    "rk3399_a72_ncnn": _card("RK3399, A72 fp32", "rk3399_a72", "float32", is_member=True),
    "rpi4b_ncnn": _card("Raspberry Pi 4 fp32", "rpi4b", "float32", is_member=True),
    "rk3588_ncnn": _card("RK3588, A76 fp16", "rk3588_a76", "float16", is_member=True),
    "rpi5_ncnn": _card("Raspberry Pi 5 fp32", "rpi5", "float32", is_member=True),
    "msm8916_ncnn": _card("MSM8916, A53 fp32", "msm8916", "float32"),
    "rk3399_a53_ncnn": _card("RK3399, A53 fp32", "rk3399_a53", "float32", is_member=True),
    "rpi3bplus_ncnn": _card("Raspberry 3B+ fp32", "rpi3bplus", "float32", is_member=True),
    "c5_9xlarge_mkldnn": _card("C5.9xlarge fp32", "c5_9xlarge", "float32"),
    "c5_18xlarge_mkldnn": _card("C5.18xlarge fp32", "c5_18xlarge", "float32", is_member=True),
    "c5_4xlarge_mkldnn": _card("C5.4xlarge fp32", "c5_4xlarge", "float32", is_member=True),
    "c5_2xlarge_mkldnn": _card("C5.2xlarge fp32", "c5_2xlarge", "float32", is_member=True),
}
"""Columns of these tables. Members are held out as a whole: their family was fitted on another one."""


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
