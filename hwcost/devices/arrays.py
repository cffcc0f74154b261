"""The nouns of compute-in-memory: arrays of cells that multiply what they hold, and their circuits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hwcost.devices.device import Number

Proof = Literal["silicon", "simulation", "vendor", "modelled"]
"""What the figures of a chip were taken from: measured chips, a simulator, a vendor's word, our choice."""

Style = Literal["analog", "digital"]
Coding = Literal["bit_serial", "pulse_width"]

Overlap = Literal["none", "products", "layers"]
"""What arrays do side by side: nothing, the products of a step with its input and its state, or layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """How numbers enter the rows.

    bits: of an input at most. bit_serial: pulses of pulse_bits each, one after the other, pulse_s long.
    pulse_width: one pulse of up to 2^(bits - 1) - 1 units of pulse_s, sign aside, in each of `phases`
    phases (of signs of inputs and weights), with settle_s after each.
    """

    coding: Coding
    bits: Number
    pulse_bits: Number
    pulse_s: Number
    phases: Number
    settle_s: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Converter:
    """What reads the columns of an analog array.

    convert_s: one conversion. columns: that share a converter, one after the other. saved_bits: bits that
    an encoding of the weights takes off the sum of a column.
    """

    bits: Number
    convert_s: Number
    columns: Number
    saved_bits: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What changing cells takes. row_s: one row of an array. at_once: arrays that are written side by side.

    endurance: writes that a cell bears, None where there is no figure or no limit that matters.
    """

    row_s: Number
    cell_j: Number
    at_once: Number
    endurance: Number | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEnergy:
    """Joules of a pulse: of a whole array, of each row, of each cell, of each column's conversion.

    shift_j: of each column once per product, to shift, add and put down its result.
    """

    array_j: Number
    row_j: Number
    cell_j: Number
    adc_j: Number
    shift_j: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What carries inputs to the arrays and results away, all of it together."""

    bytes_per_s: Number
    energy_j_per_byte: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """Groups of arrays that exchange messages.

    arrays: in a tile. blocks: how many blocks of rows of one column it can add up by itself. turn_s: from
    the inputs of a tile to its results, messages and sums included; where the sums of a column pass
    several tiles, the tiles of the layer take turns, `in_turn` of them at most: larger layers run in
    portions of so many, side by side.
    """

    arrays: Number
    blocks: Number
    in_turn: Number
    turn_s: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrays:
    """The arrays of a chip, all alike.

    rows, columns: of cells in one. cell_bits: that a cell holds. weight_bits: of a weight at most.
    sign_cells: s, cells that a slice of a signed weight takes. pipeline_s: what the first of several
    products waits beyond the interval between them. converter: None in digital arrays. writing: None
    where cells are set once, before use. energy, network: None where unknown. effective_bits: what a
    weight is good for after noise, None where there is no figure. tiles: None where messages between
    arrays count by their bytes alone. overlap: what the chip does side by side.
    """

    proof: Proof
    style: Style
    rows: Number
    columns: Number
    count: Number
    cell_bits: Number
    weight_bits: Number
    sign_cells: Number
    input: Input
    converter: Converter | None
    pipeline_s: Number
    writing: Writing | None
    energy: ReadEnergy | None
    network: Network | None
    effective_bits: Number | None
    tiles: Tiles | None = None
    overlap: Overlap = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMemory:
    """Units beside the banks of a memory: what they hold they read there, all else comes by the host.

    units: how many there are, each with its own share of the memory. host: the link over which
    inputs are sent to all of them, and results are collected.
    """

    proof: Proof
    units: Number
    host: Network
