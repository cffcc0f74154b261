"""A call as the replay sees it, and the table of what each op makes of what its inputs see."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import TypeVar

from hwcost.dependence.windows import Array, Charge
from hwcost.graph import Attribute, Op, Tensor

Writes = Sequence[tuple[Tensor, Array]]
"""Views of storages, and what their elements see from now on, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An op with what its inputs see.

    in_step: it is part of a round of a loop along time. in_loop: of a round of any loop, so that numbers
    among its attributes are those of the first round.
    """

    op: Op
    inputs: tuple[Array, ...]
    in_step: bool = False
    in_loop: bool = False

    def charge(self, charge: Charge) -> Charge:
        """The charge that the op makes; in a round of a loop along time the round has made it already."""
        return Charge.FREE if self.in_step else charge

    def number(self, name: str, default: int = 0) -> int:
        """A whole-number attribute."""
        value = self.op.attributes.get(name, default)
        return int(value) if isinstance(value, int | float) else default

    def flag(self, name: str) -> bool:
        """A boolean attribute."""
        return bool(self.op.attributes.get(name, False))

    def numbers(self, name: str, count: int) -> tuple[int, ...]:
        """An attribute of one number per dimension; a single one stands for all, none for ones."""
        value = self.op.attributes.get(name)
        if isinstance(value, tuple):
            found = tuple(int(part) for part in value if isinstance(part, int | float))
            return found * count if len(found) == 1 else found or (1,) * count
        return (int(value) if isinstance(value, int | float) else 1,) * count

    def axis(self, dimension: Attribute, dimensions: int) -> int:
        """The axis of an array that belongs to a dimension, which may be counted from the end."""
        return int(dimension) % max(dimensions, 1) + 1 if isinstance(dimension, int) else 1


Meaning = Callable[[Call], Writes]
"""From a call to what it writes."""

Known = TypeVar("Known", bound=Meaning)

MEANINGS: dict[str, Meaning] = {}


def means(*names: str) -> Callable[[Known], Known]:
    """A decorator that says what ops of torch's own mean, by name without `aten.` (or with a dot)."""

    def register(meaning: Known) -> Known:
        for words in names:
            for word in words.split():
                name = word if "." in word else f"aten.{word}"
                if name in MEANINGS:
                    raise ValueError(f"{name} has a meaning already")
                MEANINGS[name] = meaning
        return meaning

    return register


@cache
def filled() -> dict[str, Meaning]:
    """MEANINGS after every file of this room had its say."""
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(import_module(package).__path__):
        import_module(f"{package}.{module.name}")
    return MEANINGS


def meaning_of(name: str) -> Meaning | None:
    """What an op means: under its own name, else under that of the op that it does in place."""
    table = filled()
    library, _, op = name.rpartition(".")
    plain = op.removesuffix("_") if not op.endswith("__") else op
    return table.get(name) or table.get(f"{library}.{plain}")


def to_all(call: Call, numbers: Array) -> Writes:
    """The same for every output, as far as its shape goes."""
    return [(output, fitted(numbers, output)) for output in call.op.outputs]


def fitted(numbers: Array, tensor: Tensor) -> Array:
    """An array with the dimensions of a tensor, leading ones added."""
    missing = len(tensor.shape) - (numbers.ndim - 1)
    if missing < 0:
        numbers = numbers.reshape((numbers.shape[0], *numbers.shape[1 - missing :]))
    elif missing:
        numbers = numbers.reshape((numbers.shape[0], *(1,) * missing, *numbers.shape[1:]))
    return numbers


def part(tensor: Tensor, dimension: int, start: int, size: int) -> Tensor:
    """The view of a tensor from index `start` on, `size` indices long."""
    shape = (*tensor.shape[:dimension], size, *tensor.shape[dimension + 1 :])
    return replace(tensor, shape=shape, offset=tensor.offset + start * tensor.strides[dimension])


def slice_of(tensor: Tensor, dimension: int, index: int) -> Tensor:
    """The view of a tensor at one index of a dimension, without that dimension."""
    return replace(
        tensor,
        shape=(*tensor.shape[:dimension], *tensor.shape[dimension + 1 :]),
        strides=(*tensor.strides[:dimension], *tensor.strides[dimension + 1 :]),
        offset=tensor.offset + index * tensor.strides[dimension],
    )
