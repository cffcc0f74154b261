"""ONNX models made by hand cost what their twins in torch cost, and what the formulas say."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

import hwcost
from hwcost.errors import UnknownOpError
from hwcost.graph import Loop, Trace, leaves
from hwcost.rules.count import assumed_names, count
from tests.sources.onnx_models import (
    flops,
    macs,
    model,
    moved_bytes,
    names,
    node,
    numbers,
    products,
    saved,
    tensor,
    traced,
    value,
)

INT8, UINT8, INT64 = TensorProto.INT8, TensorProto.UINT8, TensorProto.INT64


def storages(trace: Trace, role: str) -> dict[str, int]:
    """Bytes of the storages of a role, by name."""
    tensors = [each for op, _ in leaves(trace.items) for each in (*op.inputs, *op.outputs)]
    return {each.storage.name: each.storage.bytes for each in tensors if each.role == role}


def test_convolutional_network(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w1 b1", "c1", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", "c1 s s s s", "n1"),
        node("Relu", "n1", "r1"),
        node("MaxPool", "r1", "p1", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "p1 w2", "c2", group=8, auto_pad="SAME_UPPER"),
        node("GlobalAveragePool", "c2", "g"),
        node("Flatten", "g", "f"),
        node("Gemm", "f w3 b3", "y", transB=1),
    ]
    weights = [tensor("w1", 8, 3, 3, 3), tensor("b1", 8), tensor("s", 8), tensor("w2", 8, 1, 3, 3)]
    weights += [tensor("w3", 10, 8), tensor("b3", 10)]
    trace = traced(model(nodes, {"x": [2, 3, 16, 16]}, weights=weights), tmp_path)
    twin = hwcost.trace(
        nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, 10),
        ),
        torch.empty(2, 3, 16, 16),
    )
    first = 2 * 8 * 8 * 8 * 3 * 9  # N * Cout * Ho * Wo * Cin * K
    depthwise = 2 * 8 * 4 * 4 * 9  # N * C * Ho * Wo * K
    assert macs(trace) == first + depthwise + 2 * 8 * 10 == macs(twin)
    assert (flops(trace), moved_bytes(trace)) == (flops(twin), moved_bytes(twin) - 3 * 8 * 4)
    # The one scale stands for weight, bias, mean and variance of the twin: 3 * 8 elements less.


@pytest.mark.parametrize("pads", [[0, 1], [2, 0], [3, 4]])
def test_padding_of_one_side_copies_nothing(tmp_path: Path, pads: list[int]) -> None:
    """A causal convolution of 5 steps: no kernel but the convolution's, over 5 + pads - 2 places."""
    nodes = [node("Conv", "x w", "y", pads=pads)]
    trace = traced(model(nodes, {"x": [1, 4, 5]}, weights=[tensor("w", 6, 4, 3)]), tmp_path)
    assert names(trace) == ["aten.convolution"]
    assert macs(trace) == 6 * (5 + sum(pads) - 2) * 4 * 3
    assert moved_bytes(trace) == 4 * (4 * 5 + 6 * 4 * 3 + 6 * (5 + sum(pads) - 2))


@pytest.mark.parametrize("attributes", [{}, {"pads": [1, 1]}, {"pads": [0, 1]}, {"output_shape": [9]}])
def test_transposed_convolution(tmp_path: Path, attributes: dict) -> None:
    """Each of 5 inputs of 4 channels meets 6 x 3 weights, whatever is cut off."""
    nodes = [node("ConvTranspose", "x w", "y", strides=[2], **attributes)]
    trace = traced(model(nodes, {"x": [1, 4, 5]}, weights=[tensor("w", 4, 6, 3)]), tmp_path)
    assert macs(trace) == 5 * 4 * 6 * 3


