"""Ops that nothing here knows: their bytes count, their arithmetic is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.dtypes import DTYPES
from hwcost.sources.onnx_model.graph import Type
from hwcost.sources.onnx_model.names import cleaned
from hwcost.sources.onnx_model.sizes import size_of
from hwcost.sources.onnx_model.told import Made, told
from hwcost.sources.onnx_model.values import Dequantised, Value

if TYPE_CHECKING:
    from hwcost.sources.onnx_model.call import Call

MEND: Final = "write its shape into the file (graph.value_info), or export it as a function of the model"

Shape = tuple[int, ...]


def unknown(call: Call) -> list[Any]:
    """Tell of a call by its name; what it gives has the shape that the file or the standard says.

    Raises:
        ModelError: neither says.
    """
    made = [_made(call, name, place) for place, name in enumerate(call.node.outputs) if name]
    inputs = [value.tensor for value in call.inputs if isinstance(value, Value | Dequantised)]
    name = f"{call.node.domain or 'onnx'}.{call.node.op}"
    attributes = {key: value for key, value in call.attributes.items() if _is_plain(value)}
    results = iter(told(call.run, cleaned(name), inputs, made, attributes))
    return [next(results) if name else None for name in call.node.outputs]


def _made(call: Call, name: str, place: int) -> Made:
    for declared in (call.frame.graph.types.get(name), _inferred(call, place)):
        if declared is not None and declared.dtype is not None and declared.shape is not None:
            shape = [size_of(dim, call.run.sizes) for dim in declared.shape]
            if None not in shape:
                return [size for size in shape if size is not None], declared.dtype
    what = f"the op is not known, and neither is the shape of what it gives ({cleaned(name)!r})"
    raise ModelError(what, mend=MEND)


def _inferred(call: Call, place: int) -> Type | None:
    """What the standard says of a result of one of its own ops."""
    if call.node.domain or not call.node.source:
        return None
    import onnx
    from onnx import defs, shape_inference

    node = onnx.NodeProto.FromString(call.node.source)
    try:
        schema = defs.get_schema(call.node.op, call.version, "")
        types = {
            name: type_proto(call, index) for index, name in enumerate(call.node.inputs) if call.has(index)
        }
        found = shape_inference.infer_node_outputs(
            schema, node, types, opset_imports=[onnx.helper.make_opsetid("", call.version)]
        )
    except (defs.SchemaError, shape_inference.InferenceError, ValueError, TypeError, RuntimeError):
        return None
    tensor = found[node.output[place]].tensor_type if node.output[place] in found else None
    if tensor is None or not tensor.HasField("shape") or tensor.elem_type not in DTYPES:
        return None
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
    return Type(kind="tensor", dtype=DTYPES[tensor.elem_type], shape=shape)


def type_proto(call: Call, place: int) -> Any:
    """An input's type as ONNX writes it."""
    from onnx import helper

    value = call.value(place)
    dtype = value.dtype if isinstance(value, Dequantised) else value.tensor.dtype
    tensor = value.source.tensor if isinstance(value, Dequantised) else value.tensor
    code = next(code for code, known in DTYPES.items() if known == dtype)
    return helper.make_tensor_type_proto(code, list(tensor.shape))


def _is_plain(value: object) -> bool:
    items = value if isinstance(value, tuple) else (value,)
    return all(isinstance(item, bool | int | float | str) for item in items)
