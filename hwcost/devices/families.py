"""The file of a family becomes a family; whatever does not fit the format is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

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

MEMBERSHIP: Final = ("fitted_on", "elsewhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The numbers of a part by kind: shares are above 0 and at most 1, seconds and plain ones may be 0."""

    shares: tuple[str, ...]
    seconds: tuple[str, ...]
    plain: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


PRODUCTS: Final = Keys(
    shares=(
        *("peak_share", "memory_share", "strided_share", "strided_wide_share"),
        *("narrow_share", "vector_share"),
    ),
    seconds=("k_step", "split", "kernel", "result"),
    plain=("tile_loss",),
)

CONVOLUTIONS: Final = Keys(
    shares=("peak_share", "memory_share"),
    seconds=("k_step", "kernel"),
    optional=("winograd_share", "unaligned_share"),
)

STEPS: Final = Keys(
    shares=("memory_share", "narrow_share", "vector_share"),
    seconds=("step", "narrow_step", "warm_step"),
    plain=("warm_steps",),
)

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
    """A family that has the numbers of another one, unverified there, but for those that it gives itself.

    strided_share: in place of that one's two, of every unit. vector, matrix, ...: some numbers of some parts.
    attention, depthwise: whole; like those they may have been fitted, on sources of this file.
    """
    top = fields(
        root,
        "the family",
        required=("title", "like"),
        optional=("sources", "strided_share", *MEMBERSHIP, *UNITS, *DTYPE_BITS, *OPERATORS),
    )
    ledger = Ledger(sources=mapping(top["sources"], "sources") if "sources" in top else {})
    other, evidence, reason = sourced_text(top["like"], "like", "volta", ledger)
    if evidence != "unverified":
        raise ProfileError("like is not unverified", where=top["like"].where, mend='write "unverified: ..."')
    family = load_family(other, top["like"].where)
    kernels = dict(family.kernels)
    replaced = set()
    if "strided_share" in top:
        share = number(top["strided_share"], "strided_share", "", ledger)
        kernels = {key: _strided(one, share) for key, one in kernels.items()}
        replaced = {one.path for one in family.numbers if "strided" in one.path}
    for key in (key for key in top if key in kernels):
        kernels[key] = _own(top[key], key, kernels[key], ledger)
    attention, for_depthwise = _operators(top, ledger, family)
    fitted_on, elsewhere = _membership(top, ledger)
    replaced |= {one.path for one in ledger.numbers} | {"elsewhere"}
    whole = tuple(f"{key}." for key in OPERATORS if key in top)
    taken = (
        _taken_over(one, reason)
        for one in family.numbers
        if one.path not in replaced and not one.path.startswith(whole)
    )
    return replace(
        family,
        name=name,
        title=text(top["title"], "title"),
        kernels=kernels,
        numbers=(*taken, *ledger.numbers),
        fitted_on=fitted_on,
        elsewhere=elsewhere,
        attention=attention,
        depthwise=for_depthwise,
    )


def _own(node: Node, key: str, kernels: Kernels, ledger: Ledger) -> Kernels:
    """The kernels of another family with the numbers that this one gives itself."""
    known = {"products": PRODUCTS, "convolutions": CONVOLUTIONS, "steps": STEPS}
    parts = fields(node, key, optional=(*known, "spread"))
    changed: dict[str, Any] = {}
    for part, entry in parts.items():
        if part == "spread":
            changed[part] = {**kernels.spread, **_spread(entry, f"{key}.spread", ledger, ())}
        else:
            found = _numbers(entry, f"{key}.{part}", ledger, known[part], is_whole=False)
            changed[part] = replace(getattr(kernels, part), **_named(found, known[part]))
    return replace(kernels, **changed)


def _named(found: Mapping[str, Number], keys: Keys) -> dict[str, Any]:
    """Numbers by the names that they have in the nouns of a family: their unit ends them."""
    return {f"{name}_s" if name in keys.seconds else name: one for name, one in found.items()}


