"""Products: numbers by hand, torch's own counter, laws over random sizes."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import RuleError
from hwcost.graph import Work
from hwcost.rules.count import count

from .recording import flops_of, meta, op_of, tensor, work_by_hand, work_of

aten = torch.ops.aten
size = st.integers(1, 40)
HALF = torch.float16


def closed_form_macs(work: Work) -> int:
    return sum(product.batch * product.m * product.k * product.n for product in work.products)


def test_mm_by_hand() -> None:
    work = work_of(aten.mm.default, meta(4, 16, dtype=HALF), meta(16, 32, dtype=HALF))
    assert work.macs == 2048  # 4 * 16 * 32
    assert work.flops == 4096  # 2 * 2048
    assert work.read_bytes == 1152  # 2 bytes * (4 * 16 + 16 * 32)
    assert work.write_bytes == 256  # 2 bytes * 4 * 32
    assert work.op_class == "gemm"


def test_addmm_by_hand() -> None:
    bias, a, b = meta(32), meta(4, 16), meta(16, 32)
    work = work_of(aten.addmm.default, bias, a, b)
    assert (work.macs, work.vector_ops) == (2048, 128)  # 4 * 16 * 32; 4 * 32 sums
    assert work.read_bytes == 2432  # 4 bytes * (32 + 4 * 16 + 16 * 32)
    assert work_of(aten.addmm.default, bias, a, b, alpha=0.5).vector_ops == 256  # sum and scale
    assert work_of(aten.addmm.default, bias, a, b, beta=2, alpha=0.5).vector_ops == 384
    without = work_of(aten.addmm.default, bias, a, b, beta=0)
    assert (without.vector_ops, without.read_bytes) == (0, 2304)  # the addend is not read


@pytest.mark.parametrize(
    ("function", "shapes", "macs", "op_class"),
    [
        (aten.mv.default, [(5, 7), (7,)], 35, "gemv"),
        (aten.dot.default, [(7,), (7,)], 7, "gemv"),
        (aten.vdot.default, [(7,), (7,)], 7, "gemv"),
        (aten.mm.default, [(1, 7), (7, 9)], 63, "gemv"),
        (aten.mm.default, [(9, 7), (7, 1)], 63, "gemv"),
        (aten.bmm.default, [(8, 1, 7), (8, 7, 9)], 504, "gemv"),  # decoding: one row per matrix
        (aten.bmm.default, [(8, 2, 7), (8, 7, 9)], 1008, "gemm"),
        (aten.baddbmm.default, [(8, 2, 9), (8, 2, 7), (8, 7, 9)], 1008, "gemm"),
        (aten.addbmm.default, [(2, 9), (8, 2, 7), (8, 7, 9)], 1008, "gemm"),
        (aten.addmv.default, [(5,), (5, 7), (7,)], 35, "gemv"),
        (aten.addr.default, [(5, 7), (5,), (7,)], 35, "gemm"),
    ],
)
def test_kinds_of_products(function, shapes, macs, op_class) -> None:
    work = work_of(function, *(meta(*shape) for shape in shapes))
    assert (work.macs, work.op_class) == (macs, op_class)
    assert closed_form_macs(work) == macs
    assert not work.is_assumed


def test_linear_counts_rows_of_all_leading_dimensions() -> None:
    x, weight, bias, y = tensor("x", 2, 3, 16), tensor("w", 32, 16), tensor("b", 32), tensor("y", 2, 3, 32)
    work = work_by_hand("aten.linear", [x, weight, bias], [y])
    assert work.macs == 3072  # 2 * 3 * 16 * 32
    assert work.vector_ops == 192  # 2 * 3 * 32
    assert work.read_bytes == 2560  # 4 * (2 * 3 * 16 + 32 * 16 + 32)
    vector = work_by_hand("aten.linear", [tensor("x", 16), weight], [tensor("y", 32)], bias=None)
    assert (vector.op_class, vector.macs, vector.vector_ops) == ("gemv", 512, 0)


def test_broadcast_products_by_hand() -> None:
    work = work_by_hand("aten.matmul", [tensor("a", 5, 2, 3), tensor("b", 3, 4)], [tensor("c", 5, 2, 4)])
    assert (work.macs, work.products[0].m) == (120, 10)  # 5 * 2 * 3 * 4
    stacked = [tensor("a", 2, 3), tensor("b", 7, 3, 4)]
    work = work_by_hand("aten.matmul", stacked, [tensor("c", 7, 2, 4)])
    assert (work.macs, work.products[0].batch) == (168, 7)  # 7 * 2 * 3 * 4
    work = work_by_hand("aten.inner", [tensor("a", 2, 3), tensor("b", 5, 3)], [tensor("c", 2, 5)])
    assert work.macs == 30


def test_a_product_of_x_with_itself_reads_it_once() -> None:
    x = meta(8, 8)
    assert work_of(aten.mm.default, x, x).read_bytes == 256  # 4 * 64


def test_fused_activations() -> None:
    operands = meta(4), meta(3, 2), meta(2, 4)
    relu = work_of(aten._addmm_activation.default, *operands)
    assert (relu.macs, relu.vector_ops, relu.special_ops) == (24, 24, 0)  # 12 sums, 12 relu
    gelu = work_of(aten._addmm_activation.default, *operands, use_gelu=True)
    assert (gelu.vector_ops, gelu.special_ops) == (108, 12)  # 12 + 8 * 12; 12 tanh


def test_eight_and_four_bit_products() -> None:
    int8 = torch.int8
    assert work_of(aten._int_mm.default, meta(32, 16, dtype=int8), meta(16, 8, dtype=int8)).macs == 4096
    eight = torch.float8_e4m3fn
    a, b = meta(32, 16, dtype=eight), meta(32, 16, dtype=eight).t()
    scaled = work_of(aten._scaled_mm.default, a, b, meta(), meta(), out_dtype=torch.bfloat16)
    assert (scaled.macs, scaled.vector_ops) == (16384, 2048)  # 32 * 16 * 32; two scales each
    assert scaled.read_bytes == 1032  # 32 * 16 + 16 * 32 + 2 * 4
    assert scaled.macs * 2 == flops_of(
        aten._scaled_mm.default, a, b, meta(), meta(), out_dtype=torch.bfloat16
    )


def test_a_packed_weight_is_read_as_it_lies_in_memory() -> None:
    x, weight = tensor("x", 2, 128, dtype="bfloat16"), tensor("w", 8, 2, 32, 4, dtype="int32")
    scales, y = tensor("s", 4, 64, 2, dtype="bfloat16"), tensor("y", 2, 64, dtype="bfloat16")
    work = work_by_hand("aten._weight_int4pack_mm", [x, weight, scales], [y], qGroupSize=32)
    assert work.macs == 16384  # 2 * 128 * 64
    assert work.read_bytes == 9728  # 2 * 2 * 128 + 4 * 8 * 2 * 32 * 4 + 2 * 4 * 64 * 2
    assert work.vector_ops == 8192  # each of 128 * 64 weights is scaled once


@pytest.mark.parametrize(
    ("a", "b", "has_offsets", "macs"),
    [
        ((40, 16), (4, 16, 8), True, 5120),  # 40 * 16 * 8: each row meets one of 4 experts
        ((42, 16), (4, 16, 8), True, 5376),  # 42 * 16 * 8, rows do not divide evenly
        ((4, 16, 8), (8, 48), True, 6144),  # 16 * 8 * 48
        ((16, 48), (48, 8), True, 6144),  # 16 * 48 * 8
        ((4, 16, 8), (4, 8, 24), False, 12288),  # 4 * 16 * 8 * 24
    ],
)
def test_products_by_expert(a, b, has_offsets, macs) -> None:
    offsets = meta(4, dtype=torch.int32) if has_offsets else None
    half = torch.bfloat16
    work = work_of(aten._grouped_mm.default, meta(*a, dtype=half), meta(*b, dtype=half), offsets)
    assert work.macs == macs == closed_form_macs(work)


def test_no_more_experts_are_read_than_there_are_rows() -> None:
    half = torch.bfloat16
    a, b = meta(2, 16, dtype=half), meta(64, 16, 8, dtype=half)
    work = work_of(aten._grouped_mm.default, a, b, meta(64, dtype=torch.int32))
    assert work.macs == 256  # 2 * 16 * 8
    assert work.read_bytes == 832  # 2 * 2 * 16 + 2 * 2 * 16 * 8 for 2 experts + 4 * 64 offsets


def test_bilinear_by_hand() -> None:
    x, weight, z = meta(3, 4), meta(5, 4, 6), meta(3, 6)
    op = op_of(torch.nn.functional.bilinear, x, z, weight)
    assert op.name == "aten._trilinear"
    (work,) = count((op,))
    assert work.macs == 450  # 3*5*4*6 + 3*5*6


def test_distances_by_hand() -> None:
    x, y = meta(2, 3, 5), meta(2, 4, 5)
    product = work_of(aten._euclidean_dist.default, x, y)
    assert product.macs == 168  # 2 * 3 * 4 * (5 + 2)
    assert product.special_ops == 24  # a root for each of 2 * 3 * 4 pairs
    direct = work_of(aten._cdist_forward.default, x, y, 2.0, None)
    assert (direct.vector_ops, direct.special_ops) == (360, 24)  # 3 * 2*3*4*5; a root per pair
    manhattan = work_of(aten._cdist_forward.default, x, y, 1.0, None)
    assert (manhattan.vector_ops, manhattan.special_ops) == (360, 0)


def test_wrong_shapes_are_an_error_in_words() -> None:
    good = op_of(aten.mm.default, meta(4, 16), meta(16, 32))
    bad = replace(good, inputs=(good.inputs[0], good.inputs[0]), module="encoder.linear")
    with pytest.raises(RuleError, match=r"aten.mm in encoder.linear: A has 16 columns, B has 4 rows"):
        count((bad,))


@given(b=size, m=size, k=size, n=size)
def test_agrees_with_torchs_counter(b: int, m: int, k: int, n: int) -> None:
    for function, operands in (
        (aten.mm.default, (meta(m, k), meta(k, n))),
        (aten.addmm.default, (meta(n), meta(m, k), meta(k, n))),
        (aten.bmm.default, (meta(b, m, k), meta(b, k, n))),
        (aten.baddbmm.default, (meta(b, m, n), meta(b, m, k), meta(b, k, n))),
    ):
        assert 2 * work_of(function, *operands).macs == flops_of(function, *operands)


@given(m=size, k=size, n=size, times=st.integers(2, 5))
def test_a_larger_batch_does_more_with_the_same_weights(m: int, k: int, n: int, times: int) -> None:
    one = work_of(aten.mm.default, meta(m, k), meta(k, n))
    more = work_of(aten.mm.default, meta(times * m, k), meta(k, n))
    assert more.macs == times * one.macs
    assert more.reads[1].bytes == one.reads[1].bytes == 4 * k * n
    assert more.write_bytes == times * one.write_bytes
