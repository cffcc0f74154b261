"""In which formats the numbers of a model are stored."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """Full names of dtypes.

    weights: of the matrices that products multiply by. kv: of K and V of attention. activations: of
    every other real number: results, inputs, states, biases, norms, tables that are only looked up.
    """

    weights: str
    activations: str
    kv: str

    @staticmethod
    def uniform(dtype: str) -> Formats:
        """One format for all."""
        return Formats(weights=dtype, activations=dtype, kv=dtype)

    @property
    def is_uniform(self) -> bool:
        return self.weights == self.activations == self.kv
