"""The nouns of a device: numbers that know their source, units, levels of memory, the device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from hwcost.devices.arrays import Arrays, NearMemory
    from hwcost.devices.family import Family
    from hwcost.devices.kernel import Kernel

Evidence = Literal["read", "derived", "measured", "unverified"]
Policy = Literal["lru", "random", "pinned"]
Fusion = Literal["eager", "fused"]


class Number(float):
    """An SI value that carries where it comes from.

    path: its place in the profile (`memory.dram.size`). unit: SI, "" for a plain number.
    text: as written in the profile ("512 MiB"). evidence: read in a source, derived (the source
    shows the arithmetic), measured, or unverified. source: the citation, whole.
    """

    path: str
    unit: str
    text: str
    evidence: Evidence
    source: str

    def __new__(
        cls, value: float, *, path: str, unit: str, text: str, evidence: Evidence, source: str
    ) -> Self:
        number = super().__new__(cls, value)
        number.path, number.unit, number.text = path, unit, text
        number.evidence, number.source = evidence, source
        return number

    def __getnewargs_ex__(self) -> tuple[tuple[float], dict[str, str]]:
        """What copying and pickling hand to `__new__`."""
        return (float(self),), dict(vars(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeUnit:
    """One kind of arithmetic unit, all of its instances together.

    name: "matrix", "vector" or "scalar". peak_flop_per_s: by dtype; a multiply-accumulate is 2.
    special_per_s: exp, tanh, division and the like per second; None: a default share of the peak.
    """

    name: str
    peak_flop_per_s: Mapping[str, Number]
    special_per_s: Number | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of memory. `registers` are a level without bandwidth.

    size_bytes: of all instances together, None where unbounded or unknown. Bandwidths: from this
    level to the next nearer one, all instances together, None where no figure is known (the
    level's bytes are then counted, not timed). achieved is at most peak; where a profile gives only
    one, both are that one. policy: how it replaces. energy_j_per_byte: None where unknown.
    instances: how many there are, each private to a share of the units.
    """

    name: str
    size_bytes: Number | None
    peak_bytes_per_s: Number | None
    achieved_bytes_per_s: Number | None
    policy: Policy
    energy_j_per_byte: Number | None
    instances: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as its profile describes it.

    name: of its file. title: in words. kind: "cpu", "gpu", "accelerator", "compute_in_memory" or
    "near_memory"; of the last two arrays and near_memory are what computes in place. levels: nearest to the
    units first, the last one holds everything. efficiency: share of a unit's peak that kernels
    of an op class reach, for every class and for "default". kernel_s, step_s: seconds that starting
    a kernel, and one step of a recurrent layer, cost before any work. energy_j_per_flop: by dtype,
    empty where unknown. static_w: power drawn whatever it does, None where unknown. fusion: what its
    usual runtime does. numbers: each as the profile has it, of one instance where a level has more,
    then those of the family that count.
    family: how the libraries of like devices compute; None where the profile names none. own_classes:
    op classes of which the profile itself gives the efficiency.
    kernels: what was measured of libraries on this very machine, by name; empty of devices that were not.
    """

    name: str
    title: str
    kind: str
    year: int | None
    units: tuple[ComputeUnit, ...]
    levels: tuple[Level, ...]
    efficiency: Mapping[str, Number]
    kernel_s: Number
    step_s: Number
    energy_j_per_flop: Mapping[str, Number]
    static_w: Number | None
    fusion: Fusion
    notes: tuple[str, ...]
    numbers: tuple[Number, ...]
    arrays: Arrays | None = None
    near_memory: NearMemory | None = None
    family: Family | None = None
    own_classes: frozenset[str] = frozenset()
    kernels: Mapping[str, Kernel] = field(default_factory=dict)

    @property
    def unverified(self) -> tuple[Number, ...]:
        return tuple(number for number in self.numbers if number.evidence == "unverified")

    @property
    def cores(self) -> int:
        """Multiprocessors or cores, each with registers of its own; 1 where the profile lists none."""
        return self.levels[0].instances if self.levels[0].name == "registers" else 1
