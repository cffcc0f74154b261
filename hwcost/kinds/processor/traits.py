"""What sets the kinds of processor apart where a profile is silent: constants with their sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hwcost.devices.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Defaults of one kind of processor.

    register_elements: what stays beside the arithmetic units while one product runs. shares_registers:
    whether one product's tile can take all registers of the device; else register_elements is the most,
    since a profile gives those of all cores together. local_levels: caches that keep nothing from one
    kernel to the next. unlisted_share: room for data beside the registers that profiles leave out, as a
    multiple of the registers; only the low end of a bracket counts on it. special_share: rate of exp, tanh
    and the like, as a share of that of vector_ops.
    """

    register_elements: int
    shares_registers: bool
    local_levels: frozenset[str]
    unlisted_share: float
    special_share: float


TRAITS: Final[Mapping[str, Traits]] = {
    "cpu": Traits(
        # 32 registers of 128 bit (Arm Architecture Reference Manual, A64 SIMD and floating point) or
        # 16 of 256 bit (Intel 64 and IA-32 manual, AVX): 512 byte, 128 accumulators of 32 bit.
        register_elements=128,
        shares_registers=False,
        local_levels=frozenset(),
        unlisted_share=0.0,
        # PyTorch on one core of an EPYC Milan, float32, in cache, against 50 G vector operations/s:
        # sigmoid 1/15, sqrt 1/21, exp 1/41, log 1/50, erf 1/63, tanh 1/125, reciprocal 1/5; the
        # geometric mean is 1/31.
        special_share=1 / 32,
    ),
    "gpu": Traits(
        # The usual tile of C of one thread block, 128 x 128 (CUTLASS, "Efficient GEMM in CUDA"), with one
        # row and one column of the operands that stream past it: 128*128 + 2*128.
        register_elements=16640,
        shares_registers=False,
        # CUDA C++ Programming Guide, memory fence functions: L1 is not coherent between multiprocessors;
        # shared memory lives as long as its block.
        local_levels=frozenset({"l1", "shared", "smem", "lds"}),
        # Persistent kernels keep recurrent weights in registers and shared memory over all steps (Diamos
        # et al., "Persistent RNNs", ICML 2016). L1 and shared memory together are at most as large as the
        # registers: 128 to 256 KiB beside 256 KiB per multiprocessor (CUDA C++ Programming Guide,
        # technical specifications per compute capability).
        unlisted_share=1.0,
        # CUDA C++ Programming Guide, throughput of native arithmetic instructions: per clock 16 results of
        # exp2, sine or reciprocal beside 64 multiply-adds (compute capability 6.0, 7.x, 8.0) or beside 128
        # (8.6, 8.9, 9.0), a quarter or an eighth; sigmoid, tanh and erf take two of them or more.
        special_share=1 / 8,
    ),
    "accelerator": Traits(
        # A systolic array of 128 x 128 weights (Norrie et al., "The design process for Google's training
        # chips: TPUv2 and TPUv3", IEEE Micro 2021), with a row and a column that stream past.
        register_elements=16640,
        shares_registers=True,
        local_levels=frozenset(),
        # On-chip memory is managed by hand and listed whole.
        unlisted_share=0.0,
        # The activation unit looks functions up, at the rate of its other results (Jouppi et al.,
        # "In-datacenter performance analysis of a tensor processing unit", ISCA 2017, section 2).
        special_share=1.0,
    ),
}


def traits_of(device: Device) -> Traits:
    """The defaults of a device's kind."""
    return TRAITS[device.kind]
