"""The formats that a user asks for, from words."""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.formats.names import format_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Full names of dtypes; None: as the model has it, for kv: as the activations."""

    weights: str | None = None
    activations: str | None = None
    kv: str | None = None

    @property
    def is_nothing(self) -> bool:
        return self.weights is None and self.activations is None and self.kv is None


def asked(
    *,
    dtype: str | None = None,
    weights: str | None = None,
    activations: str | None = None,
    kv: str | None = None,
) -> Asked:
    """What the words ask for: `dtype` is the format of all, each of the others that of its part.

    Raises UsageError for a name that is no format.
    """
    everything = None if dtype is None else format_name(dtype, where=f"--dtype {dtype}")

    def part(option: str, word: str | None) -> str | None:
        return everything if word is None else format_name(word, where=f"--{option} {word}")

    return Asked(
        weights=part("weights", weights), activations=part("activations", activations), kv=part("kv", kv)
    )
