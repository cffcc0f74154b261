"""Numbers and names as a reader sees them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.render.words import (
    bound_label,
    count,
    dtype_label,
    layer_label,
    level_label,
    listed,
    percent,
    plain,
    quantity,
    ratio,
    shortened,
    shortened_label,
    shortened_path,
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (quantity(2.7e9, "B/s"), "2.7 GB/s"),
        (quantity(None, "J"), "-"),
        (quantity(4.2e9, lower_bound=True), "≥ 4.2 G"),
        (plain(0.98126), "0.981"),
        (plain(57.25), "57.2"),
        (plain(998.9), "999"),
        (plain(1234.0), "1.23 k"),
        (plain(None), "-"),
        (count(999_999), "999,999"),
        (count(1_500_000), "1.5 M"),
        (percent(0.954), "95 %"),
        (percent(0.004), "<1 %"),
        (percent(0.0), "0 %"),
        (ratio(0.646), "0.65x"),
        (ratio(1.02), "1.0x"),
        (ratio(6.11), "6.1x"),
        (ratio(9.96), "10x"),
        (ratio(1634.0), "1,630x"),
        (level_label("dram"), "DRAM"),
        (level_label("l2"), "L2"),
        (level_label("hbm2e"), "HBM2E"),
        (level_label("sram"), "SRAM"),
        (level_label("host"), "host"),
        (level_label("flash"), "flash"),
        (level_label("weight_memory"), "weight memory"),
        (bound_label("compute"), "compute"),
        (bound_label("hbm"), "HBM"),
        (dtype_label("float8_e4m3fn"), "fp8"),
        (dtype_label("bfloat16"), "bf16"),
        (dtype_label("tfloat32"), "tf32"),
        (dtype_label("int8"), "int8"),
        (layer_label("encoder.0", "aten._softmax"), "encoder.0 softmax"),
        (layer_label("", "torch.lstm.step l0"), "lstm.step l0"),
        (listed(("a", "b", "c")), "a, b and c"),
        (listed(("a",)), "a"),
        (listed(()), ""),
        (listed(("a", "b", "c"), most=2), "a, b and 1 more"),
    ],
)
def test_words(said: str, meant: str) -> None:
    assert said == meant


def test_of_a_long_path_the_number_and_the_end_stay() -> None:
    path = "encoder.layers.10.self_attention.out_projection"
    assert shortened_path(path, 47) == path
    assert shortened_path(path, 42) == "encoder…10.self_attention.out_projection"
    assert shortened_path(path, 36) == "…10.self_attention.out_projection"
    assert shortened_path(path, 20) == "…out_projection"
    assert shortened_path(path, 9) == "enco…tion"


def test_of_a_long_label_the_op_stays() -> None:
    label = "network.blocks.0.convolution1 convolution"
    assert shortened_label(label, 34) == "network…0.convolution1 convolution"
    label = "0.attention scaled_dot_product_attention"
    assert shortened_label(label, 33) == "0.attention scaled_dot…_attention"


@given(st.text(alphabet="ab.1 _", max_size=60), st.integers(1, 40))
def test_what_is_shortened_fits(text: str, width: int) -> None:
    assert len(shortened(text, width)) <= width
    assert len(shortened_path(text, width)) <= width
    assert shortened(text, 60) == text
