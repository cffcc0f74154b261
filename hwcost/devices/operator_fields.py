"""The entries `attention` and `depthwise` of a family become its kernels for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from hwcost.devices.device import Number
from hwcost.devices.document import Node
from hwcost.devices.fields import fields
from hwcost.devices.operator_kernels import Depthwise, FusedAttention
from hwcost.devices.quantity import Ledger, number, sourced_text
from hwcost.errors import ProfileError

OPERATORS: Final = ("attention", "depthwise")
"""Keys of a family that stand for all of its units."""

_TILE: Final = re.compile(r"([1-9][0-9]*)x([1-9][0-9]*)\Z")


def fused_attention(node: Node, ledger: Ledger) -> FusedAttention:
    """The kernel of `attention`. Raises ProfileError for what does not fit."""
    shares = ("peak_share", "causal_share")
    entries = fields(node, "attention", required=("tile", *shares, "kernel", "spread"))
    found = _numbers(entries, "attention", shares, ledger)
    written, evidence, source = sourced_text(entries["tile"], "tile", "128x64", ledger)
    match = _TILE.match(written)
    if match is None:
        where = entries["tile"].where
        raise ProfileError(f"{written!r} is no tile", where=where, mend="write it like 128x64")
    ledger.numbers.append(
        Number(int(match[1]), path="attention.tile", unit="", text=written, evidence=evidence, source=source)
    )
    return FusedAttention(
        tile=(int(match[1]), int(match[2])),
        peak_share=found["peak_share"],
        causal_share=found["causal_share"],
        kernel_s=found["kernel"],
        spread=found["spread"],
    )


def depthwise(node: Node, ledger: Ledger) -> Depthwise:
    """The kernel of `depthwise`. Raises ProfileError for what does not fit."""
    shares = ("peak_share", "strided_share", "memory_share")
    entries = fields(node, "depthwise", required=(*shares, "kernel", "spread"))
    found = _numbers(entries, "depthwise", shares, ledger)
    return Depthwise(
        peak_share=found["peak_share"],
        strided_share=found["strided_share"],
        memory_share=found["memory_share"],
        kernel_s=found["kernel"],
        spread=found["spread"],
    )


def _numbers(
    entries: Mapping[str, Node], path: str, shares: tuple[str, ...], ledger: Ledger
) -> Mapping[str, Number]:
    found = {}
    for key in (*shares, "kernel", "spread"):
        unit = "s" if key == "kernel" else ""
        found[key] = number(entries[key], f"{path}.{key}", unit, ledger, zero=key == "kernel")
        if key in shares and found[key] > 1:
            mend = "a share is above 0 and at most 1"
            raise ProfileError(f"{path}.{key} is {found[key].text}", where=entries[key].where, mend=mend)
    return found
