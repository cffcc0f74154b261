"""Reductions, softmax, normalisation, sorting: numbers by hand and parts against the whole."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwcost.graph import leaves
from hwcost.rules.count import count

from .recording import meta, recorded, tensor, work_by_hand, work_of

aten = torch.ops.aten


@pytest.mark.parametrize(
    ("call", "vector_ops", "special_ops"),
    [
        ((aten.sum.dim_IntList, [1]), 60, 0),
        ((aten.mean.dim, [1]), 60, 12),  # a division for each of 3 * 4 results
        ((aten.amax.default, [1]), 60, 0),
        ((aten.argmax.default, 1), 60, 0),
        ((aten.cumsum.default, 1), 60, 0),
        ((aten.var.correction, [1]), 240, 24),  # 4 * 60; two divisions
        ((aten.std.correction, [1]), 240, 36),  # and a root
        ((aten.logsumexp.default, [1]), 192, 72),  # 3 * 60 + 12; 60 exp and 12 log
        ((aten.linalg_vector_norm.default, 2, [1]), 120, 12),
        ((aten.linalg_vector_norm.default, 1, [1]), 120, 0),
        ((aten.linalg_vector_norm.default, 3, [1]), 120, 72),
        ((aten.logcumsumexp.default, 1), 180, 120),
        ((aten._softmax.default, 1, False), 180, 120),
        ((aten._log_softmax.default, 1, False), 240, 72),  # 4 * 60; 60 exp and 12 log
        ((aten.sort.default, 1), 180, 0),  # ceil(log2 5) = 3 comparisons each
        ((aten.topk.default, 4, 1), 120, 0),  # ceil(log2 4) = 2
        ((aten.any.dim, 1), 60, 0),
    ],
    ids=lambda value: getattr(value[0], "__name__", "") if isinstance(value, tuple) else None,
)
def test_by_hand(call, vector_ops, special_ops) -> None:
    function, *arguments = call
    work = work_of(function, meta(3, 5, 4), *arguments)
    assert (work.vector_ops, work.special_ops) == (vector_ops, special_ops)
    assert work.op_class == "reduction"
    assert work.read_bytes == 240  # 4 * 60


def test_second_results_are_written_where_they_are_used() -> None:
    x = meta(3, 5, 4)
    assert work_of(aten.var_mean.correction, x, [1]).write_bytes == 48  # 4 * 12

    def both(x):
        variance, mean = aten.var_mean.correction(x, [1])
        return variance + mean

    first, _ = count(tuple(recorded(both, x)))
    assert first.write_bytes == 96


def test_layer_norm_by_hand() -> None:
    x = meta(6, 10)
    plain = work_of(aten.native_layer_norm.default, x, [10], None, None, 1e-5)
    assert plain.vector_ops == 306  # 5 * 60 + 6 for eps
    assert plain.special_ops == 18  # 3 for each of 6 rows
    affine = work_of(aten.native_layer_norm.default, x, [10], meta(10), meta(10), 1e-5)
    assert affine.vector_ops == 426  # 7 * 60 + 6
    assert affine.read_bytes == 320  # 4 * (60 + 10 + 10)
    assert affine.write_bytes == 240


def test_group_norm_by_hand() -> None:
    x = meta(2, 6, 4, 4)
    work = work_of(aten.native_group_norm.default, x, meta(6), meta(6), 2, 6, 16, 3, 1e-5)
    assert work.vector_ops == 1350  # 7 * 192 + 2 * 3 groups
    assert work.special_ops == 18  # 3 * 2 * 3


def test_batch_norm_with_running_statistics() -> None:
    x, channel = meta(2, 6, 4, 4), meta(6)
    work = work_of(
        aten._native_batch_norm_legit_no_training.default, x, *(channel for _ in range(4)), 0.1, 1e-5
    )
    assert work.vector_ops == 408  # 2 * 192 + 4 * 6
    assert work.special_ops == 6
    assert work.op_class == "pointwise"
    same = work_of(aten.native_batch_norm.default, x, *(channel for _ in range(4)), False, 0.1, 1e-5)
    assert same.vector_ops == work.vector_ops


def test_batch_norm_with_its_own_statistics() -> None:
    x = meta(2, 6, 4, 4)
    running = meta(6), meta(6)
    work = work_of(aten.native_batch_norm.default, x, meta(6), meta(6), *running, True, 0.1, 1e-5)
    assert work.vector_ops == 1386  # 7 * 192 + 6 channels * (1 + 6)
    assert work.special_ops == 18  # 3 * 6
    assert work.write_bytes == 816  # 4 * (192 + 2 * 6): the running statistics too


def test_rms_norm_whole_and_in_parts() -> None:
    whole = work_by_hand(
        "aten._fused_rms_norm",
        [tensor("x", 6, 10), tensor("w", 10)],
        [tensor("y", 6, 10), tensor("r", 6, 1)],
        normalized_shape=(10,),
        eps=1e-6,
    )
    assert (whole.vector_ops, whole.special_ops) == (246, 12)  # 4 * 60 + 6; 2 * 6

    def parts(x, w):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * w

    works = list(leaves(count(tuple(recorded(parts, meta(6, 10), meta(10))))))
    assert sum(work.vector_ops for work, _ in works) == whole.vector_ops
    assert sum(work.special_ops for work, _ in works) == whole.special_ops


def test_softmax_whole_and_in_parts() -> None:
    def parts(x):
        exponentials = torch.exp(x - x.amax(-1, keepdim=True))
        return exponentials / exponentials.sum(-1, keepdim=True)

    works = count(tuple(recorded(parts, meta(6, 10))))
    whole = work_of(aten._softmax.default, meta(6, 10), 1, False)
    assert sum(work.vector_ops for work in works) == whole.vector_ops == 180
    assert sum(work.special_ops for work in works) == whole.special_ops == 120


def test_search_in_boundaries() -> None:
    work = work_of(aten.bucketize.Tensor, meta(100), meta(16))
    assert work.vector_ops == 400  # 100 * log2 16
    work = work_of(aten.searchsorted.Tensor, meta(16), meta(100))
    assert work.vector_ops == 400


def test_unique_and_nonzero_are_known() -> None:
    x = tensor("x", 8, dtype="int64")
    assert work_by_hand("aten._unique2", [x], [tensor("y", 5, dtype="int64")]).vector_ops == 24  # 8 * log2 8
    assert work_by_hand("aten.nonzero", [x], [tensor("i", 3, 1, dtype="int64")]).vector_ops == 8
    test_values = tensor("t", 4, dtype="int64")
    assert work_by_hand("aten.isin", [x, test_values], [tensor("y", 8, dtype="bool")]).vector_ops == 24


@given(rows=st.integers(1, 30), columns=st.integers(1, 30))
def test_twice_the_rows_take_twice_the_work(rows: int, columns: int) -> None:
    def cost(n: int) -> list[tuple[int, int, int]]:
        x = meta(n, columns)
        works = [
            work_of(aten._softmax.default, x, 1, False),
            work_of(aten._log_softmax.default, x, 1, False),
            work_of(aten.native_layer_norm.default, x, [columns], None, None, 1e-5),
            work_of(aten.sum.dim_IntList, x, [1]),
            work_of(aten.var.correction, x, [1]),
            work_of(aten.sort.default, x, 1),
        ]
        return [(work.vector_ops, work.special_ops, work.read_bytes) for work in works]

    for one, two in zip(cost(rows), cost(2 * rows), strict=True):
        assert two == tuple(2 * number for number in one)


def test_backward_passes_are_known() -> None:
    module = torch.nn.Sequential(
        torch.nn.Linear(8, 8), torch.nn.LayerNorm(8), torch.nn.Softmax(-1), torch.nn.GELU()
    ).to("meta")

    def train(x):
        with torch.enable_grad():
            loss = torch.nn.functional.cross_entropy(
                module(x), torch.zeros(4, dtype=torch.int64, device="meta")
            )
            loss.backward()

    works = [work for work, _ in leaves(count(tuple(recorded(train, meta(4, 8)))))]
    assert not [work.op.name for work in works if work.is_assumed]
    names = {work.op.name for work in works}
    assert {"aten.native_layer_norm_backward", "aten._softmax_backward_data", "aten.gelu_backward"} <= names
    assert sum(work.macs for work in works) == 512  # 4*8*8 forward, and for w; x needs no gradient
