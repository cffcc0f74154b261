"""ONNX models made by hand, and what is counted of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hwcost.graph import Trace, Work, leaves
from hwcost.load import load_trace
from hwcost.rules.count import count

OPSET = 20
FLOAT = TensorProto.FLOAT


def tensor(name: str, *shape: int, dtype: str = "float32") -> onnx.TensorProto:
    """A weight of zeros."""
    return numpy_helper.from_array(np.zeros(shape, dtype), name)


def numbers(name: str, values: Any, dtype: str = "int64") -> onnx.TensorProto:
    """A weight of these values."""
    return numpy_helper.from_array(np.array(values, dtype), name)


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """A call; names in words, "-" where one is left out."""
    domain = attributes.pop("domain", "")
    taken, given = ([name.replace("-", "") for name in text.split()] for text in (inputs, outputs))
    return helper.make_node(op, taken, given, domain=domain, **attributes)


def value(name: str, shape: Sequence[int | str | None] | None, dtype: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def model(
    nodes: Iterable[onnx.NodeProto],
    inputs: Mapping[str, Any],
    outputs: str = "y",
    weights: Sequence[onnx.TensorProto] = (),
    *,
    opset: int = OPSET,
    functions: Sequence[onnx.FunctionProto] = (),
    values: Sequence[onnx.ValueInfoProto] = (),
) -> onnx.ModelProto:
    """A model; inputs by name: a shape, or (shape, type)."""
    infos = [
        value(name, *shape) if isinstance(shape, tuple) and isinstance(shape[0], list) else value(name, shape)
        for name, shape in inputs.items()
    ]
    results = [value(name, None) for name in outputs.split()]
    graph = helper.make_graph(list(nodes), "g", infos, results, list(weights), value_info=list(values))
    domains = {each.domain for each in nodes} | {each.domain for each in functions}
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in sorted(domains) if d)]
    return helper.make_model(graph, opset_imports=imports, functions=list(functions))


def saved(made: onnx.ModelProto | bytes, folder: Path, name: str = "model.onnx") -> str:
    path = folder / name
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    return str(path)


def traced(made: onnx.ModelProto | bytes, folder: Path, **options: Any) -> Trace:
    return load_trace(saved(made, folder), **options)


def works(trace: Trace) -> list[tuple[Work, int]]:
    return list(leaves(count(trace.items)))


def macs(trace: Trace) -> int:
    return sum(work.macs * calls for work, calls in works(trace))


def flops(trace: Trace) -> int:
    return sum(work.flops * calls for work, calls in works(trace))


def moved_bytes(trace: Trace) -> int:
    return sum((work.read_bytes + work.write_bytes) * calls for work, calls in works(trace))


def names(trace: Trace) -> list[str]:
    """The ops of a trace, in order, those of loops once."""
    return [op.name for op, _ in leaves(trace.items)]


def products(trace: Trace) -> Counter[tuple[int, str]]:
    """Calls by their MACs and the type of their first operand."""
    found: Counter[tuple[int, str]] = Counter()
    for work, calls in works(trace):
        if work.macs:
            found[work.macs, work.op.inputs[0].dtype] += calls
    return found
