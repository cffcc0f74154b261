"""Sizes that an ONNX file leaves open: what they are taken as, how they are set, what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto

import hwcost
from hwcost.errors import HwcostError, UsageError
from hwcost.sources.onnx_model.sizes import names_in, part_of, size_of
from tests.sources.onnx_models import macs, model, node, saved, tensor, traced

INT64 = TensorProto.INT64


def product(*shape: int | str | None):
    return model([node("MatMul", "x w", "y")], {"x": list(shape)}, weights=[tensor("w", 4, 5)])


def test_batch_and_length_by_their_names(tmp_path: Path) -> None:
    made = product("batch_size", "sequence_length", 4)
    trace = traced(made, tmp_path, batch=3, seq_len=7)
    assert macs(trace) == 3 * 7 * 20
    assert (trace.batch, trace.seq_len) == (3, 7)
    assert trace.assumptions == (
        "sizes that the file leaves open were taken as batch_size = 3 (a batch),"
        " sequence_length = 7 (a length of the sequence)",
    )


def test_defaults(tmp_path: Path) -> None:
    assert macs(traced(product("N", "T", 4), tmp_path)) == 128 * 20
    image = model([node("Relu", "x", "y")], {"x": ["N", 3, "height", "width"]})
    assert traced(image, tmp_path).items[0].inputs[0].shape == (1, 3, 224, 224)


def test_sizes_without_a_name_go_by_their_place(tmp_path: Path) -> None:
    trace = traced(product(None, None, 4), tmp_path, batch=2, seq_len=3, settings={})
    assert macs(trace) == 2 * 3 * 20
    assert "x_0 = 2 (a batch), x_1 = 3" in trace.assumptions[0]
    assert macs(traced(product(None, None, 4), tmp_path, settings={"x_1": "9"})) == 9 * 20


def test_set_by_name_wins(tmp_path: Path) -> None:
    assert macs(traced(product("batch", "time", 4), tmp_path, batch=2, settings={"time": 11})) == 2 * 11 * 20


def test_formulas_of_sizes(tmp_path: Path) -> None:
    """A cache: keys of before are none, so that the mask is as long as the input."""
    made = model(
        [node("MatMul", "x w", "y"), node("Identity", "mask", "m")],
        {
            "x": ["batch", "sequence_length", 4],
            "past": ["batch", 2, "past_sequence_length", 4],
            "mask": (["batch", "past_sequence_length + sequence_length"], INT64),
        },
        "y m",
        [tensor("w", 4, 5)],
    )
    loaded = hwcost.load.load_subject(saved(made, tmp_path), seq_len=6, settings={"past_sequence_length": 10})
    assert [tuple(each.shape) for each in loaded.inputs] == [(1, 6, 4), (1, 2, 10, 4), (1, 16)]
    loaded = hwcost.load.load_subject(saved(made, tmp_path), seq_len=6)
    assert [tuple(each.shape) for each in loaded.inputs] == [(1, 6, 4), (1, 2, 0, 4), (1, 6)]


def test_shape_of_an_input_without_one(tmp_path: Path) -> None:
    made = model([node("MatMul", "x w", "y")], {"x": None}, weights=[tensor("w", 4, 5)])
    with pytest.raises(
        HwcostError, match=r"does not say what shape input 'x' has; write --set x=1x3x224x224"
    ):
        traced(made, tmp_path)
    assert macs(traced(made, tmp_path, settings={"x": "2x3x4"})) == 2 * 3 * 20
    assert macs(traced(made, tmp_path, settings={"x": "[6, 4]"})) == 6 * 20


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((2, 3, 4), {"seq_len": 5}, "leaves no size open that is a length of the sequence: it takes x 2x3x4"),
        ((2, 3, 4), {"batch": 5}, "leaves no size open that is a batch"),
        (("batch", 3, 4), {"settings": {"bach": 2}}, "has no size 'bach' to set; it has batch, x"),
        (("batch", 3, 4), {"settings": {"x": "many"}}, "'many' is neither a size nor a shape"),
        (("batch", 3, 4), {"settings": {"x": -2}}, "'-2' is neither a size nor a shape"),
        (("batch", 3, 4), {"settings": {"x": 2**50}}, "is neither a size nor a shape"),
    ],
)
def test_settings_that_do_not_fit(tmp_path: Path, shape: tuple, options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("[", r"\[")) as raised:
        traced(product(*shape), tmp_path, **options)
    assert "\n" not in str(raised.value)


def test_size_of_which_nothing_is_known(tmp_path: Path) -> None:
    with pytest.raises(HwcostError, match=r"leaves the size 'speakers' open; set it with --set speakers=N"):
        traced(product("batch", "speakers", 4), tmp_path)


def test_sizes_that_overflow(tmp_path: Path) -> None:
    with pytest.raises(HwcostError, match="too large"):
        traced(product("batch_N", "time", 4), tmp_path, settings={"batch_N": 2**40, "time": 2**40})


@pytest.mark.parametrize(
    ("name", "axis", "rank", "part"),
    [
        ("batch", 0, 2, "batch"),
        ("N", 0, 4, "batch"),
        ("decoder_sequence_length", 1, 2, "sequence"),
        ("past_sequence_length", 2, 4, "past"),
        ("num_frames", 1, 3, "sequence"),
        ("height", 2, 4, "side"),
        ("s77", 0, 3, "batch"),
        ("s3", 1, 3, "sequence"),
        ("s5", 3, 4, "side"),
        ("channels", 1, 4, None),
        ("voices", 1, 3, None),
    ],
)
def test_what_a_size_is(name: str, axis: int, rank: int, part: str | None) -> None:
    assert part_of(name, axis, rank) == part


@pytest.mark.parametrize(
    ("dim", "expected"),
    [
        (7, 7),
        ("a", 3),
        ("a + b", 8),
        ("2*a - 1", 5),
        ("a*b + a", 18),
        ("c", None),
        ("a + c", None),
        ("a - b", None),
    ],
)
def test_formula(dim: int | str, expected: int | None) -> None:
    assert size_of(dim, {"a": 3, "b": 5}) == expected


def test_names_in_a_formula() -> None:
    assert names_in("past_length + 2*new") == ["past_length", "new"]
    assert names_in("a-name that/is none") == ["a-name that/is none"]
