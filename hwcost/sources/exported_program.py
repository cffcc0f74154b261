"""A module that replays the graph of an exported program, op by op."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

import torch
from torch import nn

from hwcost.errors import ModelError
from hwcost.sources.exported_arguments import DEVICE, names_of, on_meta, value_of
from hwcost.sources.exported_ops import call

Node = Mapping[str, Any]


class Part(nn.Module):
    """A module of the exported model: it holds its weights and runs the calls that were made inside it."""

    def forward(self, run: Callable[[], None]) -> None:
        """Run calls under this module's name."""
        run()


class Program(nn.Module):
    """The exported model.

    sources: what each name of the graph's inputs stands for: (kind, name in the model).
    constants: inputs that are plain values, by name. device: where ops that make tensors make them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.sources: dict[str, tuple[str, str]] = {}
        self.constants: dict[str, Any] = {}
        self.results: list[str] = []
        self.device = torch.device("meta")

    @classmethod
    def read(
        cls, graph_module: Mapping[str, Any], values: Mapping[str, torch.Tensor], *, where: str
    ) -> Program:
        """The program of a graph; `values` are those of small buffers and constants.

        Raises:
            ModelError: it has inputs that are neither tensors nor plain values.
        """
        program, graph = cls(), graph_module["graph"]
        metas = graph["tensor_values"]
        program.nodes = graph["nodes"]
        for spec in graph_module["signature"]["input_specs"]:
            program.take(spec, metas, values, where=where)
        for node in program.nodes:
            program.part(path_of(node))
        specs = graph_module["signature"]["output_specs"]
        user = [spec["user_output"]["arg"] for spec in specs if "user_output" in spec]
        program.results = [name for arg in user if "as_tensor" in arg for name in names_of(arg) if name]
        return program

    def take(
        self,
        spec: Mapping[str, Any],
        metas: Mapping[str, Any],
        values: Mapping[str, torch.Tensor],
        *,
        where: str,
    ) -> None:
        """Make room for one input of the graph: a weight, a buffer, a constant, or one of the user's."""
        ((kind, content),) = ((key, value) for key, value in spec.items() if value is not None)
        if kind == "user_input":
            argument = content["arg"]
            name = argument["as_tensor"]["name"] if "as_tensor" in argument else ""
            if name:
                self.sources[name] = ("input", name)
            return
        if kind == "constant_input":
            ((_, plain),) = content["value"].items()
            self.constants[content["name"]] = plain
            return
        if kind not in ("parameter", "buffer", "tensor_constant"):
            raise ModelError(f"takes a {kind.replace('_', ' ')}", where=where, mend="export it without")
        name, full = content["arg"]["name"], content[f"{kind}_name"]
        self.sources[name] = (kind, full)
        path, _, leaf = full.rpartition(".")
        owner = self.part(path)
        tensor = values.get(full, on_meta(metas[name]))
        if kind == "parameter":
            # Torch folds a product with a matrix otherwise where the matrix takes a gradient.
            owner.register_parameter(leaf, nn.Parameter(tensor, bool(metas[name].get("requires_grad"))))
        else:
            owner.register_buffer(leaf, tensor)

    def part(self, path: str) -> nn.Module:
        """The module of this path, made where it is not there."""
        owner: nn.Module = self
        for word in filter(None, path.split(".")):
            inner = owner._modules.get(word)  # noqa: SLF001  getattr would find methods of Module, too
            if inner is None:
                inner = Part()
                owner.add_module(word, inner)
            owner = inner
        return owner

    def example_inputs(self, graph_module: Mapping[str, Any]) -> tuple[torch.Tensor, ...]:
        """Inputs on meta, of the shapes that the program was exported for."""
        metas = graph_module["graph"]["tensor_values"]
        return tuple(on_meta(metas[name]) for kind, name in self.sources.values() if kind == "input")

    def forward(self, *inputs: torch.Tensor) -> tuple[Any, ...]:
        """Replay the calls in order, each under the name of its module."""
        given = iter(inputs)
        known: dict[str, Any] = {**self.constants, DEVICE: self.device}
        for name, (kind, full) in self.sources.items():
            if kind == "input":
                known[name] = next(given)
            else:
                path, _, leaf = full.rpartition(".")
                known[name] = getattr(self.part(path), leaf)
        for path, nodes in groupby(self.nodes, path_of):
            together = list(nodes)
            if path:
                self.part(path)(lambda together=together: _replay(together, known))
            else:
                _replay(together, known)
        return tuple(known[name] for name in self.results)


def _replay(nodes: list[Node], known: dict[str, Any]) -> None:
    """Make the calls of nodes, and keep their results by name."""
    for node in nodes:
        arguments = {item["name"]: _known(item["arg"], known) for item in node["inputs"]}
        result = call(node["target"], arguments)
        names = [name for output in node["outputs"] for name in names_of(output)]
        parts = [result] if len(names) == 1 and not isinstance(result, list | tuple) else result
        known |= {name: part for name, part in zip(names, parts or (), strict=False) if name is not None}


def _known(argument: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    """The value of an argument.

    Raises:
        ModelError: no call before made it, as in a graph with a cycle.
    """
    try:
        return value_of(argument, known)
    except KeyError as error:
        raise ModelError(f"uses a value before it is made: {error}", mend="export the model again") from error


def path_of(node: Node) -> str:
    """The path of the module that made a call: "L__self__a_b,a.b,torch.nn.Linear", the innermost last."""
    stack = (node.get("metadata") or {}).get("nn_module_stack", "")
    words = stack.split(";")[-1].split(",")
    path = words[1] if len(words) > 2 else ""
    is_path = all(word.isidentifier() or word.isdigit() for word in path.split("."))
    return path if path and is_path else ""