def _membership(top: Mapping[str, Node], ledger: Ledger) -> tuple[str, Number | None]:
    """The profile that was fitted, and how many times wider the spreads are on others."""
    fitted_on = text(top["fitted_on"], "fitted_on") if "fitted_on" in top else ""
    if "elsewhere" not in top:
        return fitted_on, None
    elsewhere = number(top["elsewhere"], "elsewhere", "", ledger)
    if elsewhere < 1:
        mend = "a spread off the fitted card is no narrower: write 1 or more"
        raise ProfileError(f"elsewhere is {elsewhere.text}", where=top["elsewhere"].where, mend=mend)
    return fitted_on, elsewhere


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
    optional = (*MEMBERSHIP, *UNITS, *DTYPE_BITS, *OPERATORS)
    top = fields(root, "the family", required=required, optional=optional)
    ledger = Ledger(sources=mapping(top["sources"], "sources"))
    tiles = _tiles(top["tiles"], ledger)
    efficiency = mapping(top["efficiency"], "efficiency")
    latency = fields(top["latency"], "latency", required=("kernel", "recurrent_step"))
    kernels = {
        key: _kernels(node, key, tiles, ledger)
        for key, node in top.items()
        if key in UNITS or key in DTYPE_BITS
    }
    fitted_on, elsewhere = _membership(top, ledger)
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
        fitted_on=fitted_on,
        elsewhere=elsewhere,
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
    return Kernels(
        products=_products(parts["products"], f"{key}.products", tiles, ledger),
        convolutions=_convolutions(parts["convolutions"], f"{key}.convolutions", ledger)
        if "convolutions" in parts
        else None,
        steps=_steps(parts["steps"], f"{key}.steps", ledger) if "steps" in parts else None,
        spread=_spread(parts["spread"], f"{key}.spread", ledger, ("default",)),
    )


def _spread(node: Node, path: str, ledger: Ledger, required: tuple[str, ...]) -> Mapping[str, Number]:
    entries = fields(node, path, required=required, optional=SPREAD_CLASSES)
    return {
        name.replace("_", " "): number(entry, f"{path}.{name}", "", ledger) for name, entry in entries.items()
    }


def _products(node: Node, path: str, tiles: tuple[tuple[int, int], ...], ledger: Ledger) -> Products:
    return Products(tiles=tiles, **_named(_numbers(node, path, ledger, PRODUCTS), PRODUCTS))


def _convolutions(node: Node, path: str, ledger: Ledger) -> Convolutions:
    absent = dict.fromkeys(CONVOLUTIONS.optional)
    found = _named(_numbers(node, path, ledger, CONVOLUTIONS), CONVOLUTIONS)
    return Convolutions(**{**absent, **found})


def _steps(node: Node, path: str, ledger: Ledger) -> Steps:
    return Steps(**_named(_numbers(node, path, ledger, STEPS), STEPS))


def _numbers(
    node: Node, path: str, ledger: Ledger, keys: Keys, *, is_whole: bool = True
) -> Mapping[str, Number]:
    """All numbers of a mapping; some of them where it need not be whole."""
    all_keys = (*keys.shares, *keys.seconds, *keys.plain)
    entries = fields(
        node,
        path,
        required=all_keys if is_whole else (),
        optional=keys.optional if is_whole else (*all_keys, *keys.optional),
    )
    found = {}
    for key, entry in entries.items():
        unit = "s" if key in keys.seconds else ""
        found[key] = number(entry, f"{path}.{key}", unit, ledger, zero=key in (*keys.seconds, *keys.plain))
        if found[key] > 1 and key in (*keys.shares, *keys.optional):
            mend = "a share is above 0 and at most 1"
            raise ProfileError(f"{path}.{key} is {found[key].text}", where=entry.where, mend=mend)
    return found
