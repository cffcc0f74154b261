"""The memory of a profile: its levels, nearest to the units first."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final, get_args

from hwcost.devices.device import Level, Number, Policy
from hwcost.devices.document import Node
from hwcost.devices.fields import fields, mapping, word
from hwcost.devices.quantity import Ledger, number, times
from hwcost.errors import ProfileError

POLICIES: Final[tuple[Policy, ...]] = get_args(Policy)

REGISTERS: Final = "registers"
"""The level that has a size only: what the units hold while they compute."""

BOUNDS: Final = ("compute", "latency", "free")
"""Words that a report uses beside the names of levels, so that no level may have them."""

_LEVEL_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def memory_levels(node: Node, energy_j_per_byte: Mapping[str, Number], ledger: Ledger) -> tuple[Level, ...]:
    """The levels of memory, nearest to the units first."""
    entries = mapping(node, "memory")
    last = list(entries)[-1]
    levels = []
    for position, (name, entry) in enumerate(entries.items()):
        if not _LEVEL_NAME.match(name) or name in BOUNDS:
            mend = "take a lower-case word such as l1, l2, sram, hbm or dram"
            raise ProfileError(f"{name!r} as the name of a level", where=entry.where, mend=mend)
        if name == REGISTERS and (position > 0 or name == last):
            mend = "put it first, with a level after it"
            raise ProfileError("registers are not the nearest level", where=entry.where, mend=mend)
        level = memory_level(entry, name, energy_j_per_byte.get(name), ledger, is_last=name == last)
        levels.append(level)
    return tuple(levels)


def memory_level(
    node: Node, name: str, energy_j_per_byte: Number | None, ledger: Ledger, *, is_last: bool
) -> Level:
    """One level, its instances taken together."""
    path = f"memory.{name}"
    rates = () if name == REGISTERS else ("peak_bandwidth", "achieved_bandwidth")
    entries = fields(
        node,
        path,
        required=("policy",) if is_last else ("size", "policy"),
        optional=("size", "instances", *rates),
    )
    units = {"size": "B", "peak_bandwidth": "B/s", "achieved_bandwidth": "B/s"}
    found = {
        key: number(entries[key], f"{path}.{key}", unit, ledger)
        for key, unit in units.items()
        if key in entries
    }
    instances = 1
    if "instances" in entries:
        instances, found = all_instances(found, entries["instances"], path, ledger)
    peak = found.get("peak_bandwidth", found.get("achieved_bandwidth"))
    achieved = found.get("achieved_bandwidth", peak)
    if is_last and peak is None:
        mend = "add 'peak_bandwidth:' or 'achieved_bandwidth:'"
        raise ProfileError(f"{path}, the farthest level, has no bandwidth", where=node.where, mend=mend)
    if peak is not None and achieved is not None and achieved > peak:
        where = entries["achieved_bandwidth"].where
        what = f"{path} achieves {achieved.text} of a peak of {peak.text}"
        raise ProfileError(what, where=where, mend="correct the lower or the higher one")
    return Level(
        name=name,
        size_bytes=found.get("size"),
        peak_bytes_per_s=peak,
        achieved_bytes_per_s=achieved,
        policy=word(entries["policy"], f"{path}.policy", POLICIES),
        energy_j_per_byte=energy_j_per_byte,
        instances=instances,
    )


def all_instances(
    found: Mapping[str, Number], node: Node, path: str, ledger: Ledger
) -> tuple[int, dict[str, Number]]:
    """The number of instances, and the numbers of one instance times it."""
    count = number(node, f"{path}.instances", "", ledger)
    together = {key: times(count, one) for key, one in found.items()}
    if not count.is_integer() or not all(map(math.isfinite, together.values())):
        what = f"{path}.instances is {count.text}"
        raise ProfileError(what, where=node.where, mend="write how many there are, a whole number")
    return int(count), together


def energy_by_level(energy: Mapping[str, Node], memory: Node, ledger: Ledger) -> Mapping[str, Number]:
    """Joules per byte of each level that has a figure."""
    if "byte" not in energy:
        return {}
    levels = list(mapping(memory, "memory"))
    entries = fields(energy["byte"], "energy.byte", required=(levels[-1],), optional=levels)
    return {
        name: number(entry, f"energy.byte.{name}", "J/B", ledger, zero=True)
        for name, entry in entries.items()
    }
