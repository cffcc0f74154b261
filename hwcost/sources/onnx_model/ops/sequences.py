"""Sequences of tensors, and tensors that may not be there."""

from __future__ import annotations

from typing import Any

import torch

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.registry import OPS
from hwcost.sources.onnx_model.values import Sequence, Value


@OPS.add("SequenceEmpty", folds=False)
def empty(_call: Call) -> Sequence:
    """Nothing yet."""
    return []


@OPS.add("SequenceConstruct", folds=False)
def constructed(call: Call) -> Sequence:
    """The inputs."""
    return [call.value(place) for place in range(len(call.inputs))]


@OPS.add("SequenceAt", folds=False)
def at(call: Call) -> Any:
    """One of a sequence."""
    return call.sequence(0)[int(call.number(1))]


@OPS.add("SequenceInsert", folds=False)
def inserted(call: Call) -> Sequence:
    """A sequence with one more."""
    items = list(call.sequence(0))
    place = int(call.number(2)) if call.has(2) else len(items)
    items.insert(place, call.value(1))
    return items


@OPS.add("SequenceErase", folds=False)
def erased(call: Call) -> Sequence:
    """A sequence with one less."""
    items = list(call.sequence(0))
    del items[int(call.number(1)) if call.has(1) else -1]
    return items


@OPS.add("SequenceLength", folds=False)
def length(call: Call) -> Value:
    """How many there are."""
    return call.run.numbers(len(call.sequence(0)))


@OPS.add("ConcatFromSequence", folds=False)
def concatenated(call: Call) -> torch.Tensor:
    """All of a sequence, one after the other or stacked."""
    tensors, axis = [item.tensor for item in call.sequence(0)], call.attribute("axis", 0)
    return torch.stack(tensors, axis) if call.attribute("new_axis", 0) else torch.cat(tensors, axis)


@OPS.add("SplitToSequence", folds=False)
def split(call: Call) -> Sequence:
    """Parts of a tensor: views."""
    x, axis = call.tensor(0), call.attribute("axis", 0)
    if not call.has(1):
        parts = torch.split(x, 1, axis)
        if not call.attribute("keepdims", 1):
            parts = tuple(part.squeeze(axis) for part in parts)
        return [Value(tensor=part) for part in parts]
    sizes = [int(n) for n in call.numbers(1)]
    found = call.real(1)
    is_one = found is not None and found.dim() == 0
    return [Value(tensor=part) for part in torch.split(x, sizes[0] if is_one else sizes, axis)]


@OPS.add("Optional", folds=False)
def optional(call: Call) -> Any:
    """The input, or nothing."""
    return call.inputs[0] if call.inputs else None


@OPS.add("OptionalGetElement", folds=False)
def element(call: Call) -> Any:
    """What is there."""
    if not call.has(0):
        raise ModelError("takes what is not there", mend="check the model")
    return call.inputs[0]


@OPS.add("OptionalHasElement", folds=False)
def has_element(call: Call) -> Value:
    """Whether it is there."""
    return call.run.numbers(call.has(0), torch.bool)
