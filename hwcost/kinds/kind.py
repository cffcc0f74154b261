"""The noun: a kind of device, by what it does with work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hwcost.devices.device import Device
from hwcost.graph import Tree, Work
from hwcost.memory.touches import OpReuse
from hwcost.report import ChangingShare, Cost, Machine, Traffic


class Facts(Protocol):
    """A device's facts for a report on a model whose products are in one dtype, and the rest in others."""

    def __call__(self, device: Device, dtype: str, /, *others: str) -> Machine: ...


def as_it_is(tree: Tree[Work], _: Device) -> Tree[Work]:
    """The program of a kind of device that fetches all of its operands."""
    return tree


def none_resident(_: Sequence[Cost], __: Device) -> float | None:
    """Of a kind of device that fetches its weights."""
    return None


def none_changing(_: Sequence[Cost], __: Device) -> ChangingShare | None:
    """Of a kind of device to which an operand that changes is like any other."""
    return None


def nothing_found(_: Sequence[Cost], __: Device) -> tuple[str, ...]:
    """The findings of a kind of device that has none."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How devices of a kind move bytes and what that costs.

    names: of the device kinds that it serves. move: ops with their reuse distances -> the bytes that
    they move on a device. price: those -> seconds and joules. machine: its facts for a report.
    place: a program before it is looked at for reuse -> the same with what the device holds in place.
    findings: costs -> sentences on how the model lies on the device. resident: costs -> the share of the
    weights that stay where they are multiplied. changing: costs -> what operands that change take of them.
    """

    names: tuple[str, ...]
    move: Callable[[Iterable[OpReuse], Device], tuple[Traffic, ...]]
    price: Callable[[Iterable[Traffic], Device], tuple[Cost, ...]]
    machine: Facts
    place: Callable[[Tree[Work], Device], Tree[Work]] = as_it_is
    findings: Callable[[Sequence[Cost], Device], tuple[str, ...]] = nothing_found
    resident: Callable[[Sequence[Cost], Device], float | None] = none_resident
    changing: Callable[[Sequence[Cost], Device], ChangingShare | None] = none_changing
