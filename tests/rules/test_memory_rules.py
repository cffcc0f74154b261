"""Ops that move data: what they read, and what they write."""

import pytest
import torch

from hwcost.graph import leaves
from hwcost.rules.count import count

from .recording import meta, op_of, recorded, tensor, work_by_hand, work_of

aten = torch.ops.aten
LONG = torch.int64


def bytes_of(work) -> tuple[int, int]:
    return work.read_bytes, work.write_bytes


def test_an_embedding_reads_the_rows_that_it_looks_up() -> None:
    work = work_of(aten.embedding.default, meta(50000, 64), meta(2, 10, dtype=LONG))
    assert work.op_class == "gather"
    assert work.flops == 0
    assert bytes_of(work) == (5280, 5120)  # 4 * 20 * 64 + 8 * 20; 4 * 20 * 64
    assert work.reads[0].storage.elements == 3200000


def test_an_embedding_reads_no_more_than_its_table() -> None:
    work = work_of(aten.embedding.default, meta(7, 64), meta(1000, dtype=LONG))
    assert work.reads[0].bytes == 1792  # 4 * 7 * 64


def test_bags_of_rows() -> None:
    work = work_by_hand(
        "aten._embedding_bag",
        [tensor("w", 1000, 16), tensor("i", 30, dtype="int64"), tensor("o", 5, dtype="int64")],
        [tensor("y", 5, 16)],
        mode=1,
        per_sample_weights=None,
    )
    assert (work.vector_ops, work.special_ops) == (480, 80)  # 30 * 16; 5 * 16 divisions by the count
    assert work.read_bytes == 2200  # 4 * 480 + 8 * 35


@pytest.mark.parametrize(
    ("call", "read", "written"),
    [
        ((aten.index_select.default, meta(100, 8), 0, meta(5, dtype=LONG)), 200, 160),  # 4*40 + 8*5
        ((aten.gather.default, meta(100, 8), 0, meta(2, 8, dtype=LONG)), 192, 64),
        ((aten.take.default, meta(100), meta(3, dtype=LONG)), 36, 12),
        ((aten.index.Tensor, meta(100, 8), [meta(5, dtype=LONG)]), 200, 160),
        ((aten.cat.default, [meta(3, 4), meta(2, 4)]), 80, 80),
        ((aten.clone.default, meta(10)), 40, 40),
        ((aten._to_copy.default, meta(10)), 40, 40),
        ((aten.constant_pad_nd.default, meta(10), [1, 1]), 40, 48),
        ((aten.repeat.default, meta(10), [3]), 40, 120),
        ((aten.roll.default, meta(10), [1]), 40, 40),
        ((aten.tril.default, meta(4, 4)), 64, 64),
        ((aten.stack.default, [meta(10), meta(10)]), 80, 80),
        ((aten.slice_scatter.default, meta(10), meta(2), 0, 0, 2), 48, 40),
        ((aten.copy_.default, meta(10), meta(10)), 40, 40),  # the old values are not read
        ((aten.zero_.default, meta(10)), 0, 40),
        ((aten.fill_.Scalar, meta(10), 1.0), 0, 40),
        ((aten.zeros.default, [10]), 0, 40),
        ((aten.full_like.default, meta(10), 2.0), 0, 40),
        ((aten.empty.memory_format, [10]), 0, 0),
        ((aten.empty_like.default, meta(10)), 0, 0),
        ((aten.scatter.src, meta(10), 0, meta(3, dtype=LONG), meta(3)), 76, 40),  # 40 + 24 + 12
        ((aten.scatter_.src, meta(10), 0, meta(3, dtype=LONG), meta(3)), 36, 12),
        ((aten.index_copy_.default, meta(100, 8), 0, meta(1, dtype=LONG), meta(1, 8)), 40, 32),
        ((aten.index_put_.default, meta(100), [meta(3, dtype=LONG)], meta(3)), 36, 12),
        ((aten.index_put_.default, meta(100), [meta(3, dtype=LONG)], meta(3), True), 48, 12),
        ((aten.index_fill_.int_Scalar, meta(100, 8), 0, meta(2, dtype=LONG), 1.0), 16, 64),
        ((aten.masked_fill.Scalar, meta(10), meta(10, dtype=torch.bool), 0.0), 50, 40),
    ],
    ids=lambda value: value[0].__name__ if isinstance(value, tuple) else None,
)
def test_bytes_by_hand(call, read, written) -> None:
    function, *arguments = call
    extra = {"device": "meta"} if "zeros" in function.__name__ or "empty.m" in function.__name__ else {}
    work = work_of(function, *arguments, **extra)
    assert bytes_of(work) == (read, written)
    assert not work.is_assumed


