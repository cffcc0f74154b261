"""The tree of a profile becomes a device; whatever does not fit the format is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, get_args

from hwcost.devices.arrays_profile import in_place
from hwcost.devices.device import ComputeUnit, Device, Fusion, Number
from hwcost.devices.document import Node
from hwcost.devices.elsewhere import for_member
from hwcost.devices.families import UNITS, load_family
from hwcost.devices.family import Family
from hwcost.devices.fields import fields, mapping, suggestion, text, word
from hwcost.devices.kernels import measured_kernels
from hwcost.devices.levels import REGISTERS, energy_by_level, memory_levels
from hwcost.devices.quantity import Ledger, number, with_citations, within
from hwcost.errors import ProfileError
from hwcost.units import DTYPE_ALIASES, DTYPE_BITS

KINDS: Final = ("cpu", "gpu", "accelerator", "compute_in_memory", "near_memory")
FUSIONS: Final[tuple[Fusion, ...]] = get_args(Fusion)

OP_CLASSES: Final = {
    name.replace(" ", "_"): name
    for name in (
        *("gemm", "gemv", "conv", "depthwise", "attention", "recurrent step"),
        *("pointwise", "reduction", "gather", "copy"),
    )
}
"""Keys of `efficiency` beside `default`, and the op classes that they stand for."""

OF_FAMILY: Final = ("efficiency", "latency")
"""What a profile may leave to its family."""

_YEAR = re.compile(r"(19|20)[0-9]{2}\Z")


def device(root: Node, name: str) -> Device:
    """The device that a profile describes.

    Raises ProfileError with the line of the first thing that does not fit.
    """
    top = fields(
        root,
        "the profile",
        required=("title", "kind", "compute", "memory", "runtime", *(() if is_member(root) else OF_FAMILY)),
        optional=(
            "year",
            "sources",
            "energy",
            "notes",
            "family",
            "arrays",
            "near_memory",
            "kernels",
            *OF_FAMILY,
        ),
    )
    ledger = Ledger(sources=citations(top["sources"]) if "sources" in top else {})
    family = member_of(top["family"], name) if "family" in top else None
    runtime = fields(top["runtime"], "runtime", required=("fusion",))
    energy = fields(top["energy"], "energy", optional=("flop", "byte", "static")) if "energy" in top else {}
    units = compute_units(top["compute"], ledger)
    bytes_j = energy_by_level(energy, top["memory"], ledger)
    levels = memory_levels(top["memory"], bytes_j, ledger)
    own = efficiencies(top["efficiency"], ledger, family) if "efficiency" in top else {}
    latency = latencies(top.get("latency"), ledger, family)
    kind = word(top["kind"], "kind", KINDS)
    arrays, near_memory = in_place(kind, root, top, ledger)
    names = tuple(level.name for level in levels)
    kernels = measured_kernels(top["kernels"], names, ledger) if "kernels" in top else {}
    result = Device(
        name=name,
        title=text(top["title"], "title"),
        kind=kind,
        year=year(top["year"]) if "year" in top else None,
        units=units,
        levels=levels,
        efficiency=every_class({**(family.efficiency if family else {}), **own}),
        kernel_s=latency["kernel"],
        step_s=latency["recurrent_step"],
        energy_j_per_flop=energy_by_dtype(energy, units, ledger),
        static_w=number(energy["static"], "energy.static", "W", ledger, zero=True)
        if "static" in energy
        else None,
        fusion=word(runtime["fusion"], "runtime.fusion", FUSIONS),
        notes=sentences(top["notes"], ledger) if "notes" in top else (),
        numbers=(*ledger.numbers, *(family_numbers(family, ledger) if family else ())),
        family=family,
        own_classes=frozenset(own),
        arrays=arrays,
        near_memory=near_memory,
        kernels=kernels,
    )
    require_cited(ledger)
    if family and levels[0].name != REGISTERS:
        mend = "add 'registers:' with size, policy and instances, the number of multiprocessors or cores"
        raise ProfileError("a family without registers in memory", where=top["memory"].where, mend=mend)
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


def member_of(node: Node, name: str) -> Family:
    """The family that a profile of this name says it belongs to."""
    return for_member(load_family(text(node, "family"), node.where), name)


def family_numbers(family: Family, ledger: Ledger) -> tuple[Number, ...]:
    """The numbers of the family that the profile does not give itself; their paths say whose they are."""
    given = {number.path for number in ledger.numbers}
    return tuple(within(number, "family") for number in family.numbers if number.path not in given)


def is_member(root: Node) -> bool:
    """Whether a profile names a family."""
    return isinstance(root.value, Mapping) and "family" in root.value


def efficiencies(node: Node, ledger: Ledger, family: Family | None) -> Mapping[str, Number]:
    """The share of the peak by op class, of those that are named and `default`."""
    required = () if family else ("default",)
    entries = fields(node, "efficiency", required=required, optional=("default", *OP_CLASSES))
    shares = {}
    for key, entry in entries.items():
        share = number(entry, f"efficiency.{key}", "", ledger)
        if share > 1:
            mend = "a share is above 0 and at most 1"
            raise ProfileError(f"efficiency.{key} is {share.text}", where=entry.where, mend=mend)
        shares[OP_CLASSES.get(key, key)] = share
    return shares


def every_class(shares: Mapping[str, Number]) -> Mapping[str, Number]:
    """The share of each op class; `default` stands for each that is not named."""
    return {name: shares.get(name, shares["default"]) for name in (*OP_CLASSES.values(), "default")}


def latencies(node: Node | None, ledger: Ledger, family: Family | None) -> Mapping[str, Number]:
    """The seconds before any work, of a kernel and of a recurrent step; the family's where not given."""
    found = {"kernel": family.kernel_s, "recurrent_step": family.step_s} if family else {}
    if node is None:
        return found
    keys = ("kernel", "recurrent_step")
    entries = fields(node, "latency", required=() if family else keys, optional=keys)
    given = {key: number(entry, f"latency.{key}", "s", ledger, zero=True) for key, entry in entries.items()}
    return {**found, **given}


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