def test_layer_of_a_transformer(tmp_path: Path) -> None:
    d, heads, t = 8, 2, 5
    nodes = [
        node("MatMul", "x wqkv", "qkv0"),
        node("Add", "qkv0 bqkv", "qkv"),
        node("Split", "qkv", "q k v", axis=-1, num_outputs=3),
        node("Attention", "q k v", "a", q_num_heads=heads, kv_num_heads=heads),
        node("MatMul", "a wo", "o"),
        node("Add", "o x", "s"),
        node("LayerNormalization", "s g g", "n"),
        node("MatMul", "n w1", "h"),
        node("Gelu", "h", "e"),
        node("MatMul", "e w2", "f"),
        node("Add", "f n", "y"),
    ]
    weights = [tensor("wqkv", d, 3 * d), tensor("bqkv", 3 * d), tensor("wo", d, d), tensor("g", d)]
    weights += [tensor("w1", d, 4 * d), tensor("w2", 4 * d, d)]
    trace = traced(model(nodes, {"x": [3, t, d]}, weights=weights, opset=23), tmp_path)
    linear = 3 * t * (3 * d * d + d * d + 2 * 4 * d * d)
    attention = 2 * 3 * t * t * d  # scores and their sum of values, over all heads
    assert macs(trace) == linear + attention
    assert "torch.scaled_dot_product_attention" in names(trace)


def test_shared_keys_and_a_cache(tmp_path: Path) -> None:
    """One new token, 4 heads over 2 of keys, 6 tokens before: 4 * 1 * 7 * (3 + 3) MACs."""
    shapes = {"q": [1, 1, 12], "k": [1, 1, 6], "v": [1, 1, 6], "pk": [1, 2, 6, 3], "pv": [1, 2, 6, 3]}
    nodes = [node("Attention", "q k v - pk pv", "y k2 v2", q_num_heads=4, kv_num_heads=2)]
    trace = traced(model(nodes, shapes, "y k2 v2", opset=23), tmp_path)
    assert macs(trace) == 4 * 7 * (3 + 3)
    assert names(trace).count("aten.cat") == 2


def test_attention_of_onnxruntime(tmp_path: Path) -> None:
    b, t, d = 2, 5, 8
    weights = [tensor("w", d, 3 * d), tensor("bias", 3 * d)]
    packed = model(
        [node("Attention", "x w bias", "y", num_heads=2, domain="com.microsoft")],
        {"x": [b, t, d]},
        weights=weights,
    )
    assert macs(traced(packed, tmp_path)) == b * t * d * 3 * d + 2 * b * t * t * d
    apart = model(
        [node("MultiHeadAttention", "q k v", "y", num_heads=2, domain="com.microsoft")],
        {name: [b, t, d] for name in "qkv"},
    )
    assert macs(traced(apart, tmp_path)) == 2 * b * t * t * d
    grouped = model(
        [
            node(
                "GroupQueryAttention",
                "q k v - - l l",
                "y",
                num_heads=4,
                kv_num_heads=2,
                domain="com.microsoft",
            )
        ],
        {"q": [b, t, 8], "k": [b, t, 4], "v": [b, t, 4], "l": ([b], INT64)},
    )
    assert macs(traced(grouped, tmp_path)) == b * 4 * t * t * (2 + 2)


def test_transposes_and_reshapes_are_free(tmp_path: Path) -> None:
    nodes = [
        node("Transpose", "x", "a", perm=[0, 2, 1]),
        node("Unsqueeze", "a axes", "b"),
        node("Squeeze", "b axes", "c"),
        node("Split", "c", "d e", axis=1, num_outputs=2),
        node("Add", "d e", "y"),
    ]
    trace = traced(model(nodes, {"x": [2, 3, 4]}, weights=[numbers("axes", [0])]), tmp_path)
    assert names(trace) == ["aten.add"]
    assert moved_bytes(trace) == 4 * (24 + 12)


def test_arithmetic_on_shapes_costs_nothing(tmp_path: Path) -> None:
    """Reshape to [shape[0], -1, 2 * 3]: sizes are worked out before anything runs."""
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "batch"),
        node("Unsqueeze", "batch zeros", "b1"),
        node("Mul", "two three", "six"),
        node("Concat", "b1 minus six", "target", axis=0),
        node("Reshape", "x target", "r"),
        node("Relu", "r", "y"),
    ]
    weights = [numbers("zero", 0), numbers("zeros", [0]), numbers("minus", [-1]), numbers("two", [2])]
    trace = traced(model(nodes, {"x": [4, 9, 2]}, weights=[*weights, numbers("three", [3])]), tmp_path)
    assert names(trace) == ["aten.relu"]
    assert trace.items[0].inputs[0].shape == (4, 3, 6)


