"""The tree of a profile becomes a device; whatever does not fit the format is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, get_args

from hwcost.devices.device import ComputeUnit, Device, Fusion, Number
from hwcost.devices.document import Node
from hwcost.devices.fields import fields, mapping, suggestion, text, word
from hwcost.devices.kernels import measured_kernels
from hwcost.devices.levels import energy_by_level, memory_levels
from hwcost.devices.quantity import Ledger, number, with_citations
from hwcost.errors import ProfileError
from hwcost.units import DTYPE_ALIASES, DTYPE_BITS

KINDS: Final = ("cpu", "gpu", "accelerator")
UNITS: Final = ("matrix", "vector", "scalar")
FUSIONS: Final[tuple[Fusion, ...]] = get_args(Fusion)

OP_CLASSES: Final = {
    name.replace(" ", "_"): name
    for name in (
        *("gemm", "gemv", "conv", "depthwise", "attention", "recurrent step"),
        *("pointwise", "reduction", "gather", "copy"),
    )
}
"""Keys of `efficiency` beside `default`, and the op classes that they stand for."""

_YEAR = re.compile(r"(19|20)[0-9]{2}\Z")


def device(root: Node, name: str) -> Device:
    """The device that a profile describes.

    Raises ProfileError with the line of the first thing that does not fit.
    """
    top = fields(
        root,
        "the profile",
        required=("title", "kind", "compute", "memory", "efficiency", "latency", "runtime"),
        optional=("year", "sources", "energy", "kernels", "notes"),
    )
    ledger = Ledger(sources=citations(top["sources"]) if "sources" in top else {})
    latency = fields(top["latency"], "latency", required=("kernel", "recurrent_step"))
    runtime = fields(top["runtime"], "runtime", required=("fusion",))
    energy = fields(top["energy"], "energy", optional=("flop", "byte", "static")) if "energy" in top else {}
    units = compute_units(top["compute"], ledger)
    bytes_j = energy_by_level(energy, top["memory"], ledger)
    levels = memory_levels(top["memory"], bytes_j, ledger)
    names = tuple(level.name for level in levels)
    kernels = measured_kernels(top["kernels"], names, ledger) if "kernels" in top else {}
    result = Device(
        name=name,
        title=text(top["title"], "title"),
        kind=word(top["kind"], "kind", KINDS),
        year=year(top["year"]) if "year" in top else None,
        units=units,
        levels=levels,
        efficiency=efficiencies(top["efficiency"], ledger),
        kernel_s=number(latency["kernel"], "latency.kernel", "s", ledger, zero=True),
        step_s=number(latency["recurrent_step"], "latency.recurrent_step", "s", ledger, zero=True),
        energy_j_per_flop=energy_by_dtype(energy, units, ledger),
        static_w=number(energy["static"], "energy.static", "W", ledger, zero=True)
        if "static" in energy
        else None,
        fusion=word(runtime["fusion"], "runtime.fusion", FUSIONS),
        notes=sentences(top["notes"], ledger) if "notes" in top else (),
        numbers=tuple(ledger.numbers),
        kernels=kernels,
    )
    require_cited(ledger)
    return result


def require_cited(ledger: Ledger) -> None:
    """Refuse a source that no number and no note cites."""
    for key, node in ledger.sources.items():
        if key not in ledger.cited:
            mend = f"cite it, as source of a number or as [{key}] in a text, or remove it"
            raise ProfileError(f"nothing cites the source {key!r}", where=node.where, mend=mend)


def year(node: Node) -> int:
    """A year of four digits."""
    if not isinstance(node.value, str) or not _YEAR.match(node.value):
        raise ProfileError("year is no year", where=node.where, mend="write it like 2018")
    return int(node.value)


def citations(node: Node) -> Mapping[str, Node]:
    """The citations by key."""
    entries = mapping(node, "sources")
    for key, value in entries.items():
        text(value, f"sources.{key}")
        if not key or set("[]:") & set(key):
            mend = "take a short word without brackets and colons"
            raise ProfileError(f"the source key {key!r}", where=value.where, mend=mend)
    return entries


def sentences(node: Node, ledger: Ledger) -> tuple[str, ...]:
    """The notes, with each [key] replaced by its citation."""
    if not isinstance(node.value, tuple):
        raise ProfileError("notes is no list", where=node.where, mend="start each line with '- '")
    return tuple(with_citations(text(item, "a note"), item.where, ledger) for item in node.value)


def dtypes(entries: Mapping[str, Node], path: str, *, beside: str = "") -> tuple[str, ...]:
    """The keys of a mapping that are dtypes, all of them but `beside`."""
    for key, node in entries.items():
        if key not in DTYPE_BITS and key != beside:
            full = DTYPE_ALIASES.get(key)
            mend = f"write {full!r}" if full else suggestion(key, DTYPE_BITS)
            raise ProfileError(f"unknown dtype {key!r} in {path}", where=node.where, mend=mend)
    return tuple(key for key in entries if key != beside)


def compute_units(node: Node, ledger: Ledger) -> tuple[ComputeUnit, ...]:
    """The arithmetic units with their peak rate by dtype."""
    units = []
    for name, entry in fields(node, "compute", optional=UNITS).items():
        path = f"compute.{name}"
        entries = mapping(entry, path)
        names = dtypes(entries, path, beside="special")
        if not names:
            mend = "add a dtype, like 'float32: [48 GFLOP/s, \"SOURCE\"]'"
            raise ProfileError(f"{path} has no peak", where=entry.where, mend=mend)
        peaks = {key: number(entries[key], f"{path}.{key}", "FLOP/s", ledger) for key in names}
        special = entries.get("special")
        units.append(
            ComputeUnit(
                name=name,
                peak_flop_per_s=peaks,
                special_per_s=number(special, f"{path}.special", "FLOP/s", ledger) if special else None,
            )
        )
    return tuple(units)


def efficiencies(node: Node, ledger: Ledger) -> Mapping[str, Number]:
    """The share of the peak by op class; `default` stands for each class that is not named."""
    entries = fields(node, "efficiency", required=("default",), optional=OP_CLASSES)
    shares = {}
    for key, entry in entries.items():
        share = number(entry, f"efficiency.{key}", "", ledger)
        if share > 1:
            mend = "a share is above 0 and at most 1"
            raise ProfileError(f"efficiency.{key} is {share.text}", where=entry.where, mend=mend)
        shares[OP_CLASSES.get(key, key)] = share
    return {name: shares.get(name, shares["default"]) for name in (*OP_CLASSES.values(), "default")}


def energy_by_dtype(
    energy: Mapping[str, Node], units: tuple[ComputeUnit, ...], ledger: Ledger
) -> Mapping[str, Number]:
    """Joules per operation by dtype; a sum needs them beside those per byte."""
    if ("flop" in energy) != ("byte" in energy):
        given, missing = ("flop", "byte") if "flop" in energy else ("byte", "flop")
        mend = f"add '{missing}:' or leave out '{given}:', or the sum would miss a part"
        what = f"energy has {given!r} without {missing!r}"
        raise ProfileError(what, where=energy[given].where, mend=mend)
    if "flop" not in energy:
        return {}
    entries = mapping(energy["flop"], "energy.flop")
    known = {dtype for unit in units for dtype in unit.peak_flop_per_s}
    for dtype in dtypes(entries, "energy.flop"):
        if dtype not in known:
            what = f"energy.flop has {dtype!r}, which no unit computes"
            raise ProfileError(what, where=entries[dtype].where, mend=suggestion(dtype, sorted(known)))
    return {
        dtype: number(entries[dtype], f"energy.flop.{dtype}", "J/FLOP", ledger, zero=True)
        for dtype in entries
    }
