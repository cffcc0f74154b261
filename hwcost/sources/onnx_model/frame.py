"""What is known in an ONNX graph while it is replayed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.graph import Graph, Node
from hwcost.sources.onnx_model.names import cleaned
from hwcost.sources.onnx_model.values import Anything, Value


@dataclass(slots=True, eq=False, kw_only=True)
class Frame:
    """What is known in a graph: values by name, and the frame around it.

    attributes: those of the function that the graph is the body of. path: of the module around it.
    """

    graph: Graph
    values: dict[str, Anything]
    outer: Frame | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    depth: int = 0

    def of(self, name: str) -> Anything:
        """The value of a name, here or around."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.values:
                return frame.values[name]
            frame = frame.outer
        raise ModelError(f"takes {cleaned(name)!r}, which nothing makes", mend="export the model again")


def shapes_of(node: Node, frame: Frame) -> str:
    """The shapes of a node's inputs, in words."""
    shapes = []
    for name in filter(None, node.inputs):
        try:
            value = frame.of(name)
        except ModelError:
            continue
        if isinstance(value, Value):
            shapes.append("x".join(map(str, value.tensor.shape)) or "scalar")
    return ", ".join(shapes) or "its inputs"
