"""What recurrent layers keep from their forward pass for the backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

KEPT_BLOCKS: Final[Mapping[str, tuple[int, int]]] = {
    "lstm": (4, 1),
    "gru": (3, 1),
    "rnn_tanh": (0, 0),
    "rnn_relu": (0, 0),
}
"""Blocks of H per position that a layer keeps beside its result: its gates after their functions, and
an LSTM's cell state, or a GRU's state product h w_n' + b_n. A plain RNN keeps its result alone, of which
the gradient of tanh and relu is made. torch's own cells keep the same (aten/src/ATen/native/cuda/RNN.cu:
`_thnn_fused_lstm_cell` 4H and c', `_thnn_fused_gru_cell` 5H, of which one is the state before, here part
of the result)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """One storage for all that a recurrent layer keeps, cut into regions.

    kind: lstm, gru, rnn_tanh or rnn_relu. positions: steps times batch. hidden: H. width: of a
    direction's result, H or that of the projection. layers, ways: how many, and 2 if bidirectional.
    has_dropout: whether what a layer hands to the next passes dropout.

    The regions, in this order: gates [positions, g*H] and cells [positions, H] of each layer and
    direction; results [positions, ways*width] of each layer but the last; with dropout each of these again,
    as the next layer reads it.
    """

    kind: str
    positions: int
    hidden: int
    width: int
    layers: int
    ways: int
    has_dropout: bool = False

    @property
    def elements(self) -> int:
        """Elements of all regions."""
        return self.result(self.layers - 1) + self.has_dropout * (self.layers - 1) * self._result

    @property
    def masked_elements(self) -> int:
        """Elements that dropout passes or hides, a mask each."""
        return self.has_dropout * (self.layers - 1) * self._result

    @property
    def _result(self) -> int:
        return self.positions * self.ways * self.width

    @property
    def _blocks(self) -> int:
        return self.positions * self.hidden

    def gates(self, index: int) -> int:
        """Where the gates of a layer's direction begin, index = layer * ways + way."""
        return index * sum(KEPT_BLOCKS[self.kind]) * self._blocks

    def cells(self, index: int) -> int:
        """Where its cell states begin, or a GRU's state products."""
        return self.gates(index) + KEPT_BLOCKS[self.kind][0] * self._blocks

    def result(self, layer: int) -> int:
        """Where the result of a layer but the last begins."""
        return self.gates(self.layers * self.ways) + layer * self._result

    def dropped(self, layer: int) -> int:
        """Where the same begins after dropout."""
        return self.result(self.layers - 1) + layer * self._result


def cell_elements(kind: str, units: int) -> int:
    """Elements that one call of a cell keeps beside its arguments and results; units: N * H."""
    gates, cells = KEPT_BLOCKS[kind]
    return units * (gates + cells * (kind == "gru"))
