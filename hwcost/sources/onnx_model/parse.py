"""From the message of an ONNX model to its graph and functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, Final

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.dtypes import dtype_of
from hwcost.sources.onnx_model.graph import Dim, Function, Graph, Key, Node, Reference, Type, Weight
from hwcost.sources.onnx_model.names import cleaned, path_of
from hwcost.sources.onnx_model.order import in_order, users_of
from hwcost.sources.onnx_model.reading import DOMAINS

if TYPE_CHECKING:
    import onnx

MAXIMUM_ELEMENTS: Final = 2**48
"""A tensor with more is an error of the file: 281 T elements."""

NODES: Final = 300_000
"""More nodes than this are refused."""

DEPTH: Final = 32
"""Graphs inside graphs."""


class Parser:
    """Reads graphs; what must be unique in a model (the keys of weights) is kept here."""

    def __init__(self, model: onnx.ModelProto, where: str) -> None:
        self.where = where
        self.model = model
        self.versions = _versions(model.opset_import)
        self.keys: set[str] = set()
        self.nodes = 0

    def graph(self) -> Graph:
        """The model's graph.

        Raises:
            ModelError: it is cyclic, or something in it is wrong, or of a type that is not counted.
        """
        return self._graph(self.model.graph, self.versions, 0)

    def functions(self) -> dict[Key, Function]:
        """The model's own functions by domain and name."""
        return {
            (_domain(function.domain), function.name): self.function(function)
            for function in self.model.functions
        }

    def function(self, function: onnx.FunctionProto) -> Function:
        """One function."""
        versions = self.versions | _versions(function.opset_import)
        label = cleaned(function.name)
        body = self._nodes(function.node, versions, 1)
        nodes = in_order(body, frozenset(function.input), f"{self.where}: function {label}")
        graph = Graph(
            name=label,
            inputs=tuple(function.input),
            outputs=tuple(function.output),
            nodes=nodes,
            weights={},
            types=self._types(function.value_info),
            users=users_of(nodes, function.output),
        )
        defaults = {proto.name: self._value(proto, versions, 1) for proto in function.attribute_proto}
        return Function(body=graph, defaults=defaults)

    def _graph(self, graph: onnx.GraphProto, versions: Mapping[str, int], depth: int) -> Graph:
        if depth > DEPTH:
            raise ModelError(
                f"its graphs lie {depth} deep in each other", where=self.where, mend="flatten it"
            )
        weights = {tensor.name: self.weight(tensor, tensor.name) for tensor in graph.initializer}
        weights |= {sparse.values.name: self._sparse(sparse) for sparse in graph.sparse_initializer}
        inputs = tuple(value.name for value in graph.input if value.name not in weights)
        nodes = self._nodes(graph.node, versions, depth)
        known = frozenset((*inputs, *weights))
        where = f"{self.where}: graph {cleaned(graph.name)}" if depth else self.where
        nodes = in_order(nodes, known, where, is_inside=depth > 0)
        outputs = tuple(value.name for value in graph.output)
        made = {*known, *(name for node in nodes for name in node.outputs)}
        if not depth and (missing := [name for name in outputs if name not in made]):
            raise ModelError(
                f"gives {cleaned(missing[0])!r}, which nothing makes",
                where=self.where,
                mend="export it again",
            )
        return Graph(
            name=graph.name,
            inputs=inputs,
            outputs=outputs,
            nodes=nodes,
            weights=weights,
            types=self._types((*graph.value_info, *graph.output, *graph.input)),
            users=users_of(nodes, outputs),
        )

    def _nodes(
        self, protos: Iterable[onnx.NodeProto], versions: Mapping[str, int], depth: int
    ) -> tuple[Node, ...]:
        return tuple(self._node(proto, versions, depth) for proto in protos)

    def _node(self, proto: onnx.NodeProto, versions: Mapping[str, int], depth: int) -> Node:
        self.nodes += 1
        if self.nodes > NODES:
            raise ModelError(f"has more than {NODES:,} nodes", where=self.where, mend="export a part of it")
        name = cleaned(proto.name or next((name for name in proto.output if name), ""))
        domain = cleaned(_domain(proto.domain))
        try:
            attributes = {item.name: self._value(item, versions, depth) for item in proto.attribute}
        except ModelError as error:
            where = f"{self.where}: node {name!r}" if error.where == self.where else error.where
            raise ModelError(error.what, where=where, mend=error.mend) from error
        return Node(
            op=cleaned(proto.op_type),
            domain=domain,
            version=versions.get(domain, 1),
            inputs=tuple(proto.input),
            outputs=tuple(proto.output),
            attributes=attributes,
            name=name,
            path=path_of(proto),
            source=b"" if any(item.HasField("g") for item in proto.attribute) else proto.SerializeToString(),
        )

    def _value(self, proto: onnx.AttributeProto, versions: Mapping[str, int], depth: int) -> Any:
        """An attribute as a plain value, a weight or a graph."""
        if proto.ref_attr_name:
            return Reference(name=proto.ref_attr_name)
        kinds = proto.AttributeType
        if proto.type == kinds.TENSOR:
            return self.weight(proto.t, proto.t.name)
        if proto.type == kinds.GRAPH:
            return self._graph(proto.g, versions, depth + 1)
        if proto.type == kinds.STRING:
            return proto.s.decode(errors="replace")
        if proto.type == kinds.STRINGS:
            return tuple(item.decode(errors="replace") for item in proto.strings)
        if proto.type in (kinds.INTS, kinds.FLOATS):
            return tuple(proto.ints if proto.type == kinds.INTS else proto.floats)
        if proto.type in (kinds.INT, kinds.FLOAT):
            return proto.i if proto.type == kinds.INT else proto.f
        return None

    def weight(self, tensor: onnx.TensorProto, name: str) -> Weight:
        """A tensor of the file, with its values where they were kept. External data is not opened."""
        from onnx import TensorProto

        where = f"{self.where}: tensor {cleaned(name)!r}" if name else self.where
        shape = tuple(tensor.dims)
        if any(size < 0 for size in shape) or prod(shape) > MAXIMUM_ELEMENTS:
            text = "x".join(map(str, shape))
            raise ModelError(f"has the shape {text}", where=where, mend="export the model again")
        dtype = dtype_of(tensor.data_type, where)
        values = None
        if tensor.data_location != TensorProto.EXTERNAL:
            values = _values(tensor, shape)
        return Weight(key=self._key(name), dtype=dtype, shape=shape, values=values)

    def _sparse(self, sparse: onnx.SparseTensorProto) -> Weight:
        """A sparse weight, counted as a dense one."""
        from onnx import TensorProto

        dense = TensorProto(dims=sparse.dims, data_type=sparse.values.data_type)
        return self.weight(dense, sparse.values.name)

    def _key(self, name: str) -> str:
        name = cleaned(name) or "constant"
        key, number = name, 0
        while key in self.keys:
            number += 1
            key = f"{name}_{number}"
        self.keys.add(key)
        return key

    def _types(self, values: Iterable[onnx.ValueInfoProto]) -> dict[str, Type]:
        return {value.name: self._type(value) for value in values}

    def _type(self, value: onnx.ValueInfoProto) -> Type:
        kind = value.type.WhichOneof("value") or "nothing"
        if kind != "tensor_type":
            return Type(kind=kind.removesuffix("_type"))
        tensor = value.type.tensor_type
        known = tensor.elem_type not in (0, 8)
        dtype = dtype_of(tensor.elem_type, f"{self.where}: {cleaned(value.name)!r}") if known else None
        shape = tuple(_dim(dim) for dim in tensor.shape.dim) if tensor.HasField("shape") else None
        return Type(kind="tensor" if tensor.elem_type != 8 else "string", dtype=dtype, shape=shape)


def _dim(dim: Any) -> Dim:
    if dim.WhichOneof("value") == "dim_value":
        return int(dim.dim_value) if dim.dim_value >= 0 else None
    return cleaned(dim.dim_param) or None


def _values(tensor: Any, shape: tuple[int, ...]) -> Any:
    """The values of a tensor, None where they were passed over."""
    from onnx import numpy_helper

    lists = (tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data, tensor.uint64_data)
    if not tensor.HasField("raw_data") and not any(len(values) for values in lists) and 0 not in shape:
        return None
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def _versions(imports: Iterable[Any]) -> dict[str, int]:
    return {_domain(entry.domain): entry.version for entry in imports}


def _domain(domain: str) -> str:
    return "" if domain in DOMAINS else domain
