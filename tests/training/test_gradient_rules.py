"""Rules of gradients by hand."""

from __future__ import annotations

import pytest
import torch

from hwcost.graph import Work, leaves
from hwcost.rules.count import count
from tests.rules.recording import flops_of, meta, op_of, tensor, work_by_hand, work_of

aten = torch.ops.aten


def convolution_backward(
    gradient: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor,
    *,
    transposed: bool = False,
    groups: int = 1,
    mask: tuple[bool, bool, bool] = (True, True, True),
) -> Work:
    return work_of(
        aten.convolution_backward.default,
        gradient,
        x,
        weight,
        [gradient.shape[1]],
        [1, 1],
        [0, 0],
        [1, 1],
        transposed,
        [0, 0],
        groups,
        list(mask),
    )


def test_gradients_of_a_convolution_are_two_products() -> None:
    """x[2,3,6,6] with w[4,3,3,3] gives y[2,4,4,4]."""
    work = convolution_backward(meta(2, 4, 4, 4), meta(2, 3, 6, 6), meta(4, 3, 3, 3))
    forward = 2 * 4 * 4 * 4 * 3 * 3 * 3
    assert work.macs == 2 * forward
    assert work.vector_ops == 2 * 4 * 4 * 4  # summed for the bias
    assert work.op_class == "conv"
    dx, dw = work.products
    assert (dx.m, dx.k, dx.n) == (2 * 16, 4, 27)
    assert (dw.m, dw.k, dw.n, dw.input_reuse) == (27, 2 * 16, 4, 9.0)
    assert sum(p.batch * p.m * p.k * p.n for p in work.products) == work.macs
    assert work.read_bytes == 4 * (2 * 4 * 16 + 2 * 3 * 36 + 4 * 27)
    assert work.write_bytes == 4 * (2 * 3 * 36)  # of the weight and the bias where something reads them


def test_gradients_of_a_transposed_convolution() -> None:
    """x[2,4,4,4] with w[4,3,3,3] gives y[2,3,6,6]: x and y trade places."""
    work = convolution_backward(meta(2, 3, 6, 6), meta(2, 4, 4, 4), meta(4, 3, 3, 3), transposed=True)
    assert work.macs == 2 * (2 * 4 * 16 * 27)
    dx, dw = work.products
    assert (dx.m, dx.k, dx.n, dx.input_reuse) == (2 * 16, 27, 4, 9.0)
    assert (dw.m, dw.k, dw.n) == (27, 2 * 16, 4)


def test_gradients_of_a_depthwise_convolution_have_no_product() -> None:
    work = convolution_backward(meta(2, 4, 4, 4), meta(2, 4, 6, 6), meta(4, 1, 3, 3), groups=4)
    assert (work.op_class, work.products, work.macs) == ("depthwise", (), 2 * (2 * 4 * 16 * 9))


@pytest.mark.parametrize("mask", [(True, False, False), (False, True, False), (False, False, True)])
def test_what_is_not_asked_for_is_not_counted(mask: tuple[bool, bool, bool]) -> None:
    work = convolution_backward(meta(2, 4, 4, 4), meta(2, 3, 6, 6), meta(4, 3, 3, 3), mask=mask)
    assert work.macs == (2 * 4 * 16 * 27) * (mask[0] + mask[1])
    assert bool(work.vector_ops) == mask[2]


def test_attention_has_five_products_backward() -> None:
    q, k, v = (tensor(name, 2, 4, 6, 8) for name in "qkv")
    y, logsumexp = tensor("y", 2, 4, 6, 8), tensor("l", 2, 4, 6)
    made = [tensor(f"d{name}", 2, 4, 6, 8) for name in "qkv"]
    name = "torch.scaled_dot_product_attention_backward"
    work = work_by_hand(name, [tensor("g", 2, 4, 6, 8), q, k, v, y, logsumexp], made, dropout_p=0.0)
    scores = 2 * 4 * 6 * 6
    assert (work.macs, work.vector_ops, work.special_ops) == (5 * 8 * scores, 6 * scores, scores)
    assert work.read_bytes == 4 * (5 * 2 * 4 * 6 * 8 + 2 * 4 * 6)
    dropped = work_by_hand(name, [tensor("g", 2, 4, 6, 8), q, k, v, y, logsumexp], made, dropout_p=0.1)
    assert (dropped.vector_ops, dropped.special_ops) == (8 * scores, 2 * scores)


def test_attention_agrees_with_torch() -> None:
    q, g = meta(2, 4, 6, 8), meta(2, 4, 6, 8)
    arguments = (g, q, q, q, None, q, meta(2, 4, 6), meta(1), meta(1), 0.0, [True, True, True, False])
    call = aten._scaled_dot_product_efficient_attention_backward.default
    assert 2 * work_of(call, *arguments).macs == flops_of(call, *arguments)


def test_grouped_products_backward() -> None:
    """8 rows to 2 experts of 3 x 5: dA[8,3] = g[8,5] B', dB[2,3,5] = A' g."""
    inputs = [tensor("g", 8, 5), tensor("a", 8, 3), tensor("b", 2, 3, 5), tensor("o", 2, dtype="int32")]
    from hwcost.graph import Op

    op = Op(
        name="torch.grouped_mm_backward",
        inputs=tuple(inputs),
        outputs=(tensor("da", 8, 3), tensor("db", 2, 3, 5)),
        attributes={"bias": None, "needs": (True, True, False)},
    )
    works = [work for work, _ in leaves(count((op,)))]
    assert [work.op.name for work in works] == ["aten._grouped_mm"] * 2
    assert [work.macs for work in works] == [8 * 3 * 5] * 2


