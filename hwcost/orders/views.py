"""What the ops of a chunk touch: tensors at two lengths, with what each of their dimensions stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from hwcost.graph import Attribute, Op, Role, Storage, Tensor


@dataclass(slots=True, eq=False)
class Past:
    """All steps so far: the keys of attention. window: how many of the last ones it is limited to."""

    window: int | None = None


NOW: Final = "now"
WHOLE: Final = "whole"

Kind = Literal["now", "whole"] | Past | None
"""Of a dimension: the steps of this chunk, all steps of the sequence, those so far; None: it has no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The steps that a convolution or a pool reads along dimension `dim`: `taps` of them, `dilation` apart.

    stride: steps from one result to the next. results: of a chunk.
    """

    dim: int
    taps: int
    dilation: int
    stride: int
    results: int

    @property
    def span(self) -> int:
        """Steps from the first that a chunk's results read to the last."""
        return (self.results - 1) * self.stride + self.dilation * (self.taps - 1) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A tensor at the two lengths. kinds: of its dimensions. place: the name of where it lies."""

    short: Tensor
    long: Tensor
    kinds: tuple[Kind, ...]
    place: str
    window: Window | None = None


@dataclass(slots=True, kw_only=True)
class Place:
    """Where data lies in the stream.

    is_whole: it has a place for every step of the sequence; else for those of a chunk, and `kept` steps
    before it. is_copy: it holds a part of another place, from offset `base` on, side by side. past: it is a
    cache that grows, up to what `past` says. pasts: the strides of dimensions that stand for all steps so
    far, and what these are.
    """

    name: str
    short: Storage
    long: Storage
    is_whole: bool
    role: Role
    kept: int = 0
    is_copy: bool = False
    base: int = 0
    past: Past | None = None
    pasts: dict[int, Past] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An op of the body of the stream. short, long: it at the two lengths."""

    short: Op
    long: Op
    inputs: tuple[View, ...]
    outputs: tuple[View, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """A loop of the body of the stream; its rounds are steps where short and long differ."""

    short: int
    long: int
    axis: str
    body: tuple[Step | Rounds, ...]