def test_arithmetic_on_weights_is_done_once(tmp_path: Path) -> None:
    """A weight that is scaled and turned when the model is loaded: one product, of one weight."""
    nodes = [node("Mul", "w half", "m"), node("Transpose", "m", "t"), node("MatMul", "x t", "y")]
    weights = [tensor("w", 6, 5), numbers("half", 0.5, "float32")]
    trace = traced(model(nodes, {"x": [3, 5]}, weights=weights), tmp_path)
    assert names(trace) == ["aten.mm"]
    assert trace.items[0].inputs[1].role == "weight"
    assert trace.parameters == 30


def test_shared_weights_are_one(tmp_path: Path) -> None:
    """An embedding whose table is the last product's matrix too."""
    nodes = [node("Gather", "table ids", "e"), node("Transpose", "table", "t"), node("MatMul", "e t", "y")]
    trace = traced(model(nodes, {"ids": ([2, 3], INT64)}, weights=[tensor("table", 50, 8)]), tmp_path)
    assert names(trace) == ["aten.embedding", "aten.mm"]
    assert storages(trace, "weight") == {"table": 50 * 8 * 4}
    assert trace.parameters == 400


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/encoder/layers.0/linear1/MatMul", "encoder.layers.0.linear1"),
        ("/MatMul", ""),
        ("dense_1", "dense_1"),
    ],
)
def test_modules_by_the_names_of_nodes(tmp_path: Path, name: str, path: str) -> None:
    made = model([node("MatMul", "x w", "y", name=name)], {"x": [2, 3]}, weights=[tensor("w", 3, 4)])
    assert traced(made, tmp_path).items[0].module == path


def test_modules_by_the_scopes_of_the_exporter(tmp_path: Path) -> None:
    call = node("MatMul", "x w", "y", name="node_linear")
    call.metadata_props.add(
        key="pkg.torch.onnx.name_scopes", value="['', 'layers.0', 'layers.0.fc', 'linear']"
    )
    trace = traced(model([call], {"x": [2, 3]}, weights=[tensor("w", 3, 4)]), tmp_path)
    assert trace.items[0].module == "layers.0.fc"


@pytest.mark.parametrize("name", ["forward.training", "a..b", "register_buffer", "_modules", "."])
def test_weights_of_any_name(tmp_path: Path, name: str) -> None:
    made = model(
        [helper.make_node("MatMul", ["x", name], ["y"])], {"x": [2, 3]}, weights=[tensor(name, 3, 4)]
    )
    assert (macs(traced(made, tmp_path)), traced(made, tmp_path).parameters) == (24, 12)


def test_products_of_whole_numbers(tmp_path: Path) -> None:
    nodes = [
        node("DynamicQuantizeLinear", "x", "q s z"),
        node("MatMulInteger", "q w z", "i"),
        node("Cast", "i", "y", to=TensorProto.FLOAT),
    ]
    trace = traced(model(nodes, {"x": [4, 6]}, weights=[tensor("w", 6, 5, dtype="int8")]), tmp_path)
    assert products(trace) == {(4 * 6 * 5, "uint8"): 1}
    product = next(op for op, _ in leaves(trace.items) if op.name == "aten.mm")
    assert [each.dtype for each in (*product.inputs, *product.outputs)] == ["uint8", "int8", "int32"]
    assert trace.weight_bytes == 30


