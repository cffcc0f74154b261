"""A module that replays an ONNX graph: its parameters are the weights of the file, without their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import torch
from torch import nn

from hwcost.sources.onnx_model import constants
from hwcost.sources.onnx_model.frame import Frame
from hwcost.sources.onnx_model.graph import Function, Graph, Key, Weight
from hwcost.sources.onnx_model.run import Run
from hwcost.sources.onnx_model.values import Dequantised, Value

CONSTANTS: Final = frozenset({torch.bool, torch.int16, torch.int32, torch.int64})
"""Types of tensors that index, count or mask, and are no parameters; nor are single numbers."""

QUANTISED_BIAS: Final = frozenset({("QLinearConv", 8), ("DequantizeLinear", 0)})
"""Inputs whose whole numbers of 32 bits are parameters all the same."""

STATES: Final = frozenset((op, place) for op in ("LSTM", "GRU", "RNN") for place in (5, 6))
"""Inputs that are initial states: exporters write them as tensors of zeros, which are no parameters."""

CUTS: Final = frozenset({"Slice", "Identity", "Expand", "Gather", "Unsqueeze", "Squeeze", "Split"})
"""Ops by which exporters cut the states of several layers out of one tensor."""


class Part(nn.Module):
    """A module that holds weights."""


class Program(nn.Module):
    """The model of a file. places: the path of each weight's module and its name there, by key."""

    def __init__(
        self,
        graph: Graph,
        functions: Mapping[Key, Function],
        where: str,
        sizes: Mapping[str, int],
        rounds: Mapping[str, int],
    ) -> None:
        super().__init__()
        self.graph = graph
        self.functions = dict(functions)
        self.where = where
        self.sizes = dict(sizes)
        self.rounds = dict(rounds)
        self.places: dict[str, tuple[str, str]] = {}
        graphs = [*graphs_of(graph)]
        for function in functions.values():
            graphs += graphs_of(function.body)
        biases, states = _taken(graphs, QUANTISED_BIAS), _taken(graphs, STATES)
        for each in graphs:
            for node in reversed(each.nodes):
                if node.op in CUTS and states & set(node.outputs):
                    states.add(node.inputs[0])
        for each in graphs:
            for name, weight in each.weights.items():
                is_constant = name in states or (weight.dtype in CONSTANTS and name not in biases)
                self._take(weight, is_constant=is_constant)
            for node in each.nodes:
                if isinstance(constant := node.attributes.get("value"), Weight):
                    is_state = bool(states & set(node.outputs))
                    self._take(constant, is_constant=is_state or constant.dtype in CONSTANTS)

    def _take(self, weight: Weight, *, is_constant: bool) -> None:
        """Make a parameter or a buffer of a weight; small constants keep their values."""
        *path, leaf = [word for word in weight.key.split(".") if word] or ["weight"]
        owner: nn.Module = self
        taken = []
        for word in path:
            name = _free(owner, word, is_module=True)
            if name not in owner._modules:  # noqa: SLF001  getattr would find methods of Module, too
                owner.add_module(name, Part())
            owner = owner._modules[name] or owner  # noqa: SLF001
            taken.append(name)
        name = _free(owner, leaf)
        self.places[weight.key] = (".".join(taken), name)
        if is_constant or not weight.shape:
            owner.register_buffer(name, _constant(weight))
        else:
            empty = torch.empty(weight.shape, dtype=weight.dtype, device="meta")
            owner.register_parameter(name, nn.Parameter(empty, weight.dtype.is_floating_point))

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Replay the nodes in order."""
        weights = {key: getattr(self.get_submodule(path), leaf) for key, (path, leaf) in self.places.items()}
        device = next((tensor.device for tensor in (*inputs, *weights.values())), torch.device("meta"))
        run = Run(self.where, weights, self.functions, self.sizes, self.rounds, device)
        values: dict[str, Any] = {
            name: Value(tensor=tensor) for name, tensor in zip(self.graph.inputs, inputs, strict=True)
        }
        frame = Frame(graph=self.graph, values=values)
        run.graph(frame)
        return tuple(_tensors([frame.of(name) for name in self.graph.outputs]))


def graphs_of(graph: Graph) -> Iterator[Graph]:
    """A graph and those inside it."""
    yield graph
    for node in graph.nodes:
        for value in node.attributes.values():
            if isinstance(value, Graph):
                yield from graphs_of(value)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, Value | Dequantised):
        yield value.tensor
    elif isinstance(value, list):
        for item in value:
            yield from _tensors(item)


def _taken(graphs: Iterable[Graph], places: frozenset[tuple[str, int]]) -> set[str]:
    """The names that nodes take at some of their inputs."""
    return {
        node.inputs[place]
        for graph in graphs
        for node in graph.nodes
        for op, place in places
        if node.op == op and place < len(node.inputs)
    }


def _free(owner: nn.Module, word: str, *, is_module: bool = False) -> str:
    """A word as a name that the module has free, or as one of its modules where `is_module` is set."""
    name = word
    while hasattr(owner, name) and not (is_module and name in owner._modules):  # noqa: SLF001
        name += "_"
    return name


def _constant(weight: Weight) -> torch.Tensor:
    known = constants.real(weight)
    return torch.empty(weight.shape, dtype=weight.dtype, device="meta") if known is None else known