def test_moving_data_is_no_arithmetic() -> None:
    for work in (
        work_of(aten.clone.default, meta(10)),
        work_of(aten._to_copy.default, meta(10), dtype=torch.float16),
        work_of(aten.cat.default, [meta(10), meta(10)]),
    ):
        assert (work.op_class, work.flops, work.kernels) == ("copy", 0, 1)


def test_sums_into_places_count_as_arithmetic() -> None:
    arguments = meta(10), 0, meta(3, dtype=LONG), meta(3)
    assert work_of(aten.scatter_add.default, *arguments).vector_ops == 3
    assert work_of(aten.index_add.default, *arguments).vector_ops == 3
    assert work_of(aten.scatter.src, *arguments).vector_ops == 0


def test_views_are_free() -> None:
    def look(x):
        return x.view(2, 5).t()[1:].unsqueeze(0).expand(3, 4, 2).select(0, 1).detach().split(1)

    works = count(tuple(recorded(look, meta(10))))
    assert len(works) > 5
    for work in works:
        assert (work.flops, work.read_bytes, work.write_bytes, work.kernels) == (0, 0, 0, 0)
        assert work.op_class == "view"
        assert not work.is_assumed


def test_views_without_a_sign_in_their_schema() -> None:
    work = work_of(aten._unsafe_view.default, meta(10), [2, 5])
    assert (work.op_class, work.kernels) == ("view", 0)


def test_reshape_is_a_view_or_a_copy() -> None:
    x = tensor("x", 4, 5)
    assert work_by_hand("aten.reshape", [x], [x]).op_class == "view"
    assert work_by_hand("aten.reshape", [x], [tensor("y", 20)]).read_bytes == 80


def test_progressions_are_computed() -> None:
    work = work_of(aten.arange.default, 10, device="meta")
    assert (work.vector_ops, work.write_bytes) == (20, 80)  # product and sum; int64


def test_padded_images_and_columns() -> None:
    unfolded = work_of(aten.im2col.default, meta(1, 3, 8, 8), [3, 3], [1, 1], [1, 1], [1, 1])
    assert unfolded.write_bytes == 6912  # 4 * 3*9 * 64
    assert unfolded.flops == 0
    folded = work_of(aten.col2im.default, meta(1, 27, 64), [8, 8], [3, 3], [1, 1], [1, 1], [1, 1])
    assert folded.vector_ops == 1728  # 27 * 64 sums


def test_a_value_for_the_host_is_read() -> None:
    work = work_by_hand("aten._local_scalar_dense", [tensor("x")], [])
    assert bytes_of(work) == (4, 0)


def test_one_hot_and_masks_are_known() -> None:
    def masks(ids):
        hot = torch.nn.functional.one_hot(ids, 5)
        return torch.ones(4, 4, device="meta").tril(), hot.sum(-1), (ids[:, None] == ids[None]).any()

    ops = recorded(masks, torch.zeros(3, dtype=LONG))
    assert not [work.op.name for work, _ in leaves(count(tuple(ops))) if work.is_assumed]


def test_gather_of_a_large_table_reads_a_part_of_its_storage() -> None:
    op = op_of(aten.embedding.default, meta(50000, 64), meta(4, dtype=LONG))
    (work,) = count((op,))
    assert work.reads[0].storage == op.inputs[0].storage
    assert work.reads[0].distinct_elements == 256
