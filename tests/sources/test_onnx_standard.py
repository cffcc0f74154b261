"""The standard's own test cases, one file each: what is replayed has the shapes that the standard states.

The cases bring inputs and results. Where the replay runs on real numbers too, it gives the standard's own.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import pytest
import torch
from onnx import defs

from hwcost.errors import HwcostError
from hwcost.rules.count import assumed_names, count
from hwcost.sources.onnx_model.parse import Parser
from hwcost.sources.onnx_model.program import Program
from hwcost.sources.onnx_model.reading import model_of
from hwcost.sources.onnx_model.registry import filled
from hwcost.tracing.tracer import trace

pytestmark = [pytest.mark.filterwarnings("ignore")]

NOT_KNOWN = {
    "DeformConv", "ImageDecoder", "MaxRoiPool", "RegexFullMatch", "RoiAlign", "StringConcat",
    "StringNormalizer", "StringSplit", "TfIdfVectorizer",
}  # fmt: skip
"""Ops of the standard that are told of by their bytes, or that work on strings."""

ASSUMED = {f"onnx.{name}" for name in (*NOT_KNOWN, "NonMaxSuppression")}

REFUSED = {
    "Col2Im": 1,  # three dimensions of space
    "ReduceMax": 2,  # of nothing
    "ReduceMin": 1,  # of nothing
    "Scan": 1,  # of operator set 8
    "Unique": 3,  # of numbers that are data
}
"""Cases that end in an error, by op."""

DATA_SIZED = {"NonMaxSuppression": 2}
"""Cases whose result has a size that data decide, and is taken as large as may be."""

OTHER_VALUES = {
    "ArgMax", "ArgMin", "Attention", "AveragePool", "BatchNormalization", "Bernoulli", "BitwiseNot",
    "Constant", "ConvInteger", "ConvTranspose", "DeformConv", "DequantizeLinear", "Dropout",
    "DynamicQuantizeLinear", "GRU", "HammingWindow", "ImageDecoder", "LSTM", "LpPool", "MatMulInteger",
    "MaxPool", "MaxUnpool", "MelWeightMatrix", "NonMaxSuppression", "OneHot", "OptionalHasElement",
    "QLinearConv", "QLinearMatMul", "QuantizeLinear", "RNN", "RandomUniformLike", "Resize",
    "ReverseSequence", "RoiAlign", "SoftmaxCrossEntropyLoss", "SpaceToDepth", "TensorScatter",
    "TfIdfVectorizer", "TopK", "Unique",
}  # fmt: skip
"""Ops whose replay stands for their cost alone in some variants: other gates' order, no numbers, ties."""


def test_every_op_of_the_standard_has_a_replay_or_a_definition() -> None:
    schemas = [each for each in defs.get_all_schemas() if each.domain == "" and not each.deprecated]
    missing = {
        each.name
        for each in schemas
        if filled().find(("", each.name)) is None
        and not each.has_function
        and not each.has_context_dependent_function
    }
    assert missing == NOT_KNOWN
    assert len(schemas) > 180


class Shapes(Program):
    """A program whose class remembers the shapes and types of its results: a trace runs a copy."""

    found: ClassVar[list[list[Any]]] = []

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        results = super().forward(*inputs)
        self.found.append([(tuple(each.shape), each.dtype) for each in results])
        return results


def plain(values: list[Any]) -> list[torch.Tensor] | None:
    """Tensors of torch, None where one is a sequence, of strings, or of a type beyond NumPy."""
    result = []
    for each in values:
        if isinstance(each, list) or each is None:
            return None
        array = np.asarray(each)
        if array.dtype.kind not in "biufc" or not array.dtype.isbuiltin:
            return None
        result.append(torch.from_numpy(array.copy()))
    return result


@pytest.fixture(scope="module")
def cases() -> list[Any]:
    """(name, op, model, inputs, results) of the cases that are plain."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        found = []
        for case in collect_testcases(None):
            given, expected = (plain(list(part)) for part in case.data_sets[0])
            node = next(iter(case.model.graph.node), None)
            if node is not None and node.domain == "" and given is not None and expected is not None:
                found.append((case.name, node.op_type, case.model, given, expected))
    return found


def program(model: onnx.ModelProto, path: Path) -> Shapes:
    path.write_bytes(model.SerializeToString())
    parser = Parser(model_of(str(path)), str(path))
    return Shapes(parser.graph(), parser.functions(), str(path), {}, {})


def without_values(tensor: torch.Tensor) -> torch.Tensor:
    """On meta, but for whole numbers and single ones, which shapes depend on."""
    return tensor.to("meta") if tensor.is_floating_point() and tensor.dim() > 1 else tensor


@pytest.mark.slow
def test_shapes_are_those_of_the_standard(cases: list[Any], tmp_path: Path) -> None:
    refused: Counter[str] = Counter()
    differing: Counter[str] = Counter()
    assumed: set[str] = set()
    matching = 0
    for name, op, model, given, expected in cases:
        made = program(model, tmp_path / f"{name}.onnx")
        try:
            traced = trace(made, *map(without_values, given))
        except HwcostError:
            refused[op] += 1
            continue
        assumed |= set(assumed_names(count(traced.items)))
        if Shapes.found.pop() == [(tuple(each.shape), each.dtype) for each in expected]:
            matching += 1
        else:
            differing[op] += 1
    assert refused == REFUSED
    assert differing == DATA_SIZED
    assert assumed <= ASSUMED
    assert matching > 1500


@pytest.mark.slow
def test_values_are_those_of_the_standard(cases: list[Any], tmp_path: Path) -> None:
    wrong: dict[str, list[str]] = defaultdict(list)
    right: Counter[str] = Counter()
    for name, op, model, given, expected in cases:
        if any(each.dtype in (torch.uint16, torch.uint32, torch.uint64) for each in given):
            continue  # torch adds no such numbers on the CPU
        try:
            results = program(model, tmp_path / f"{name}.onnx")(*given)
        except HwcostError:
            wrong[op].append(name)
            continue
        close = [
            torch.allclose(
                a.to(torch.complex128), b.to(torch.complex128), rtol=1e-3, atol=1e-3, equal_nan=True
            )
            for a, b in zip(results, expected, strict=True)
            if not a.is_meta and a.shape == b.shape
        ]
        if len(close) == len(expected) and all(close):
            right[op] += 1
        else:
            wrong[op].append(name)
    assert set(wrong) <= OTHER_VALUES | set(REFUSED), {
        op: names for op, names in wrong.items() if op not in OTHER_VALUES
    }
    assert sum(right.values()) > 1250
