"""What a report shows of a chip of arrays: its ceilings, its slopes, and what its numbers rest on."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

from hwcost.devices.arrays import Arrays
from hwcost.devices.device import Device
from hwcost.kinds import processor
from hwcost.kinds.crossbar.geometry import (
    BITS_PER_BYTE,
    Format,
    cells_per_weight,
    format_of,
    full_bits,
    idle_cell_bits,
    lost_bits,
    peak_op_per_s,
    product_j,
    weights_per_row,
    widened,
)
from hwcost.kinds.crossbar.move import NETWORK, WRITES
from hwcost.kinds.crossbar.parts import arrays_of, digital_device
from hwcost.report import Machine, Roof, Slope
from hwcost.units import dtype_bits, is_floating

PROOFS = {
    "silicon": "its array figures are of measured silicon",
    "simulation": "its array figures are simulated: the chip was never built",
    "vendor": "its array figures are its vendor's word",
    "modelled": "it is a model of ours: no such chip exists",
}


def machine(device: Device, dtype: str, /, *others: str) -> Machine:
    """The chip as a roofline for products in one dtype.

    roofs   arrays: every array busy, converters counted; the same if converters took no time, in arrays
            that wait for them; and those of the digital unit
    slopes  writes: cells rewritten at once; network; and those of the buffers and the link, over which
            weights come that do not fit
    """
    arrays = arrays_of(device)
    digital = processor.machine(digital_device(device), dtype, *others)
    form = format_of(arrays, dtype, dtype)
    name = f"int{form.weight_bits}"
    roof = _roof("arrays", name, peak_op_per_s(arrays, form))
    reading = _roof("arrays without ADC", name, peak_op_per_s(arrays, form, converters=False))
    waits = reading.peak_flop_per_s > roof.peak_flop_per_s
    return replace(
        digital,
        name=device.name,
        kind=device.kind,
        roof=roof,
        roofs=(roof, *((reading,) if waits else ()), *digital.roofs),
        slopes=(*_slopes(arrays, form), *digital.slopes),
        proof=arrays.proof,
        notes=(f"Evidence: {PROOFS[arrays.proof]}.", *digital.notes),
        stand_ins=(*_formats(device, arrays, dtype, form), *digital.stand_ins),
    )


def _roof(unit: str, dtype: str, peak: float) -> Roof:
    return Roof(unit=unit, dtype=dtype, peak_flop_per_s=peak, achieved_flop_per_s=peak)


def _slopes(arrays: Arrays, form: Format) -> tuple[Slope, ...]:
    """Writing: bytes of a row of weights per t_row, in all arrays that are written at once."""
    found = []
    if arrays.writing is not None:
        row_bytes = weights_per_row(arrays, form.weight_bits) * form.weight_bits / BITS_PER_BYTE
        rate = arrays.writing.at_once * row_bytes / arrays.writing.row_s
        size = arrays.count * arrays.rows * row_bytes
        found.append(_slope(WRITES, rate, size))
    if arrays.network is not None:
        found.append(_slope(NETWORK, float(arrays.network.bytes_per_s), None))
    return tuple(slope for slope in found if isfinite(slope.peak_bytes_per_s))


def _slope(level: str, rate: float, size: float | None) -> Slope:
    return Slope(level=level, size_bytes=size, peak_bytes_per_s=rate, achieved_bytes_per_s=rate)


def _price_of_all(arrays: Arrays, form: Format, lost: int) -> str:
    """What products would take if converters told all bits; "" where their energy is not known apart."""
    if arrays.converter is None or arrays.energy is None or not arrays.energy.adc_j:
        return ""
    wide = widened(arrays, int(arrays.converter.bits) + lost)
    more = product_j(wide, form.input_bits) / product_j(arrays, form.input_bits)
    return f", and products would take about {more:.2g} times the energy to keep them"


def _formats(device: Device, arrays: Arrays, dtype: str, form: Format) -> tuple[str, ...]:
    """What becomes of the model's numbers, and how much of them the chip loses."""
    found = []
    bits = dtype_bits(dtype)
    if is_floating(dtype) or bits > min(form.weight_bits, form.input_bits):
        found.append(
            f"{device.name} holds weights in {form.weight_bits} bit and takes inputs of {form.input_bits}"
            f" bit: its products are priced as if the {dtype} model were quantised to that"
        )
    idle = idle_cell_bits(arrays, form.weight_bits)
    if idle and cells_per_weight(arrays, form.weight_bits) > 1:
        found.append(
            f"Weights of {form.weight_bits} bit lie in cells of {int(arrays.cell_bits)}: {idle} bit of each"
            " weight's cells is idle"
        )
    lost = lost_bits(arrays)
    if lost and arrays.converter is not None:
        found.append(
            f"The sum of a column has {full_bits(arrays)} bit, its converter {int(arrays.converter.bits)}:"
            f" {lost} bit are rounded away{_price_of_all(arrays, form, lost)}"
        )
    good = arrays.effective_bits
    effective = f", and a weight is good for about {float(good):g} bit" if good is not None else ""
    found.append(f"Accuracy is not modelled{effective}")
    return tuple(found)
