"""ONNX files that are wrong: one line that says what, where, and how to mend it. Nothing else ever."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

import hwcost
from hwcost.errors import HwcostError
from hwcost.graph import Trace
from hwcost.load import load_trace
from hwcost.sources.onnx_model import skim
from tests.sources.onnx_models import macs, model, names, node, numbers, saved, tensor, traced, value

BOOL, INT64 = TensorProto.BOOL, TensorProto.INT64


def error(path: str, **options: object) -> str:
    with pytest.raises(HwcostError) as raised:
        load_trace(path, **options)
    message = str(raised.value)
    assert "\n" not in message
    assert Path(path).name in message
    return message


def trace_or_message(path: str) -> Trace | str:
    """What a file gives: a trace, or an error of ours. Any other exception is a defect."""
    try:
        return load_trace(path)
    except HwcostError as refused:
        return str(refused)


def small() -> onnx.ModelProto:
    """A bit of everything: convolution, loop, choice, a function, shapes, quantised weights."""
    body = helper.make_graph(
        [node("MatMul", "h_in w", "h_out"), node("Identity", "going", "go_on")],
        "body",
        [value("i", [], INT64), value("going", [], BOOL), value("h_in", [2, 4])],
        [value("go_on", [], BOOL), value("h_out", [2, 4])],
    )
    branch = [
        helper.make_graph([node(op, "last", "z")], op, [], [value("z", None)]) for op in ("Relu", "Exp")
    ]
    dense = helper.make_function(
        "my", "Dense", ["a"], ["b"], [node("Sigmoid", "a", "b")], [helper.make_opsetid("", 20)]
    )
    nodes = [
        node("Conv", "x k", "c", pads=[1, 1]),
        node("GlobalAveragePool", "c", "g"),
        node("Shape", "g", "s", end=2),
        node("Reshape", "g s", "h"),
        node("Loop", "n yes h", "last", body=body, name="steps"),
        node("If", "yes", "chosen", then_branch=branch[0], else_branch=branch[1]),
        node("DequantizeLinear", "wq scale", "wd"),
        node("MatMul", "chosen wd", "m"),
        node("LSTM", "q lw lr", "l"),
        node("Dense", "m", "y", domain="my"),
    ]
    weights = [tensor("k", 4, 3, 3), numbers("n", 3), numbers("yes", True, "bool"), tensor("w", 4, 4)]
    weights += [tensor("wq", 4, 5, dtype="int8"), numbers("scale", 0.5, "float32")]
    weights += [tensor("lw", 1, 8, 3), tensor("lr", 1, 8, 2)]
    given_ = {"x": ["batch", 3, "time"], "q": ["time", "batch", 3]}
    return model(nodes, given_, "y l", weights, functions=[dense])


def test_the_small_model_is_sound(tmp_path: Path) -> None:
    trace = traced(small(), tmp_path, batch=2, seq_len=6)
    convolution, loop, product, lstm = 2 * 4 * 6 * 9, 3 * 2 * 16, 2 * 4 * 5, 6 * 2 * 8 * (3 + 2)
    assert macs(trace) == convolution + loop + product + lstm


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x00" * 40, "is truncated or no ONNX file"),
        (b"not a model at all, but a line of text\n", "is truncated or no ONNX file"),
        (b"PK\x03\x04" + bytes(60), "is truncated or no ONNX file"),
        (b"\x08\x07", "has no graph"),
    ],
)
def test_files_that_are_no_models(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in error(saved(content, tmp_path))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert "there is no such file" in error(str(tmp_path / "none.onnx"))
    (tmp_path / "folder.onnx").mkdir()
    assert "is no file" in error(str(tmp_path / "folder.onnx"))


def test_truncated_anywhere(tmp_path: Path) -> None:
    content = small().SerializeToString()
    whole = macs(traced(content, tmp_path))
    for length in range(0, len(content), 37):
        outcome = trace_or_message(saved(content[:length], tmp_path))
        if isinstance(outcome, Trace):
            assert macs(outcome) < whole
        else:
            assert "model.onnx" in outcome


def test_cycle(tmp_path: Path) -> None:
    nodes = [node("Add", "x b", "a", name="one"), node("Relu", "a", "b", name="two")]
    assert "has a cycle, which node 'one' (Add) is in" in error(
        saved(model(nodes, {"x": [2]}, "b"), tmp_path)
    )
    itself = model([node("Add", "x y", "y", name="one")], {"x": [2]})
    assert "node 'one' (Add) takes what it makes" in error(saved(itself, tmp_path))


def test_nodes_in_any_order(tmp_path: Path) -> None:
    nodes = [node("Relu", "a", "y"), node("Add", "x x", "a")]
    assert names(traced(model(nodes, {"x": [2]}), tmp_path)) == ["aten.add", "aten.relu"]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            model([node("Relu", "z", "y", name="r")], {"x": [2]}),
            "node 'r' (Relu) takes 'z', which nothing makes",
        ),
        (model([node("Relu", "x", "z")], {"x": [2]}), "gives 'y', which nothing makes"),
        (model([node("Relu", "x", "x")], {"x": [2]}, "x"), "makes 'x' once more"),
        (model([node("Add", "x w", "y", name="a")], {"x": [2]}, weights=[tensor("w", 3)]), "node 'a' (Add)"),
        (
            model([node("MatMul", "x w", "y", name="a")], {"x": [2, 4]}, weights=[tensor("w", 3, 5)]),
            "on 2x4, 3x5",
        ),
        (model([node("Conv", "x w", "y")], {"x": [1, 4, 9]}, weights=[tensor("w", 3, 5, 3)]), "does not fit"),
        (
            model([node("Conv", "x w", "y")], {"x": [1, 5, 2]}, weights=[tensor("w", 3, 5, 3)]),
            "does not fit into 2",
        ),
        (model([node("Reshape", "x s", "y")], {"x": [4], "s": ([1], INT64)}), "cannot be computed on 4, 1"),
        (model([node("Nothing", "x", "y", name="n")], {"x": [2]}), "node 'n' (Nothing): the op is not known"),
        (model([node("Relu", "x", "y")], {"x": [-3]}, weights=[]), "leaves"),
        (model([node("Relu", "x", "y")], {"x": ([2], TensorProto.STRING)}), "takes a string as input 'x'"),
        (model([node("Relu", "x", "y")], {"x": [2]}, opset=999), "is written for operator set 999"),
        (model([node("Cast", "x", "y", to=77)], {"x": [2]}), "unknown type 77"),
    ],
    ids=lambda each: each[:24] if isinstance(each, str) else "",
)
def test_models_that_are_wrong(tmp_path: Path, made: onnx.ModelProto, message: str) -> None:
    if "leaves" in message:
        made.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 0
        made.graph.initializer.append(TensorProto(name="w", dims=[-3], data_type=1))
        message = "tensor 'w': has the shape -3"
    assert message in error(saved(made, tmp_path))


def test_weights_of_absurd_sizes(tmp_path: Path) -> None:
    made = model([node("Add", "x w", "y")], {"x": [2]})
    made.graph.initializer.append(TensorProto(name="w", dims=[2**31, 2**31], data_type=1))
    assert "tensor 'w': has the shape 2147483648x2147483648" in error(saved(made, tmp_path))


def test_results_of_absurd_sizes(tmp_path: Path) -> None:
    nodes = [node("Tile", "x n", "y", name="t")]
    made = model(nodes, {"x": [1000]}, weights=[numbers("n", [2**62])])
    assert "node 't' (Tile): cannot be computed" in error(saved(made, tmp_path))


def test_large_constants_take_no_memory(tmp_path: Path) -> None:
    """A terabyte of ones is one weight on meta."""
    nodes = [
        node("ConstantOfShape", "n", "c"),
        node("ReduceSum", "c", "s", keepdims=0),
        node("Add", "x s", "y"),
    ]
    trace = traced(model(nodes, {"x": [2]}, weights=[numbers("n", [2**38])]), tmp_path)
    assert names(trace) == ["aten.add"]


def test_loops_that_never_end(tmp_path: Path) -> None:
    for rounds in (numbers("n", 10**9), numbers("n", 2**62)):
        body = helper.make_graph(
            [node("Relu", "h_in", "h_out"), node("Identity", "going", "go_on")],
            "body",
            [value("i", [], INT64), value("going", [], BOOL), value("h_in", [2])],
            [value("go_on", [], BOOL), value("h_out", [2])],
        )
        nodes = [node("Loop", "n - x", "y", body=body, name="forever")]
        message = error(saved(model(nodes, {"x": [2]}, weights=[rounds]), tmp_path))
        assert "node 'forever' (Loop)" in message
        assert "rounds of 2 nodes are more than 300,000" in message


def test_functions_that_call_themselves(tmp_path: Path) -> None:
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("my", 1)]
    again = helper.make_function("my", "Again", ["a"], ["b"], [node("Again", "a", "b", domain="my")], opsets)
    made = model([node("Again", "x", "y", domain="my")], {"x": [2]}, functions=[again])
    assert "lie more than 64 deep" in error(saved(made, tmp_path))


def test_names_that_a_terminal_would_obey(tmp_path: Path) -> None:
    made = model([node("Add", "x w", "y", name="\x1b[31mred\n")], {"x": [2]}, weights=[tensor("w", 3)])
    message = error(saved(made, tmp_path))
    assert "\x1b" not in message
    assert "?[31mred?" in message


def external(location: str) -> onnx.ModelProto:
    weight = TensorProto(name="w", dims=[4, 5], data_type=1, data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value=location)
    return model([node("MatMul", "x w", "y")], {"x": [2, 4]}, weights=[weight])


@pytest.mark.parametrize("location", ["model.bin", "../../../../etc/hosts", "/etc/hosts"])
def test_external_data_is_never_opened(tmp_path: Path, location: str) -> None:
    """Every file that is opened while the model is read and traced, as the interpreter reports it."""
    path = saved(external(location), tmp_path)
    script = f"""