def test_quantised_convolution(tmp_path: Path) -> None:
    nodes = [node("QLinearConv", "x s z w s z s z b", "y", pads=[1, 1, 1, 1])]
    weights = [numbers("s", 0.1, "float32"), numbers("z", 0, "int8"), tensor("w", 8, 3, 3, 3, dtype="int8")]
    weights.append(tensor("b", 8, dtype="int32"))
    trace = traced(model(nodes, {"x": ([1, 3, 6, 6], INT8)}, weights=weights), tmp_path)
    assert products(trace) == {(8 * 36 * 27, "int8"): 1}
    assert moved_bytes(trace) == 3 * 36 + 8 * 27 + 8 * 4 + 8 * 36
    assert (trace.parameters, trace.weight_bytes) == (8 * 27 + 8, 8 * 27 + 8 * 4)


def dequantised(*, quantised_result: bool) -> list:
    nodes = [
        node("QuantizeLinear", "x s z", "xq"),
        node("DequantizeLinear", "xq s z", "xd"),
        node("DequantizeLinear", "wq s z", "wd"),
        node("MatMul", "xd wd", "m"),
    ]
    after = [
        node("QuantizeLinear", "m s z", "mq"),
        node("DequantizeLinear", "mq s z", "md"),
        node("Relu", "md", "y"),
    ]
    return [*nodes, *(after if quantised_result else [node("Relu", "m", "y")])]


@pytest.mark.parametrize("quantised_result", [True, False])
def test_product_of_what_was_just_dequantised(tmp_path: Path, quantised_result: bool) -> None:
    """Weights and inputs cross memory in 8 bits; so does the result where it is quantised right after."""
    weights = [numbers("s", 0.1, "float32"), numbers("z", 0, "int8"), tensor("wq", 6, 5, dtype="int8")]
    made = model(dequantised(quantised_result=quantised_result), {"x": [4, 6]}, weights=weights)
    trace = traced(made, tmp_path)
    assert products(trace) == {(4 * 6 * 5, "int8"): 1}
    product = next(op for op, _ in leaves(trace.items) if op.name == "aten.mm")
    assert product.outputs[0].dtype == ("int8" if quantised_result else "float32")
    assert sum(name.startswith("quantized_decomposed") for name in names(trace)) == 1 + quantised_result


def test_weights_alone_in_few_bits(tmp_path: Path) -> None:
    """Real inputs times a weight of 8 bits, and one of 4 bits packed by two: the packed bytes are read."""
    nodes = [node("DequantizeLinear", "wq s", "w"), node("MatMul", "x w", "y")]
    weights = [numbers("s", 0.1, "float32"), tensor("wq", 6, 5, dtype="int8")]
    trace = traced(model(nodes, {"x": [4, 6]}, weights=weights), tmp_path)
    assert (macs(trace), moved_bytes(trace)) == (120, 4 * 24 + 30 + 4 + 4 * 20)
    packed = [node("MatMulNBits", "x w s", "y", K=32, N=8, bits=4, block_size=32, domain="com.microsoft")]
    weights = [tensor("w", 8, 1, 16, dtype="uint8"), tensor("s", 8)]
    trace = traced(model(packed, {"x": [4, 32]}, weights=weights), tmp_path)
    assert (macs(trace), moved_bytes(trace)) == (4 * 32 * 8, 4 * 128 + 128 + 4 * 8 + 4 * 32)


def loop_body(nodes: list, inputs: list, outputs: list, weights: tuple = ()) -> onnx.GraphProto:
    return helper.make_graph(nodes, "body", inputs, outputs, list(weights))


def looped(rounds: list, given: dict) -> tuple:
    """h = tanh(h w) `rounds` times, each h kept."""
    body = loop_body(
        [node("MatMul", "h_in w", "m"), node("Tanh", "m", "h_out"), node("Identity", "going", "go_on")],
        [value("i", [], INT64), value("going", [], TensorProto.BOOL), value("h_in", [2, 4])],
        [value("go_on", [], TensorProto.BOOL), value("h_out", [2, 4]), value("h_out", [2, 4])],
    )
    nodes = [node("Loop", "n true h", "last all", body=body, name="steps")]
    weights = [*rounds, numbers("true", True, "bool"), tensor("w", 4, 4)]
    return model(nodes, {"h": [2, 4], **given}, "last all", weights)


