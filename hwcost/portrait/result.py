"""The nouns of a portrait: what is said of one model, with the settings that it is said of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Growth = Literal["constant", "logarithm", "length", "unknown"]
"""How a path length grows with the length of the sequence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSize:
    """A published size beside that of the model which the same settings make.

    settings: what differs from the defaults. parameters, macs: as published; None where the source is silent.
    own_parameters, own_macs: of the model; None beside a None. rounded_to: the step to which the source
    rounds. beside: parameters that the source counts and the model does not build; beside_what names them.
    """

    source: str
    settings: Mapping[str, object]
    parameters: int | None
    own_parameters: int | None
    macs: int | None
    own_macs: int | None
    rounded_to: int
    beside: int
    beside_what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMacs:
    """MACs of a time step. mean: of a pass over its steps. last: what the last step adds to the pass."""

    mean: float
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PathLength:
    """Hops between the first input and the last output of a sequence of `seq_len` steps."""

    seq_len: int
    hops: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """What the output sees along the time of one input.

    sequence: "source" or "target" where a model has two, else "". seq_len: steps of it.
    reach: steps that the last output looks back over, its own included; None: all there are, which was
    tried with up to `tried` steps. ahead: steps that an output looks ahead at most; None: to the end.
    paths: path lengths, shortest sequence first; none where the first input is out of reach.
    """

    sequence: str
    seq_len: int
    reach: int | None
    tried: int
    ahead: int | None
    paths: tuple[PathLength, ...]
    growth: Growth


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A model, by its name and the settings that were taken.

    file: where it is made, within the package. settings: name -> value; defaults: name -> default.
    seq_len: None for a model without a time axis, which has no step and sees along no sequence.
    is_single: it gives one output for the whole sequence. assumed: ops whose dependences are not known.
    """

    name: str
    summary: str
    citation: str
    file: str
    settings: Mapping[str, str]
    defaults: Mapping[str, str]
    seq_len: int | None
    batch: int | None
    parameters: int
    published: tuple[PublishedSize, ...]
    macs: int
    step: StepMacs | None
    sequential_depth: int
    along: tuple[Along, ...]
    is_single: bool
    assumed: tuple[str, ...]