def test_weight_norm_backward() -> None:
    """5 ops per element of v[4,6], 2 divisions per row."""
    op = aten._weight_norm_interface_backward.default
    work = work_of(op, meta(4, 6), meta(4, 6), meta(4, 1), meta(4, 1), 0)
    assert (work.vector_ops, work.special_ops) == (5 * 24, 2 * 4)


def test_grid_sample_backward() -> None:
    """Bilinear: 4 neighbours, for x and for the grid, a product and a sum each; 8 per coordinate."""
    op = aten.grid_sampler_2d_backward.default
    work = work_of(op, meta(2, 3, 4, 4), meta(2, 3, 8, 8), meta(2, 4, 4, 2), 0, 0, False, [True, True])
    assert work.vector_ops == 2 * 3 * 16 * (2 * 4 + 2 * 4) + 8 * 2 * 16 * 2


def test_cdist_backward() -> None:
    """5 x 6 pairs of width 3, p = 1: four per pair and dimension, one division per pair."""
    work = work_of(aten._cdist_backward.default, meta(5, 6), meta(5, 3), meta(6, 3), 1.0, meta(5, 6))
    assert (work.vector_ops, work.special_ops) == (4 * 5 * 6 * 3, 5 * 6)


def test_embedding_bag_backward() -> None:
    """7 rows of width 4 were looked up."""
    inputs = [tensor("g", 3, 4), tensor("i", 7, dtype="int64"), tensor("o", 7, dtype="int64")]
    work = work_by_hand("aten._embedding_bag_dense_backward", inputs, [tensor("w", 10, 4)])
    assert (work.vector_ops, work.write_bytes) == (7 * 4, 4 * 40)
    given = [tensor("g", 3, 4), tensor("w", 10, 4), tensor("i", 7, dtype="int64")]
    work = work_by_hand("aten._embedding_bag_per_sample_weights_backward", given, [tensor("s", 7)])
    assert work.vector_ops == 2 * 7 * 4
    assert work.read_bytes == 4 * 12 + 4 * 28 + 8 * 7  # 7 of 10 rows


def test_convolution_time_first_backward() -> None:
    """y[5,2,4] of x[7,2,3] and w[3,3,4]."""
    made = [tensor("dx", 7, 2, 3), tensor("dw", 3, 3, 4), tensor("db", 4)]
    given = [tensor("g", 5, 2, 4), tensor("x", 7, 2, 3), tensor("w", 3, 3, 4), tensor("b", 4)]
    work = work_by_hand("aten.conv_tbc_backward", given, made, pad=0)
    assert work.macs == 2 * (5 * 2 * 4 * 3 * 3)
    assert sum(p.m * p.k * p.n for p in work.products) == work.macs


def test_ctc_backward() -> None:
    """10 steps, 2 samples, 5 symbols; a table of 10 x 7 cells per sample."""
    given = [tensor("g", 2), tensor("p", 10, 2, 5), tensor("t", 2, 3), tensor("n", 2), tensor("a", 2, 10, 7)]
    work = work_by_hand("aten._ctc_loss_backward", given, [tensor("dp", 10, 2, 5)])
    assert (work.vector_ops, work.special_ops) == (9 * 140 + 2 * 100, 5 * 140 + 100)


def test_margin_losses() -> None:
    x, labels, several = tensor("x", 3, 4), tensor("t", 3, dtype="int64"), tensor("t", 3, 4, dtype="int64")
    assert work_by_hand("aten.multi_margin_loss", [x, labels], [tensor("l")]).vector_ops == 4 * 12
    assert (
        work_by_hand("aten.multilabel_margin_loss_forward", [x, several], [tensor("l")]).vector_ops == 4 * 48
    )
    given = [tensor("g"), x, labels]
    assert work_by_hand("aten.multi_margin_loss_backward", given, [tensor("dx", 3, 4)]).vector_ops == 5 * 12


def test_fake_quantisation_backward() -> None:
    given = [tensor("g", 3, 4), tensor("m", 3, 4, dtype="bool")]
    name = "aten.fake_quantize_per_tensor_affine_cachemask_backward"
    work = work_by_hand(name, given, [tensor("dx", 3, 4)])
    assert (work.vector_ops, work.read_bytes) == (12, 4 * 12 + 12)


def test_segments_and_fractional_pools_backward() -> None:
    given = [tensor("g", 2, 4), tensor("y", 2, 4), tensor("x", 6, 4), tensor("l", 2, dtype="int64")]
    assert work_by_hand("aten._segment_reduce_backward", given, [tensor("dx", 6, 4)]).vector_ops == 2 * 24
    given = [tensor("g", 1, 3, 2, 2), tensor("x", 1, 3, 5, 5), tensor("i", 1, 3, 2, 2, dtype="int64")]
    work = work_by_hand("aten.fractional_max_pool2d_backward", given, [tensor("dx", 1, 3, 5, 5)])
    assert (work.vector_ops, work.read_bytes) == (12, 4 * 12 + 8 * 12)


def test_bilinear_as_two_products() -> None:
    """x[2,3] w[5,3,4] z[2,4]: x w is [2] x 3 x [5*4], then with z 2 products of [5] x 4 x [1]."""
    op = op_of(aten._trilinear.default, meta(2, 3), meta(5, 3, 4), meta(2, 4), [1, 3], [0], [1, 2], [2, 3])
    (work,) = [work for work, _ in leaves(count((op,)))]
    first, second = work.products
    assert (first.batch, first.m, first.k, first.n) == (1, 2, 3, 20)
    assert (second.batch, second.m, second.k, second.n) == (2, 5, 4, 1)
