"""The `kernels` of a profile: what its maker measured of libraries, by the shape of the work."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from hwcost.devices.device import Number
from hwcost.devices.document import Node
from hwcost.devices.fields import fields, mapping
from hwcost.devices.kernel import Kernel, Table
from hwcost.devices.quantity import Ledger, number
from hwcost.errors import ProfileError

RECURRENT: Final = ("lstm", "gru", "rnn")
"""Whole layers; of their cells the products are those of gemm."""

CONVOLUTIONS: Final = ("conv", "conv_im2col", "conv_dilated", "conv_pointwise", "depthwise", "depthwise_flat")
"""The ways that torch takes on a CPU; conv is that of all that no other one is given for."""

LAYS_OUT: Final = ("conv_im2col", "conv_dilated")
"""Those that lay every window out in memory, and multiply then."""

POOLS: Final = ("max_pool", "avg_pool")
"""Ops whose time goes by the elements that their windows read."""

VECTORS: Final = ("gelu", "silu", "softmax", "layer_norm", "batch_norm", *POOLS)
"""Ops that are no products."""

CELLS: Final = ("lstm_cell", "gru_cell", "rnn_cell")
KERNELS: Final = ("gemm", *CONVOLUTIONS, "attention", *RECURRENT, *CELLS, *VECTORS)
"""Keys of `kernels`. gemm stands for products of a matrix with one vector as well."""

_COUNT = re.compile(r"[1-9][0-9]{0,14}\Z")


def measured_kernels(node: Node, levels: Collection[str], ledger: Ledger) -> Mapping[str, Kernel]:
    """The kernels by name; levels: names that `level_share` may have."""
    return {
        name: _kernel(entry, f"kernels.{name}", levels, ledger)
        for name, entry in fields(node, "kernels", optional=KERNELS).items()
    }


def _kernel(node: Node, path: str, levels: Collection[str], ledger: Ledger) -> Kernel:
    optional = ("call", "element", "pack", "peak_share", "level_share")
    entries = fields(node, path, required=("start",), optional=optional)

    def seconds(key: str) -> Number | None:
        return number(entries[key], f"{path}.{key}", "s", ledger, zero=True) if key in entries else None

    def table(key: str, unit: str) -> Table:
        return _table(entries[key], f"{path}.{key}", unit, ledger) if key in entries else {}

    by_level: Mapping[str, Node] = {}
    if "level_share" in entries:
        by_level = fields(entries["level_share"], f"{path}.level_share", optional=tuple(levels))
    return Kernel(
        start_s=number(entries["start"], f"{path}.start", "s", ledger, zero=True),
        call_s=seconds("call"),
        element_s=seconds("element"),
        pack_s_per_byte=table("pack", "s/B"),
        peak_share=table("peak_share", ""),
        level_share={
            name: _table(entry, f"{path}.level_share.{name}", "", ledger) for name, entry in by_level.items()
        },
    )


def _table(node: Node, path: str, unit: str, ledger: Ledger) -> Table:
    """Numbers by count; plain ones are shares, at most 1."""
    found = {}
    for key, entry in mapping(node, path).items():
        if not _COUNT.match(key):
            mend = "write a whole number above zero, as 16"
            raise ProfileError(f"{key!r} as a count in {path}", where=entry.where, mend=mend)
        one = number(entry, f"{path}.{key}", unit, ledger)
        if not unit and one > 1:
            mend = "a share is above 0 and at most 1"
            raise ProfileError(f"{path}.{key} is {one.text}", where=entry.where, mend=mend)
        found[int(key)] = one
    return found
