"""Chips of arrays made by hand, for the tests of this folder."""

from __future__ import annotations

from dataclasses import replace

from processors import level, number, unit

from hwcost.devices.arrays import Arrays, Converter, Input, Network, ReadEnergy, Writing
from hwcost.devices.device import Device
from hwcost.graph import Op, Product, Storage, Tensor, Work, contiguous


def bit_serial(bits: int = 8, pulse_bits: int = 1, pulse_s: float = 1e-7) -> Input:
    return Input(
        coding="bit_serial",
        bits=number(bits),
        pulse_bits=number(pulse_bits),
        pulse_s=number(pulse_s),
        phases=number(1),
        settle_s=number(0.0),
    )


def converter(bits: int = 8, convert_s: float = 1e-8, columns: int = 8) -> Converter:
    return Converter(
        bits=number(bits), convert_s=number(convert_s), columns=number(columns), saved_bits=number(0)
    )


def writing(row_s: float = 1e-6, at_once: int = 4, endurance: float | None = 1e6) -> Writing:
    return Writing(
        row_s=number(row_s),
        cell_j=number(1e-12),
        at_once=number(at_once),
        endurance=None if endurance is None else number(endurance),
    )


def arrays(
    *,
    rows: int = 64,
    columns: int = 64,
    count: int = 16,
    cell_bits: int = 4,
    weight_bits: int = 8,
    sign_cells: int = 1,
    takes: Input | None = None,
    reads: Converter | None = None,
    writes: Writing | None = None,
) -> Arrays:
    """16 arrays of 64 x 64 cells of 4 bit: 32 weights of 8 bit per row, t_mvm = 8 * 100 ns."""
    return Arrays(
        proof="modelled",
        style="analog",
        rows=number(rows),
        columns=number(columns),
        count=number(count),
        cell_bits=number(cell_bits),
        weight_bits=number(weight_bits),
        sign_cells=number(sign_cells),
        input=takes or bit_serial(),
        converter=reads or converter(),
        pipeline_s=number(2e-7),
        writing=writes,
        energy=ReadEnergy(
            array_j=number(0.0),
            row_j=number(1e-12),
            cell_j=number(1e-15),
            adc_j=number(2e-12),
            shift_j=number(3e-12),
        ),
        network=Network(bytes_per_s=number(1e10), energy_j_per_byte=number(1e-12)),
        effective_bits=number(6),
    )


def chip(own: Arrays | None = None, *, link: float = 1e9, static_w: float | None = None) -> Device:
    """A chip with a digital unit of 10 GFLOP/s, buffers of 1 MB, and a link."""
    return Device(
        name="bench",
        title="a bench",
        kind="compute_in_memory",
        year=None,
        units=(unit("vector", {"float32": 10e9, "int8": 10e9}, special=1e9),),
        levels=(level("sram", 1e6, 1e11, 1e11, energy=1e-12), level("dram", 1e9, link, link, energy=1e-10)),
        efficiency={"default": number(1.0), "gemm": number(1.0)},
        kernel_s=number(0.0),
        step_s=number(0.0),
        energy_j_per_flop={"float32": number(1e-12), "int8": number(1e-12)},
        static_w=None if static_w is None else number(static_w),
        fusion="eager",
        notes=(),
        numbers=(),
        arrays=own or arrays(writes=writing()),
    )


def with_count(device: Device, count: int) -> Device:
    assert device.arrays is not None
    return replace(device, arrays=replace(device.arrays, count=number(count)))


def tensor(name: str, *shape: int, dtype: str = "int8", weight: bool = False) -> Tensor:
    elements = 1
    for size in shape:
        elements *= size
    role = "weight" if weight else "activation"
    return contiguous(Storage(id=name, elements=elements, dtype=dtype, role=role), shape)


def linear(
    name: str, m: int, k: int, n: int, *, batch: int = 1, weight: bool = True, dtype: str = "int8"
) -> Work:
    """C[m, n] = A[m, k] B[k, n], B a weight or made anew."""
    a = tensor(f"{name}.a", batch * m, k, dtype=dtype)
    b = tensor(f"{name}.b", batch * k, n, dtype=dtype, weight=weight)
    c = tensor(f"{name}.c", batch * m, n, dtype=dtype)
    return Work(
        op=Op(name="aten.mm", module=name, inputs=(a, b), outputs=(c,)),
        op_class="gemm" if m > 1 else "gemv",
        macs=batch * m * k * n,
        reads=(a, b),
        writes=(c,),
        products=(Product(batch=batch, m=m, k=k, n=n, a=a, b=b, c=c),),
    )
