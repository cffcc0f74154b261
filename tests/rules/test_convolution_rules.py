"""Convolutions: numbers by hand, torch's own counter over all variants, laws."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from .recording import flops_of, meta, op_of, tensor, work_by_hand, work_of

aten = torch.ops.aten
small = st.integers(1, 4)


def convolve(x, weight, bias=None, stride=1, padding=0, dilation=1, transposed=False, groups=1):
    d = x.dim() - 2
    return (
        aten.convolution.default,
        *(x, weight, bias, [stride] * d, [padding] * d, [dilation] * d, transposed, [0] * d, groups),
    )


def test_two_dimensions_by_hand() -> None:
    work = work_of(*convolve(meta(2, 3, 8, 8), meta(16, 3, 3, 3), meta(16), padding=1))
    assert work.op_class == "conv"
    assert work.macs == 55296  # 2 * 16 * 8*8 * 3 * 3*3
    assert work.vector_ops == 2048  # 2 * 16 * 8*8 for the bias
    assert work.read_bytes == 3328  # 4 * (2*3*8*8 + 16*3*3*3 + 16)
    assert work.write_bytes == 8192  # 4 * 2*16*8*8
    (product,) = work.products
    assert (product.batch, product.m, product.k, product.n) == (1, 128, 27, 16)
    assert product.input_reuse == 9  # 3 * 3 / (1 * 1)
    assert product.halo_elements == 72  # 3 rows * 8 columns * 3 channels


def test_alexnets_third_layer() -> None:
    """The layer of "Computation and memory bandwidth in deep neural networks" (Culurciello 2017)."""
    half = torch.float16
    work = work_of(*convolve(meta(1, 192, 13, 13, dtype=half), meta(192, 192, 3, 3, dtype=half), padding=1))
    assert work.macs == 56070144  # 13*13 * 192 * 192 * 9
    assert work.reads[1].bytes == 663552  # 2 * 331776: 0.66 MB, not the 4 MB of the text


def test_stride_divides_the_reuse_of_the_input() -> None:
    (product,) = work_of(*convolve(meta(1, 8, 9, 9), meta(4, 8, 3, 3), stride=2)).products
    assert product.input_reuse == 2.25  # 3 * 3 / (2 * 2)
    (product,) = work_of(*convolve(meta(1, 8, 9, 9), meta(4, 8, 1, 1), stride=2)).products
    assert product.input_reuse == 1  # 1 / 4, but an input is never larger than A


def test_groups_and_dilation_by_hand() -> None:
    work = work_of(*convolve(meta(1, 8, 10), meta(12, 2, 3), groups=4, dilation=2))
    assert work.macs == 432  # 6 places * 12 * 2 * 3
    (product,) = work.products
    assert (product.batch, product.m, product.k, product.n) == (4, 6, 6, 3)
    assert product.halo_elements == 10  # a window of 2 * (3 - 1) + 1 steps of 2 channels


def test_depthwise_has_no_product() -> None:
    work = work_of(*convolve(meta(1, 8, 6, 6), meta(16, 1, 3, 3), groups=8))
    assert (work.op_class, work.products) == ("depthwise", ())
    assert work.macs == 2304  # 4*4 * 16 * 1 * 9
    assert work_of(*convolve(meta(1, 1, 6, 6), meta(16, 1, 3, 3))).op_class == "conv"


def test_transposed_by_hand() -> None:
    work = work_of(*convolve(meta(2, 6, 5), meta(6, 4, 3), meta(8), stride=2, transposed=True, groups=2))
    assert work.macs == 720  # 2 * 6 channels * 5 places * 4 * 3
    assert work.vector_ops == 176  # 2 * 8 * 11 for the bias
    (product,) = work.products
    assert (product.batch, product.m, product.k, product.n) == (2, 10, 3, 12)


def test_unbatched_and_library_forms_agree_with_the_plain_one() -> None:
    x, weight, bias = meta(3, 4, 9, 9), meta(8, 4, 3, 3), meta(8)
    plain = work_of(*convolve(x, weight, bias))
    library = work_by_hand(
        "aten.mkldnn_convolution",
        [tensor("x", 3, 4, 9, 9), tensor("w", 8, 4, 3, 3), tensor("b", 8)],
        [tensor("y", 3, 8, 7, 7)],
        padding=(0, 0),
        stride=(1, 1),
        dilation=(1, 1),
        groups=1,
    )
    assert (library.macs, library.vector_ops) == (plain.macs, plain.vector_ops)
    assert library.products[0].input_reuse == 9
    cudnn = work_by_hand(
        "aten.cudnn_convolution",
        [tensor("x", 3, 4, 9, 9), tensor("w", 8, 4, 3, 3)],
        [tensor("y", 3, 8, 7, 7)],
        stride=(1, 1),
    )
    assert (cudnn.macs, cudnn.vector_ops) == (plain.macs, 0)
    one = {"stride": (1,), "padding": (0,), "dilation": (1,), "groups": 1, "bias": None}
    unbatched = work_by_hand(
        "aten.conv1d", [tensor("x", 4, 9), tensor("w", 8, 4, 3)], [tensor("y", 8, 7)], **one
    )
    assert unbatched.macs == 672  # 8 * 7 * 4 * 3
    assert unbatched.products[0].m == 7


def test_time_first_form() -> None:
    work = work_of(aten.conv_tbc.default, meta(10, 2, 4), meta(3, 4, 6), meta(6), 0)
    assert (work.macs, work.vector_ops) == (1152, 96)  # 8 * 2 * 6 * 3 * 4; 8 * 2 * 6


@settings(max_examples=60)
@given(
    batch=small,
    groups=st.integers(1, 3),
    channels=small,
    out_channels=small,
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    dims=st.integers(1, 3),
    transposed=st.booleans(),
)
def test_agrees_with_torchs_counter(
    batch, groups, channels, out_channels, kernel, stride, padding, dilation, dims, transposed
) -> None:
    x = meta(batch, groups * channels, *([7] * dims))
    rows, columns = (groups * channels, out_channels) if transposed else (groups * out_channels, channels)
    weight = meta(rows, columns, *([kernel] * dims))
    call = convolve(x, weight, None, stride, min(padding, kernel - 1), dilation, transposed, groups)
    work = work_of(*call)
    assert 2 * work.macs == flops_of(*call)
    for product in work.products:
        assert product.batch * product.m * product.k * product.n == work.macs
        assert 1 <= product.input_reuse <= product.k
    twice = work_of(call[0], meta(2 * batch, *x.shape[1:]), *call[2:])
    assert twice.macs == 2 * work.macs
    assert twice.reads[1].bytes == work.reads[1].bytes


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("mask", [[True, True, True], [False, True, False], [True, False, False]])
def test_gradients_agree_with_torchs_counter(transposed, mask) -> None:
    x, weight = meta(2, 4, 9, 9), meta(4, 4, 3, 3)
    y = convolve(x, weight, transposed=transposed)[0](*convolve(x, weight, transposed=transposed)[1:])
    call = (
        aten.convolution_backward.default,
        *(y, x, weight, [4], [1, 1], [0, 0], [1, 1], transposed, [0, 0], 1, mask),
    )
    assert 2 * work_of(*call).macs == flops_of(*call) > 0


def test_recorded_name() -> None:
    assert op_of(torch.nn.functional.conv1d, meta(1, 2, 8), meta(3, 2, 3)).name == "aten.convolution"
