"""The nouns of a ready-made model: its card, its settings, how it scales, and sizes that others published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A size that a source publishes, and the settings under which a model must reproduce it.

    source: citation, with table. settings: arguments of the model's `build`.
    parameters, macs: as published, None where the source is silent; macs are of one forward pass.
    rounded_to: the step to which the source rounds both (1 where it does not round).
    beside: parameters that the source counts and the model does not build; beside_what names them.
    """

    source: str
    settings: Mapping[str, int]
    parameters: int | None = None
    macs: int | None = None
    rounded_to: int = 1
    beside: int = 0
    beside_what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One hyper-parameter: the type that its annotation names, and its default."""

    name: str
    type: str
    default: bool | int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Which settings make a model wider, and how far back its last output looks.

    width: the setting that is its width, then those that keep their proportion to it.
    width_multiple_of: the setting that must divide the width, or "".
    reach: "state" (it carries one), "attention" (over the whole sequence), "source" (the whole source, while
    a decoder sees a window), or a formula of the settings that gives steps, the last one included.
    reach_by: settings that lengthen it, the first one before the others; "attention" names the table of
    positions here, if it has one.
    """

    width: tuple[str, ...] = ()
    width_multiple_of: str = ""
    reach: str = ""
    reach_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is known of a model without building it.

    parameters: of the default build, None where its file does not say. settings: name -> default.
    scaling: what widens it, and what lengthens its reach.
    """

    name: str
    summary: str
    citation: str
    parameters: int | None
    settings: Mapping[str, str]
    scaling: Scaling = Scaling()
