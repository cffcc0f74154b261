"""The parts of a profile that compute in place: arrays of cells, or units beside the banks of a memory."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Final, get_args

from hwcost.devices.arrays import (
    Arrays,
    Coding,
    Converter,
    Input,
    NearMemory,
    Network,
    Overlap,
    Proof,
    ReadEnergy,
    Style,
    Tiles,
    Writing,
)
from hwcost.devices.device import Number
from hwcost.devices.document import Node
from hwcost.devices.fields import fields, mapping, word
from hwcost.devices.quantity import Ledger, number
from hwcost.errors import ProfileError

PROOFS: Final[tuple[Proof, ...]] = get_args(Proof)
STYLES: Final[tuple[Style, ...]] = get_args(Style)
CODINGS: Final[tuple[Coding, ...]] = get_args(Coding)
OVERLAPS: Final[tuple[Overlap, ...]] = get_args(Overlap)

OWN_LEVELS: Final = ("network", "writes", "host")
"""Names under which a report counts what these devices move beside their memory."""

KEYS: Final = {"compute_in_memory": "arrays", "near_memory": "near_memory"}
"""Kind -> the part that it needs, and that no other kind has."""

UNITS: Final = {"cell": "J", **dict.fromkeys(("pulse", "settle", "time", "row", "pipeline", "turn"), "s")}

ZERO: Final = frozenset({"settle", "time", "pipeline", "cell"})
"""Quantities that may be 0."""


def in_place(
    kind: str, root: Node, top: Mapping[str, Node], ledger: Ledger
) -> tuple[Arrays | None, NearMemory | None]:
    """The part of a profile that its kind needs. Raises ProfileError for one too few or too many."""
    for name, key in KEYS.items():
        if kind == name and key not in top:
            raise ProfileError(f"the kind {kind} has no {key!r}", where=root.where, mend=f"add '{key}:'")
        if kind != name and key in top:
            what = f"the key {key!r} in a profile of kind {kind}"
            raise ProfileError(what, where=top[key].where, mend=f"write 'kind: {name}', or remove it")
    if kind not in KEYS:
        return None, None
    for level, node in mapping(top["memory"], "memory").items():
        if level in OWN_LEVELS:
            what = f"{level!r} as the name of a level in a profile of kind {kind}"
            raise ProfileError(what, where=node.where, mend="it is counted by itself: take another name")
    if kind == "near_memory":
        return None, near_memory(top["near_memory"], ledger)
    return arrays(top["arrays"], ledger), None


def near_memory(node: Node, ledger: Ledger) -> NearMemory:
    """Units beside banks, and their link to the host."""
    entries = fields(node, "near_memory", required=("proof", "units", "host"))
    return NearMemory(
        proof=word(entries["proof"], "near_memory.proof", PROOFS),
        units=whole(entries["units"], "near_memory.units", ledger),
        host=network(entries["host"], "near_memory.host", ledger),
    )


def arrays(node: Node, ledger: Ledger) -> Arrays:
    """The arrays of a chip. Raises ProfileError for a geometry that cannot be."""
    entries = fields(
        node,
        "arrays",
        required=("proof", "style", "geometry", "weights", "input"),
        optional=(
            "converter",
            "pipeline",
            "write",
            "energy",
            "network",
            "effective_bits",
            "tiles",
            "overlap",
        ),
    )
    geometry = fields(entries["geometry"], "arrays.geometry", required=("rows", "columns", "count"))
    weights = fields(
        entries["weights"], "arrays.weights", required=("bits", "cell_bits"), optional=("sign_cells",)
    )
    sizes = {key: whole(value, f"arrays.geometry.{key}", ledger) for key, value in geometry.items()}
    bits = {key: whole(value, f"arrays.weights.{key}", ledger) for key, value in weights.items()}
    result = Arrays(
        proof=word(entries["proof"], "arrays.proof", PROOFS),
        style=word(entries["style"], "arrays.style", STYLES),
        rows=sizes["rows"],
        columns=sizes["columns"],
        count=sizes["count"],
        cell_bits=bits["cell_bits"],
        weight_bits=bits["bits"],
        sign_cells=bits.get("sign_cells", left_out("arrays.weights.sign_cells", 1)),
        input=inputs(entries["input"], ledger),
        converter=converter(entries["converter"], ledger) if "converter" in entries else None,
        pipeline_s=quantity(entries, "pipeline", "arrays", ledger),
        writing=writing(entries["write"], sizes["count"], ledger) if "write" in entries else None,
        energy=read_energy(entries["energy"], ledger) if "energy" in entries else None,
        network=network(entries["network"], "arrays.network", ledger) if "network" in entries else None,
        effective_bits=number(entries["effective_bits"], "arrays.effective_bits", "", ledger)
        if "effective_bits" in entries
        else None,
        tiles=tiles(entries["tiles"], ledger) if "tiles" in entries else None,
        overlap=word(entries["overlap"], "arrays.overlap", OVERLAPS) if "overlap" in entries else "none",
    )
    require_geometry(result, node, entries)
    return result


def require_geometry(arrays: Arrays, node: Node, entries: Mapping[str, Node]) -> None:
    """Refuse arrays that cannot hold a weight, take an input, or read a column."""
    cells = int(arrays.sign_cells) * ceil(arrays.weight_bits / arrays.cell_bits)
    if cells > arrays.columns:
        what = f"a weight takes {cells} cells and an array has {arrays.columns.text} columns"
        raise ProfileError(what, where=entries["weights"].where, mend="make the array wider")
    if arrays.input.pulse_bits > arrays.input.bits:
        what = f"pulses of {arrays.input.pulse_bits.text} bits for inputs of {arrays.input.bits.text}"
        raise ProfileError(what, where=entries["input"].where, mend="make the pulses narrower")
    if arrays.style == "analog" and arrays.converter is None:
        raise ProfileError(
            "analog arrays have no 'converter'", where=node.where, mend="add 'converter:' under arrays"
        )
    if arrays.style == "digital" and arrays.converter is not None:
        where = entries["converter"].where
        raise ProfileError("digital arrays with a converter", where=where, mend="remove it")
    if arrays.converter is not None and arrays.converter.columns > arrays.columns:
        what = f"a converter for {arrays.converter.columns.text} of {arrays.columns.text} columns"
        raise ProfileError(what, where=entries["converter"].where, mend="correct one of them")


def inputs(node: Node, ledger: Ledger) -> Input:
    """How numbers enter the rows."""
    path = "arrays.input"
    entries = fields(
        node, path, required=("coding", "bits", "pulse"), optional=("pulse_bits", "phases", "settle")
    )
    coding = word(entries["coding"], f"{path}.coding", CODINGS)
    bits = whole(entries["bits"], f"{path}.bits", ledger)
    if coding == "bit_serial" and "pulse_bits" not in entries:
        mend = "add 'pulse_bits:', the bits of one pulse"
        raise ProfileError(f"{path} has no 'pulse_bits'", where=node.where, mend=mend)
    if coding == "pulse_width" and "pulse_bits" in entries:
        mend = "remove it: a pulse carries all bits"
        raise ProfileError(f"{path} has 'pulse_bits'", where=entries["pulse_bits"].where, mend=mend)
    return Input(
        coding=coding,
        bits=bits,
        pulse_bits=whole(entries["pulse_bits"], f"{path}.pulse_bits", ledger)
        if "pulse_bits" in entries
        else bits,
        pulse_s=quantity(entries, "pulse", path, ledger),
        phases=whole(entries["phases"], f"{path}.phases", ledger)
        if "phases" in entries
        else left_out(f"{path}.phases", 1),
        settle_s=quantity(entries, "settle", path, ledger),
    )


def converter(node: Node, ledger: Ledger) -> Converter:
    """What reads the columns of an analog array."""
    path = "arrays.converter"
    entries = fields(node, path, required=("bits", "time", "columns"), optional=("saved_bits",))
    return Converter(
        bits=whole(entries["bits"], f"{path}.bits", ledger),
        convert_s=quantity(entries, "time", path, ledger),
        columns=whole(entries["columns"], f"{path}.columns", ledger),
        saved_bits=whole(entries["saved_bits"], f"{path}.saved_bits", ledger)
        if "saved_bits" in entries
        else left_out(f"{path}.saved_bits", 0),
    )


def writing(node: Node, count: Number, ledger: Ledger) -> Writing:
    """What changing cells takes; without `at_once` all arrays are written side by side."""
    path = "arrays.write"
    entries = fields(node, path, required=("row", "cell"), optional=("at_once", "endurance"))
    at_once = whole(entries["at_once"], f"{path}.at_once", ledger) if "at_once" in entries else count
    if at_once > count:
        what = f"{at_once.text} arrays written at once, of {count.text}"
        raise ProfileError(what, where=entries["at_once"].where, mend="correct one of them")
    return Writing(
        row_s=quantity(entries, "row", path, ledger),
        cell_j=quantity(entries, "cell", path, ledger),
        at_once=at_once,
        endurance=number(entries["endurance"], f"{path}.endurance", "", ledger)
        if "endurance" in entries
        else None,
    )


def read_energy(node: Node, ledger: Ledger) -> ReadEnergy:
    """Joules of a pulse, by part; parts that are left out are in others, or 0."""
    path = "arrays.energy"
    entries = fields(node, path, optional=("array", "row", "cell", "adc", "shift"))
    parts = {
        key: number(entries[key], f"{path}.{key}", "J", ledger, zero=True)
        if key in entries
        else left_out(f"{path}.{key}", 0)
        for key in ("array", "row", "cell", "adc", "shift")
    }
    return ReadEnergy(
        array_j=parts["array"],
        row_j=parts["row"],
        cell_j=parts["cell"],
        adc_j=parts["adc"],
        shift_j=parts["shift"],
    )


def tiles(node: Node, ledger: Ledger) -> Tiles:
    """Groups of arrays that exchange messages."""
    path = "arrays.tiles"
    entries = fields(node, path, required=("arrays", "blocks", "in_turn", "turn"))
    return Tiles(
        arrays=whole(entries["arrays"], f"{path}.arrays", ledger),
        blocks=whole(entries["blocks"], f"{path}.blocks", ledger),
        in_turn=whole(entries["in_turn"], f"{path}.in_turn", ledger),
        turn_s=quantity(entries, "turn", path, ledger),
    )


def network(node: Node, path: str, ledger: Ledger) -> Network:
    """A link: bandwidth, and joules per byte."""
    entries = fields(node, path, required=("bandwidth", "energy"))
    return Network(
        bytes_per_s=number(entries["bandwidth"], f"{path}.bandwidth", "B/s", ledger),
        energy_j_per_byte=number(entries["energy"], f"{path}.energy", "J/B", ledger, zero=True),
    )


def quantity(entries: Mapping[str, Node], key: str, path: str, ledger: Ledger) -> Number:
    """A time or an energy; 0 where it is left out."""
    if key not in entries:
        return left_out(f"{path}.{key}", 0)
    return number(entries[key], f"{path}.{key}", UNITS[key], ledger, zero=key in ZERO)


def whole(node: Node, path: str, ledger: Ledger) -> Number:
    """A count: a whole number above zero."""
    count = number(node, path, "", ledger)
    if not count.is_integer():
        raise ProfileError(f"{path} is {count.text}", where=node.where, mend="write a whole number")
    return count


def left_out(path: str, value: int) -> Number:
    """What stands for a key that a profile leaves out."""
    return Number(
        value, path=path, unit="", text=str(value), evidence="derived", source="left out of the profile"
    )
