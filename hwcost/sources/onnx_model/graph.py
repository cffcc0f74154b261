"""The nouns of an ONNX model as it is read: tensors' types, weights, nodes, graphs, functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

Dim = int | str | None
"""A size, the name of one that the file leaves open, or nothing at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """The declared type of a value. shape: None where even the number of dimensions is open.

    dtype: None for what is no tensor (`kind` says what: sequence, optional, ...).
    """

    kind: str
    dtype: torch.dtype | None = None
    shape: tuple[Dim, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """A tensor that the file holds. key: unique in the model. values: where they are small, else None."""

    key: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    values: np.ndarray[Any, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An attribute of a node in a function that the function's caller gives, by its name there."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One call. name: its own, or that of its first output. path: of the module that it belongs to.

    version: of the operator set that defines the op. source: the node as the file has it, serialised.
    """

    op: str
    domain: str
    version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    name: str
    path: str
    source: bytes = b""

    @property
    def label(self) -> str:
        """How messages name it."""
        return (
            f"node {self.name!r} ({self.op[:80]!r})"
            if not self.op.isidentifier()
            else f"node {self.name!r} ({self.op})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes in an order in which each finds its inputs made.

    inputs: names in order. types: declared types by name, of inputs, outputs and values between.
    users: by name of a value, the nodes of this graph that take it, or hold a
    graph that does; None stands for the graph's results.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    weights: Mapping[str, Weight]
    types: Mapping[str, Type]
    users: Mapping[str, tuple[Node | None, ...]]

    def __deepcopy__(self, _memo: object) -> Graph:
        """Itself: nothing of it changes when a model is copied to be run."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of the model's own. defaults: attributes that a caller may leave out."""

    body: Graph
    defaults: Mapping[str, Any]

    def __deepcopy__(self, _memo: object) -> Function:
        """Itself: nothing of it changes when a model is copied to be run."""
        return self


Key = tuple[str, str]
"""Domain and name of an op or function."""