def test_loop_with_a_trip_count(tmp_path: Path) -> None:
    trace = traced(looped([numbers("n", 9)], {}), tmp_path)
    assert macs(trace) == 9 * 2 * 4 * 4
    loops = [item for item in trace.items if isinstance(item, Loop)]
    assert [(loop.times, [op.name for op in loop.body]) for loop in loops] == [(9, ["aten.mm", "aten.tanh"])]


def test_loop_whose_trip_count_is_data(tmp_path: Path) -> None:
    made = looped([], {"n": ([], INT64)})
    with pytest.raises(hwcost.HwcostError, match=r"how often it runs depends on data; .*--set steps=N"):
        traced(made, tmp_path)
    assert macs(traced(made, tmp_path, settings={"steps": "5"})) == 5 * 32
    assert macs(traced(made, tmp_path, settings={"n": "6"})) == 6 * 32


def test_loop_that_ends_by_its_own_count(tmp_path: Path) -> None:
    """while i + 1 < 4: the condition is worked out, as nothing of it is data."""
    body = loop_body(
        [
            node("MatMul", "h_in w", "h_out"),
            node("Add", "i one", "next"),
            node("Less", "next four", "go_on"),
        ],
        [value("i", [], INT64), value("going", [], TensorProto.BOOL), value("h_in", [2, 4])],
        [value("go_on", [], TensorProto.BOOL), value("h_out", [2, 4])],
    )
    weights = [numbers("one", 1), numbers("four", 4), tensor("w", 4, 4)]
    made = model([node("Loop", "- - h", "y", body=body)], {"h": [2, 4]}, weights=weights)
    assert macs(traced(made, tmp_path)) == 4 * 32


def test_scan_is_a_loop_over_slices(tmp_path: Path) -> None:
    """h = tanh(x[t] wx + h wh): the recurrence by hand, T * N * H * (I + H)."""
    body = loop_body(
        [
            node("MatMul", "x_t wx", "a"),
            node("MatMul", "h_in wh", "b"),
            node("Add", "a b", "c"),
            node("Tanh", "c", "h_out"),
            node("Identity", "h_out", "kept"),
        ],
        [value("h_in", [3, 4]), value("x_t", [3, 5])],
        [value("h_out", [3, 4]), value("kept", [3, 4])],
    )
    nodes = [node("Scan", "h x", "last y", body=body, num_scan_inputs=1)]
    weights = [tensor("wx", 5, 4), tensor("wh", 4, 4)]
    trace = traced(model(nodes, {"h": [3, 4], "x": [20, 3, 5]}, "last y", weights), tmp_path)
    assert macs(trace) == 20 * 3 * 4 * (5 + 4)
    (loop,) = (item for item in trace.items if isinstance(item, Loop))
    assert loop.times == 20
    assert [op.inputs[0].advance for op in loop.body if op.name == "aten.mm"] == [(15,), (12,)]  # h is kept


def branches() -> dict:
    out = [value("z", None)]
    return {
        "then_branch": helper.make_graph([node("Relu", "x", "z")], "small", [], out),
        "else_branch": helper.make_graph([node("MatMul", "x w", "z")], "large", [], out),
    }


def test_choice_by_data_takes_what_costs_more(tmp_path: Path) -> None:
    nodes = [node("ReduceMax", "x", "m", keepdims=0), node("Greater", "m zero", "c")]
    nodes.append(node("If", "c", "y", name="pick", **branches()))
    weights = [numbers("zero", 0.0, "float32"), tensor("w", 4, 4)]
    trace = traced(model(nodes, {"x": [2, 4]}, weights=weights), tmp_path)
    assert macs(trace) == 32
    assert "aten.relu" not in names(trace)
    assert any("'pick'" in note and "else branch" in note for note in trace.assumptions)


@pytest.mark.parametrize(("batch", "expected"), [(2, 0), (3, 48)])
def test_choice_by_shape_is_known(tmp_path: Path, batch: int, expected: int) -> None:
    nodes = [node("Shape", "x", "s", end=1), node("Squeeze", "s", "b"), node("Equal", "b two", "c")]
    nodes.append(node("If", "c", "y", **branches()))
    made = model(nodes, {"x": ["batch", 4]}, weights=[numbers("two", 2), tensor("w", 4, 4)])
    assert macs(traced(made, tmp_path, batch=batch)) == expected


