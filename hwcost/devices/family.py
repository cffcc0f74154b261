"""The nouns of a family: how the libraries of like devices fill their units, by shape of the work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwcost.devices.device import Number
from hwcost.devices.operator_kernels import Depthwise, FusedAttention


@dataclass(frozen=True, slots=True, kw_only=True)
class Products:
    """How products are computed.

    tiles: (rows, columns) of C that one block of threads, or one core, computes at a time.
    peak_share: of the peak that endless tiles would reach. tile_loss: c of 1/(1 + c*(1/rows + 1/columns)).
    k_step_s: the least time per element of the sum that a block takes. split_s: what a sum that is
    split over blocks costs once more. kernel_s: starting one. memory_share: of the peak bandwidth that is
    reached; strided_share, strided_wide_share: of that, where the larger operand lies along k, in tiles
    with a side below 64 and in others; narrow_share: of that, where a side is 5 to 16; vector_share: of
    the peak bandwidth where a side is 4 or less. result_s: for each element of C beside the arithmetic.
    """

    tiles: tuple[tuple[int, int], ...]
    peak_share: Number
    tile_loss: Number
    k_step_s: Number
    split_s: Number
    kernel_s: Number
    memory_share: Number
    strided_share: Number
    strided_wide_share: Number
    narrow_share: Number
    vector_share: Number
    result_s: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolutions:
    """How convolutions are computed: as products without a matrix in memory, or by Winograd's method.

    peak_share, k_step_s, kernel_s, memory_share: as of products, with their tiles and tile_loss.
    winograd_share: of the peak, by Winograd's method; None where the library has none. unaligned_share: of
    the peak, where the input channels are no multiple of 8; None where that makes no difference.
    """

    peak_share: Number
    k_step_s: Number
    kernel_s: Number
    memory_share: Number
    winograd_share: Number | None
    unaligned_share: Number | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """How the steps of recurrent layers are computed.

    step_s: starting a step; narrow_step_s: with a batch of 16 or less. warm_step_s: what each of the
    first warm_steps steps takes longer. memory_share, narrow_share, vector_share: as of products.
    """

    step_s: Number
    narrow_step_s: Number
    warm_step_s: Number
    warm_steps: Number
    memory_share: Number
    narrow_share: Number
    vector_share: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernels:
    """What the library of a family has for one unit or one dtype.

    spread: by op class, the factor within which 9 of 10 measured times lie around the predicted one.
    """

    products: Products
    convolutions: Convolutions | None
    steps: Steps | None
    spread: Mapping[str, Number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Devices whose libraries compute alike.

    kernels: by dtype, or by unit ("vector", "matrix") for all dtypes that are not named.
    efficiency, kernel_s, step_s: for profiles that give none. numbers: all, with their sources.
    fitted_on: the profile whose measurements the constants were fitted on, "" where there is none.
    elsewhere: how many times wider the spreads are on every other member; None where that is not known.
    attention, depthwise: kernels for these ops, None where the family has none.
    """

    name: str
    title: str
    kernels: Mapping[str, Kernels]
    efficiency: Mapping[str, Number]
    kernel_s: Number
    step_s: Number
    numbers: tuple[Number, ...]
    fitted_on: str = ""
    elsewhere: Number | None = None
    attention: FusedAttention | None = None
    depthwise: Depthwise | None = None

    def kernels_of(self, unit: str, dtype: str) -> Kernels | None:
        """The kernels for a dtype on a unit; None where the family has none."""
        return self.kernels.get(dtype, self.kernels.get(unit))
