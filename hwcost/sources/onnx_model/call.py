"""One call of an ONNX op as the function that replays it sees it: tensors, attributes, values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.graph import Node
from hwcost.sources.onnx_model.values import Anything, Dequantised, Value

if TYPE_CHECKING:
    from hwcost.sources.onnx_model.frame import Frame
    from hwcost.sources.onnx_model.run import Run


class Call:
    """A node with its inputs. is_real: on the values of constants, not on their tensors."""

    def __init__(
        self,
        node: Node,
        run: Run,
        frame: Frame,
        inputs: Sequence[Anything],
        attributes: dict[str, Any],
        *,
        is_real: bool = False,
    ) -> None:
        self.node = node
        self.run = run
        self.frame = frame
        self.inputs = inputs
        self.attributes = attributes
        self.is_real = is_real

    @property
    def version(self) -> int:
        """The version of the operator set."""
        return self.node.version

    @property
    def device(self) -> torch.device:
        """Where new tensors are made."""
        return torch.device("cpu") if self.is_real else self.run.device

    def has(self, place: int) -> bool:
        """Whether an input is given."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def value(self, place: int) -> Value | Dequantised:
        """An input that must be a tensor.

        Raises:
            ModelError: it is left out, or a sequence.
        """
        value = self.inputs[place] if place < len(self.inputs) else None
        if value is None or isinstance(value, list):
            what = "is left out" if value is None else "is a sequence"
            raise ModelError(f"its input {place} {what}", mend="check the model with onnx.checker")
        return value

    def tensor(self, place: int) -> torch.Tensor:
        """An input as a tensor."""
        value = self.value(place)
        known = self.run.real(value) if self.is_real else None
        return value.tensor if known is None else known

    def optional(self, place: int) -> torch.Tensor | None:
        """An input as a tensor, None where it is left out."""
        return self.tensor(place) if self.has(place) else None

    def tensors(self) -> list[torch.Tensor]:
        """All inputs."""
        return [self.tensor(place) for place in range(len(self.inputs))]

    def sequence(self, place: int) -> list[Value | Dequantised]:
        """An input that must be a sequence."""
        value = self.inputs[place]
        if not isinstance(value, list):
            raise ModelError(f"its input {place} is no sequence", mend="check the model with onnx.checker")
        return value

    def real(self, place: int) -> torch.Tensor | None:
        """The values of an input, None where they are not known."""
        return self.run.real(self.value(place))

    def numbers(self, place: int) -> list[Any]:
        """The values of an input, flattened.

        Raises:
            ModelError: they depend on data.
        """
        found = self.real(place)
        if found is None:
            raise ModelError(
                f"its shape depends on the values of input {place}, which depend on data",
                mend="export the model with fixed sizes, or the part of it before this node",
            )
        with self.run.paused():
            numbers: list[Any] = found.flatten().tolist()
            return numbers

    def number(self, place: int) -> Any:
        """The one value of an input."""
        found = self.numbers(place)
        if len(found) != 1:
            raise ModelError(f"its input {place} has {len(found)} values, not one", mend="check the model")
        return found[0]

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute, the default where it is left out."""
        value = self.attributes.get(name)
        return default if value is None else value

    def list_of(self, name: str, place: int) -> list[int] | None:
        """Whole numbers that older operator sets give as an attribute, newer ones as an input."""
        if self.has(place):
            return [int(number) for number in self.numbers(place)]
        value = self.attributes.get(name)
        return None if value is None else [int(number) for number in value]

    def outputs(self) -> int:
        """How many results are asked for."""
        return len(self.node.outputs)

    def wants(self, place: int) -> bool:
        """Whether a result is asked for."""
        return place < len(self.node.outputs) and bool(self.node.outputs[place])
