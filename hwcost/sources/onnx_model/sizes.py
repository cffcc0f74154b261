"""Sizes that a file leaves open, by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from hwcost.sources.onnx_model.graph import Dim

Part = Literal["batch", "sequence", "past", "side"]

PARTS: Final[tuple[tuple[Part, str], ...]] = (
    ("batch", r"batch|^(n|b|bs|bsz)$"),
    ("past", r"past|cache|^prev"),
    ("sequence", r"seq|time|len|step|frame|token|^(t|l|s)$"),
    ("side", r"height|width|^(h|w)$"),
)
"""What a size is by its name; the first that fits."""

ANONYMOUS: Final = re.compile(r"s\d+|unk__\d+|dyn\w*|dim\w*|\?|-1|none|_", re.IGNORECASE)
"""Names that exporters give to sizes without one."""

FACTOR: Final = re.compile(r"[A-Za-z_][\w.]*|\d+")

IMAGE_RANK: Final = 4
"""Dimensions of a batch of images: batch, channels, height, width."""


def part_of(name: str, axis: int, rank: int) -> Part | None:
    """What a size is by its name; by its place where it has none; None where neither says."""
    lower = name.lower()
    for part, pattern in PARTS:
        if re.search(pattern, lower):
            return part
    return by_place(axis, rank) if ANONYMOUS.fullmatch(name) else None


def by_place(axis: int, rank: int) -> Part | None:
    """What a size without a name is: batch first, then time, or the sides of images last."""
    if axis == 0:
        return "batch"
    if rank < IMAGE_RANK:
        return "sequence"
    return "side" if axis > 1 else None


def size_of(dim: Dim, sizes: Mapping[str, int]) -> int | None:
    """A size, worked out of those that are known by name; None where one is not.

    Formulas are sums and differences of products: "past_sequence_length + 2*sequence_length".
    """
    if not isinstance(dim, str):
        return dim
    if dim in sizes:
        return sizes[dim]
    result = 0
    for sign, term in re.findall(r"([+-]?)([^+-]+)", dim):
        product = -1 if sign == "-" else 1
        for factor in term.split("*"):
            found = _factor(factor.strip(), sizes)
            if found is None:
                return None
            product *= found
        result += product
    return result if result >= 0 and dim.strip() else None


def names_in(dim: str) -> list[str]:
    """The names in a formula; a name that is none is one of its own."""
    factors = [factor.strip() for factor in re.split(r"[+*-]", dim)]
    if len(factors) < 2 or not all(FACTOR.fullmatch(factor) for factor in factors):
        return [dim]
    return [factor for factor in factors if not factor.isdigit()]


def _factor(text: str, sizes: Mapping[str, int]) -> int | None:
    return int(text) if text.isdigit() else sizes.get(text)
