"""The file of a family becomes a family; whatever does not fit the format is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from hwcost.devices.device import Number
from hwcost.devices.document import Node, read
from hwcost.devices.family import Convolutions, Family, Kernels, Products, Steps
from hwcost.devices.fields import fields, mapping, suggestion, text
from hwcost.devices.operator_fields import OPERATORS, depthwise, fused_attention
from hwcost.devices.operator_kernels import Depthwise, FusedAttention
from hwcost.devices.quantity import Ledger, number, sourced_text
from hwcost.devices.shipped import FAMILIES, SUFFIXES, family_names, profile_folder
from hwcost.errors import ProfileError
from hwcost.units import DTYPE_BITS

UNITS: Final = ("matrix", "vector", "scalar")

SPREAD_CLASSES: Final = ("gemm", "gemv", "conv", "recurrent_step", "default")

_TILE = re.compile(r"([1-9][0-9]*)x([1-9][0-9]*)\Z")


def load_family(name: str, where: str) -> Family:
    """The family of a shipped name. Raises ProfileError, with the place that names it, for others."""
    if name not in family_names():
        raise ProfileError(f"no family is named {name!r}", where=where, mend=suggestion(name, family_names()))
    return _loaded(name)


@cache
def _loaded(name: str) -> Family:
    root = read(profile_folder() / FAMILIES / f"{name}{SUFFIXES[0]}")
    top = mapping(root, "the family")
    return _like(root, name) if "like" in top else _family(root, name)


def _like(root: Node, name: str) -> Family:
    """A family that nothing was fitted for: the numbers of another one, all of them unverified.

    strided_share: in place of that one's two, of every unit. attention, depthwise: likewise, whole; they
    may have been fitted, on sources of this file.
    """
    optional = ("strided_share", "sources", *OPERATORS)
    top = fields(root, "the family", required=("title", "like"), optional=optional)
    ledger = Ledger(sources=mapping(top["sources"], "sources") if "sources" in top else {})
    other, evidence, reason = sourced_text(top["like"], "like", "volta", ledger)
    if evidence != "unverified":
        raise ProfileError("like is not unverified", where=top["like"].where, mend='write "unverified: ..."')
    family = load_family(other, top["like"].where)
    kernels = dict(family.kernels)
    kept = list(family.numbers)
    if "strided_share" in top:
        share = number(top["strided_share"], "strided_share", "", ledger)
        kernels = {key: _strided(one, share) for key, one in kernels.items()}
        kept = [one for one in kept if "strided" not in one.path]
    attention, for_depthwise = _operators(top, ledger, family)
    replaced = tuple(f"{key}." for key in OPERATORS if key in top)
    taken = (_taken_over(one, reason) for one in kept if not one.path.startswith(replaced))
    return replace(
        family,
        name=name,
        title=text(top["title"], "title"),
        kernels=kernels,
        numbers=(*taken, *ledger.numbers),
        attention=attention,
        depthwise=for_depthwise,
    )


def _operators(
    top: Mapping[str, Node], ledger: Ledger, other: Family | None = None
) -> tuple[FusedAttention | None, Depthwise | None]:
    """The family's kernels for attention and depthwise convolution; without its own those of another."""
    attention = fused_attention(top["attention"], ledger) if "attention" in top else None
    for_depthwise = depthwise(top["depthwise"], ledger) if "depthwise" in top else None
    if other is None:
        return attention, for_depthwise
    return attention or other.attention, for_depthwise or other.depthwise


def _strided(kernels: Kernels, share: Number) -> Kernels:
    products = replace(kernels.products, strided_share=share, strided_wide_share=share)
    return replace(kernels, products=products)


def _taken_over(one: Number, reason: str) -> Number:
    source = f"{reason}; {one.source}"
    return Number(one, path=one.path, unit=one.unit, text=one.text, evidence="unverified", source=source)


def _family(root: Node, name: str) -> Family:
    required = ("title", "sources", "tiles", "efficiency", "latency")
    top = fields(root, "the family", required=required, optional=(*UNITS, *DTYPE_BITS, *OPERATORS))
    ledger = Ledger(sources=mapping(top["sources"], "sources"))
    tiles = _tiles(top["tiles"], ledger)
    efficiency = mapping(top["efficiency"], "efficiency")
    latency = fields(top["latency"], "latency", required=("kernel", "recurrent_step"))
    kernels = {
        key: _kernels(node, key, tiles, ledger)
        for key, node in top.items()
        if key in UNITS or key in DTYPE_BITS
    }
    attention, for_depthwise = _operators(top, ledger)
    return Family(
        name=name,
        title=text(top["title"], "title"),
        kernels=kernels,
        attention=attention,
        depthwise=for_depthwise,
        efficiency={
            key.replace("_", " "): number(node, f"efficiency.{key}", "", ledger)
            for key, node in efficiency.items()
        },
        kernel_s=number(latency["kernel"], "latency.kernel", "s", ledger, zero=True),
        step_s=number(latency["recurrent_step"], "latency.recurrent_step", "s", ledger, zero=True),
        numbers=tuple(ledger.numbers),
    )


