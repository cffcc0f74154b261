"""Ops that the standard defines by simpler ones: their definitions, as functions of a model."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from hwcost.sources.onnx_model.graph import Function
from hwcost.sources.onnx_model.parse import Parser
from hwcost.sources.onnx_model.unknown import type_proto

if TYPE_CHECKING:
    from hwcost.sources.onnx_model.call import Call


def expansion(call: Call, where: str) -> Function | None:
    """The definition of an op of the standard, None where it has none.

    Raises:
        ModelError: its inputs have types that the definition does not take.
    """
    if call.node.domain:
        return None
    from onnx import defs

    try:
        schema: Any = defs.get_schema(call.node.op, call.version, "")
    except defs.SchemaError:
        return None
    if schema.has_function:
        return _plain(call.node.op, schema.since_version, where)
    if schema.has_context_dependent_function and call.node.source:
        types = [
            type_proto(call, place).SerializeToString()
            for place in range(len(call.inputs))
            if call.has(place)
        ]
        body = schema.get_context_dependent_function(_as_called(call), types)
        return _function(body, where) if body else None
    return None


def _as_called(call: Call) -> bytes:
    """The node, with the attributes that a function's caller gives in place of references to them."""
    import onnx

    node = onnx.NodeProto.FromString(call.node.source)
    plain = [proto for proto in node.attribute if not proto.ref_attr_name]
    given = {proto.name: call.attributes.get(proto.name) for proto in node.attribute if proto.ref_attr_name}
    plain += [onnx.helper.make_attribute(name, value) for name, value in given.items() if value is not None]
    del node.attribute[:]
    node.attribute.extend(plain)
    return bytes(node.SerializeToString())


@cache
def _plain(op: str, version: int, where: str) -> Function:
    from onnx import defs

    schema = defs.get_schema(op, version, "")
    return _function(schema.function_body.SerializeToString(), where)


def _function(body: bytes, where: str) -> Function:
    import onnx

    model = onnx.ModelProto(functions=[onnx.FunctionProto.FromString(body)])
    parser = Parser(model, where)
    (function,) = parser.functions().values()
    return function
