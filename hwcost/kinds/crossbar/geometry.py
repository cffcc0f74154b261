"""What arrays of cells hold, how long a product takes them, and what it costs: formulas over geometry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, log2
from typing import Final

from hwcost.devices.arrays import Arrays
from hwcost.devices.device import Number
from hwcost.units import dtype_bits, is_floating

OPS_PER_MAC: Final = 2
BITS_PER_BYTE: Final = 8

PARTIAL_SUM_BYTES: Final = 2
"""A column's result on its way: 16 bit, as ISAAC's output registers hold it (ISCA 2016, section V)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """In how many bits arrays hold a matrix and take its inputs."""

    weight_bits: int
    input_bits: int


def format_of(arrays: Arrays, weight_dtype: str, input_dtype: str) -> Format:
    """What a chip makes of two dtypes: whole numbers in their own bits, all else in the chip's most."""
    return Format(
        weight_bits=_bits(weight_dtype, int(arrays.weight_bits)),
        input_bits=_bits(input_dtype, int(arrays.input.bits)),
    )


def _bits(dtype: str, most: int) -> int:
    return most if is_floating(dtype) else min(dtype_bits(dtype), most)


def cells_per_weight(arrays: Arrays, weight_bits: int) -> int:
    """Cells of a weight: c = s * ceil(weight bits / cell bits)."""
    return int(arrays.sign_cells) * ceil(weight_bits / arrays.cell_bits)


def weights_per_row(arrays: Arrays, weight_bits: int) -> int:
    """floor(columns / c): weights side by side in one array."""
    return int(arrays.columns) // cells_per_weight(arrays, weight_bits)


def arrays_for(arrays: Arrays, k: int, n: int, weight_bits: int, *, groups: int = 1) -> int:
    """Arrays that `groups` matrices of k x n take.

    One matrix: ceil(k / rows) * ceil(n / weights per row). Several small ones lie along the diagonal of
    an array, each with rows and columns of its own, since each has its own inputs.
    """
    rows, width = int(arrays.rows), weights_per_row(arrays, weight_bits)
    if groups > 1 and k <= rows and n <= width:
        return ceil(groups / min(rows // k, width // n))
    return groups * ceil(k / rows) * ceil(n / width)


def capacity_weights(arrays: Arrays, weight_bits: int | None = None) -> int:
    """Weights that all arrays hold together: count * rows * floor(columns / c)."""
    bits = int(arrays.weight_bits) if weight_bits is None else weight_bits
    return int(arrays.count) * int(arrays.rows) * weights_per_row(arrays, bits)


def pulses(arrays: Arrays, input_bits: int) -> int:
    """p: pulses of a product: ceil(input bits / pulse bits), or the phases of a pulse-width input."""
    if arrays.input.coding == "pulse_width":
        return int(arrays.input.phases)
    return ceil(input_bits / arrays.input.pulse_bits)


def pulse_s(arrays: Arrays, input_bits: int, *, converters: bool = True) -> float:
    """Seconds of one pulse: the longer of reading the rows and converting the columns.

    bit_serial   max(pulse, columns per converter * conversion)
    pulse_width  max((2^(bits - 1) - 1) * unit + settling, the same): the sign needs no time of its own

    converters: False takes them to be free.
    """
    if arrays.input.coding == "pulse_width":
        read_s = (2.0 ** (input_bits - 1) - 1) * arrays.input.pulse_s + arrays.input.settle_s
    else:
        read_s = float(arrays.input.pulse_s)
    if arrays.converter is None or not converters:
        return read_s
    return max(read_s, arrays.converter.columns * arrays.converter.convert_s)


def interval_s(arrays: Arrays, input_bits: int, *, converters: bool = True) -> float:
    """t_mvm: seconds from one product of an array with a vector to the next: p * t_pulse."""
    return pulses(arrays, input_bits) * pulse_s(arrays, input_bits, converters=converters)


def latency_s(arrays: Arrays, input_bits: int) -> float:
    """Seconds until the first of several products is there."""
    return interval_s(arrays, input_bits) + arrays.pipeline_s


def peak_op_per_s(arrays: Arrays, form: Format, *, converters: bool = True) -> float:
    """2 * weights held / t_mvm: every cell of every array busy. A multiply-accumulate is 2."""
    weights = capacity_weights(arrays, form.weight_bits)
    return OPS_PER_MAC * weights / interval_s(arrays, form.input_bits, converters=converters)


def product_j(arrays: Arrays, input_bits: int) -> float:
    """Joules of one product of one whole array with a vector; 0 where unknown.

    p * (e_array + rows * e_row + rows * columns * e_cell + columns * e_adc) + columns * e_shift
    """
    energy = arrays.energy
    if energy is None:
        return 0.0
    rows, columns = arrays.rows, arrays.columns
    pulse_j = energy.array_j + rows * energy.row_j + rows * columns * energy.cell_j
    if arrays.converter is not None:
        pulse_j += columns * energy.adc_j
    return pulses(arrays, input_bits) * pulse_j + columns * energy.shift_j


def full_bits(arrays: Arrays) -> int:
    """Bits of a column's sum: log2(rows * (2^pulse bits - 1) * (2^cell bits - 1) + 1), rounded up."""
    top = (2 ** int(arrays.input.pulse_bits) - 1) * (2 ** int(arrays.cell_bits) - 1)
    return ceil(log2(arrays.rows * top + 1))


def lost_bits(arrays: Arrays) -> int:
    """Bits of a column's sum that its converter cannot tell, after what an encoding saves."""
    if arrays.converter is None:
        return 0
    needed = full_bits(arrays) - int(arrays.converter.saved_bits)
    return max(0, needed - int(arrays.converter.bits))


def widened(arrays: Arrays, bits: int) -> Arrays:
    """The same arrays with converters of other bits: energy doubles with each bit, time goes with bits.

    source  Walden, "Analog-to-digital converter survey and analysis", JSAC 1999: energy per conversion
            over 2^bits is a figure of merit; a successive approximation takes one cycle per bit
    """
    own, energy = arrays.converter, arrays.energy
    if own is None:
        return arrays
    wider = replace(
        own, bits=_like(own.bits, bits), convert_s=_like(own.convert_s, own.convert_s * bits / own.bits)
    )
    if energy is not None:
        adc_j = energy.adc_j * 2.0 ** (bits - own.bits)
        energy = replace(energy, adc_j=_like(energy.adc_j, adc_j))
    return replace(arrays, converter=wider, energy=energy)


def _like(number: Number, value: float) -> Number:
    return Number(
        value,
        path=number.path,
        unit=number.unit,
        text=f"{value:g}",
        evidence="derived",
        source=f"scaled from {number.text}: {number.source}",
    )


def idle_cell_bits(arrays: Arrays, weight_bits: int) -> int:
    """Bits of a weight's cells that hold nothing: weights of 3 bits in cells of 2 leave 1."""
    slices = ceil(weight_bits / arrays.cell_bits)
    return slices * int(arrays.cell_bits) - weight_bits