def _tiles(node: Node, ledger: Ledger) -> tuple[tuple[int, int], ...]:
    """The sides of the tiles, each also with its sides exchanged."""
    written, evidence, source = sourced_text(node, "tiles", "128x128 64x64", ledger)
    found: list[tuple[int, int]] = []
    for word in written.split():
        match = _TILE.match(word)
        if match is None:
            raise ProfileError(f"{word!r} is no tile", where=node.where, mend="write it like 128x64")
        rows, columns = int(match[1]), int(match[2])
        found += [(rows, columns), (columns, rows)]
    tiles = tuple(dict.fromkeys(found))
    ledger.numbers.append(
        Number(len(tiles), path="tiles", unit="", text=written, evidence=evidence, source=source)
    )
    return tiles


def _kernels(node: Node, key: str, tiles: tuple[tuple[int, int], ...], ledger: Ledger) -> Kernels:
    parts = fields(node, key, required=("products", "spread"), optional=("convolutions", "steps"))
    spread = fields(parts["spread"], f"{key}.spread", required=("default",), optional=SPREAD_CLASSES)
    return Kernels(
        products=_products(parts["products"], f"{key}.products", tiles, ledger),
        convolutions=_convolutions(parts["convolutions"], f"{key}.convolutions", ledger)
        if "convolutions" in parts
        else None,
        steps=_steps(parts["steps"], f"{key}.steps", ledger) if "steps" in parts else None,
        spread={
            name.replace("_", " "): number(entry, f"{key}.spread.{name}", "", ledger)
            for name, entry in spread.items()
        },
    )


def _products(node: Node, path: str, tiles: tuple[tuple[int, int], ...], ledger: Ledger) -> Products:
    found = _numbers(
        node,
        path,
        ledger,
        shares=(
            *("peak_share", "memory_share", "strided_share", "strided_wide_share"),
            *("narrow_share", "vector_share"),
        ),
        seconds=("k_step", "split", "kernel", "result"),
        plain=("tile_loss",),
    )
    return Products(
        tiles=tiles,
        peak_share=found["peak_share"],
        tile_loss=found["tile_loss"],
        k_step_s=found["k_step"],
        split_s=found["split"],
        kernel_s=found["kernel"],
        memory_share=found["memory_share"],
        strided_share=found["strided_share"],
        strided_wide_share=found["strided_wide_share"],
        narrow_share=found["narrow_share"],
        vector_share=found["vector_share"],
        result_s=found["result"],
    )


def _convolutions(node: Node, path: str, ledger: Ledger) -> Convolutions:
    found = _numbers(
        node,
        path,
        ledger,
        shares=("peak_share", "memory_share"),
        seconds=("k_step", "kernel"),
        optional=("winograd_share", "unaligned_share"),
    )
    return Convolutions(
        peak_share=found["peak_share"],
        k_step_s=found["k_step"],
        kernel_s=found["kernel"],
        memory_share=found["memory_share"],
        winograd_share=found.get("winograd_share"),
        unaligned_share=found.get("unaligned_share"),
    )


def _steps(node: Node, path: str, ledger: Ledger) -> Steps:
    found = _numbers(
        node,
        path,
        ledger,
        shares=("memory_share", "narrow_share", "vector_share"),
        seconds=("step", "narrow_step", "warm_step"),
        plain=("warm_steps",),
    )
    return Steps(
        step_s=found["step"],
        narrow_step_s=found["narrow_step"],
        warm_step_s=found["warm_step"],
        warm_steps=found["warm_steps"],
        memory_share=found["memory_share"],
        narrow_share=found["narrow_share"],
        vector_share=found["vector_share"],
    )


def _numbers(
    node: Node,
    path: str,
    ledger: Ledger,
    *,
    shares: tuple[str, ...],
    seconds: tuple[str, ...],
    plain: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
) -> Mapping[str, Number]:
    """All numbers of a mapping; shares are above 0 and at most 1, seconds may be 0."""
    entries = fields(node, path, required=(*shares, *seconds, *plain), optional=optional)
    found = {}
    for key, entry in entries.items():
        unit = "s" if key in seconds else ""
        found[key] = number(entry, f"{path}.{key}", unit, ledger, zero=key in (*seconds, *plain))
        if found[key] > 1 and key in (*shares, *optional):
            mend = "a share is above 0 and at most 1"
            raise ProfileError(f"{path}.{key} is {found[key].text}", where=entry.where, mend=mend)
    return found