import sys, torch, onnx
from hwcost.load import load_trace
load_trace({path!r})
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
trace = load_trace({path!r})
assert trace.weight_bytes == 80
assert {path!r} in opened
assert not [name for name in opened if "etc" in name or "model.bin" in name], opened
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_weights_are_not_in_memory(tmp_path: Path) -> None:
    """What is parsed of a model with 40 MB of weights is a few hundred bytes."""
    made = model([node("MatMul", "x w", "y")], {"x": [2, 10_000]}, weights=[tensor("w", 10_000, 1_000)])
    content = made.SerializeToString()
    assert len(content) > 40_000_000
    assert len(skim.skimmed(memoryview(content))) < 500
    assert macs(traced(content, tmp_path)) == 2 * 10_000 * 1_000


def test_whole_numbers_are_kept(tmp_path: Path) -> None:
    """A table of 2000 indices, which a model gathers by."""
    made = model([node("Gather", "x i", "y")], {"x": [5000, 2]}, weights=[numbers("i", np.arange(2000))])
    kept = onnx.ModelProto.FromString(skim.skimmed(memoryview(made.SerializeToString())))
    assert len(kept.graph.initializer[0].raw_data) == 16_000


def test_messages_and_fields_are_those_of_the_schema() -> None:
    """The numbers that the skimmer knows, from the package's own descriptors."""
    protos = {
        "model": onnx.ModelProto, "graph": onnx.GraphProto, "function": onnx.FunctionProto,
        "node": onnx.NodeProto, "attribute": onnx.AttributeProto, "sparse": onnx.SparseTensorProto,
        "tensor": onnx.TensorProto,
    }  # fmt: skip
    kinds = {proto.DESCRIPTOR.name: kind for kind, proto in protos.items()}
    for kind, inside in skim.INSIDE.items():
        messages = {
            field.number: kinds[field.message_type.name]
            for field in protos[kind].DESCRIPTOR.fields
            if field.message_type is not None and field.message_type.name in kinds
        }
        assert messages == inside
    fields = onnx.TensorProto.DESCRIPTOR.fields_by_name
    assert fields["data_type"].number == skim.DATA_TYPE
    payload = {
        field.number for name, field in fields.items() if name.endswith("_data") and name != "external_data"
    }
    assert payload == skim.PAYLOAD


def test_needs_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    message = error(saved(small(), tmp_path))
    assert message.endswith("needs the package onnx to be read; pip install 'hwcost[onnx]'")


CONTENT = small().SerializeToString()

changed = st.lists(
    st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255), st.integers(0, 2)),
    min_size=1,
    max_size=6,
)


def sound_or_refused(content: bytes, folder: Path) -> None:
    outcome = trace_or_message(saved(content, folder))
    if isinstance(outcome, Trace):
        hwcost.analyze(outcome)
    else:
        assert "\n" not in outcome


@given(changes=changed)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changed_bytes_give_a_trace_or_an_error(changes: list, tmp_path: Path) -> None:
    content = bytearray(CONTENT)
    for place, byte, kind in changes:
        place %= len(content)
        if kind == 0:
            content[place] = byte
        elif kind == 1:
            content.insert(place, byte)
        else:
            del content[place : place + byte % 4]
    sound_or_refused(bytes(content), tmp_path)


@given(tail=st.binary(max_size=60))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_a_trace_or_an_error(tail: bytes, tmp_path: Path) -> None:
    sound_or_refused(b"\x08\x0a:" + struct.pack("B", len(tail)) + tail, tmp_path)