def test_functions_of_the_model(tmp_path: Path) -> None:
    """A function with an attribute of its own, called twice, from another function."""
    dense = helper.make_function(
        "my", "Dense", ["x", "w"], ["y"],
        [node("MatMul", "x w", "m"), helper.make_node("LeakyRelu", ["m"], ["y"], name="act")],
        [helper.make_opsetid("", 20)], ["alpha"],
    )  # fmt: skip
    dense.node[1].attribute.add(name="alpha", ref_attr_name="alpha", type=1)
    twice = helper.make_function(
        "my", "Twice", ["x", "w"], ["y"],
        [
            node("Dense", "x w", "a", domain="my", alpha=0.25, name="/first/Dense"),
            node("Dense", "a w", "y", domain="my"),
        ],
        [helper.make_opsetid("", 20), helper.make_opsetid("my", 1)],
    )  # fmt: skip
    nodes = [node("Twice", "x w", "y", domain="my", name="/body/Twice")]
    made = model(nodes, {"x": [2, 4]}, weights=[tensor("w", 4, 4)], functions=[dense, twice])
    trace = traced(made, tmp_path)
    assert names(trace) == ["aten.mm", "aten.leaky_relu"] * 2
    assert trace.items[1].attributes["negative_slope"] == 0.25
    assert trace.items[1].module == "body.first.act"


def test_functions_of_the_standard(tmp_path: Path) -> None:
    """An op that the standard defines by others is counted by them: SwiGLU-like ops, losses."""
    nodes = [node("SoftmaxCrossEntropyLoss", "x labels", "y", reduction="mean")]
    trace = traced(model(nodes, {"x": [4, 10], "labels": ([4], INT64)}), tmp_path)
    assert "aten._log_softmax" in names(trace)
    assert not assumed_names(count(trace.items))


def test_unknown_op_is_assumed(tmp_path: Path) -> None:
    nodes = [node("Magic", "x", "m", domain="com.acme", strength=3), node("Relu", "m", "y")]
    made = model(nodes, {"x": ["batch", 4]}, values=[value("m", ["batch", 7])])
    trace = traced(made, tmp_path, batch=2)
    assert names(trace) == ["com.acme.Magic", "aten.relu"]
    assert assumed_names(count(trace.items)) == ("com.acme.Magic",)
    assert moved_bytes(trace) == 4 * (8 + 14) + 4 * (14 + 14)
    with pytest.raises(UnknownOpError, match=r"com\.acme\.Magic"):
        hwcost.analyze(saved(made, tmp_path), batch=2, strict=True)
    report = hwcost.analyze(saved(made, tmp_path))
    assert (report.assumed_ops, report.lower_bound) == (("com.acme.Magic",), True)


def test_unknown_op_of_the_standard_has_its_inferred_shape(tmp_path: Path) -> None:
    nodes = [node("RoiAlign", "x rois places", "y", output_height=3, output_width=3)]
    given = {"x": [1, 2, 8, 8], "rois": [5, 4], "places": ([5], INT64)}
    trace = traced(model(nodes, given), tmp_path)
    assert [(op.name, op.outputs[0].shape) for op in trace.items] == [("onnx.RoiAlign", (5, 2, 3, 3))]


def test_training_of_a_causal_convolution(tmp_path: Path) -> None:
    """Padding of one side has a backward pass, as in torch: forward, weights and inputs cost alike."""
    nodes = [node("Conv", "x w", "c", pads=[2, 0]), node("Conv", "c v", "y", pads=[2, 0])]
    made = model(nodes, {"x": [1, 4, 9]}, weights=[tensor("w", 4, 4, 3), tensor("v", 4, 4, 3)])
    report = hwcost.analyze(saved(made, tmp_path), phase="training")
    once = 9 * 4 * 4 * 3
    assert report.totals.macs == 2 * once + 2 * once + once  # the model's input needs no gradient
    assert not [note for note in report.trace.assumptions if "backward" in note]
