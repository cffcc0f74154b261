"""Finds the kind of a device among the modules of this folder: each that has a `KIND` adds one."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

from hwcost.devices.device import Device
from hwcost.errors import ProfileError
from hwcost.graph import Tree, Work
from hwcost.kinds.kind import Kind
from hwcost.memory.touches import OpReuse
from hwcost.report import ChangingShare, Cost, Machine, Traffic


def place(tree: Tree[Work], device: Device) -> Tree[Work]:
    """A program with what a device holds in place, as its kind says."""
    return kind_of(device).place(tree, device)


def move(reuses: Iterable[OpReuse], device: Device) -> tuple[Traffic, ...]:
    """What ops move on a device, as its kind says."""
    return kind_of(device).move(reuses, device)


def price(traffics: Iterable[Traffic], device: Device) -> tuple[Cost, ...]:
    """What traffic costs on a device, as its kind says."""
    return kind_of(device).price(traffics, device)


def findings(costs: Sequence[Cost], device: Device) -> tuple[str, ...]:
    """Sentences on how a model lies on a device, as its kind says."""
    return kind_of(device).findings(costs, device)


def resident(costs: Sequence[Cost], device: Device) -> float | None:
    """The share of a model's weights that a device keeps in place, as its kind says."""
    return kind_of(device).resident(costs, device)


def changing(costs: Sequence[Cost], device: Device) -> ChangingShare | None:
    """What operands that change take of time and energy on a device, as its kind says."""
    return kind_of(device).changing(costs, device)


def machine(device: Device, dtype: str, *others: str) -> Machine:
    """What a report on a model shows of a device, as its kind says.

    dtype: in which the model's products are computed. others: in which the rest is.
    """
    return kind_of(device).machine(device, dtype, *others)


def kind_of(device: Device) -> Kind:
    """How a device moves and prices work.

    Raises ProfileError for a kind that no module knows.
    """
    kinds = all_kinds()
    if device.kind not in kinds:
        mend = f"take one of {', '.join(sorted(kinds))}"
        raise ProfileError(f"no such kind of device: {device.kind!r}", where=device.name, mend=mend)
    return kinds[device.kind]


@cache
def all_kinds() -> Mapping[str, Kind]:
    """Every kind by the name that profiles use; a name given twice is a bug."""
    kinds: dict[str, Kind] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        kind = getattr(import_module(f"hwcost.kinds.{module.name}"), "KIND", None)
        if not isinstance(kind, Kind):
            continue
        for name in kind.names:
            if name in kinds:
                raise ValueError(f"two modules claim the kind {name!r}")
            kinds[name] = kind
    return kinds
