"""Elementwise ops: costs per element, and bytes."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwcost.graph import Op
from hwcost.rules.count import count
from hwcost.rules.elementwise_table import SECTIONS, TABLE

from .recording import meta, op_of, recorded, tensor, work_by_hand, work_of

aten = torch.ops.aten

PER_ELEMENT = {
    # (vector, special) of f(x) for x[2, 5], so 10 elements
    torch.relu: (1, 0),
    torch.exp: (0, 1),
    torch.tanh: (0, 1),
    torch.sigmoid: (0, 1),
    torch.rsqrt: (0, 1),
    torch.erf: (0, 1),
    torch.neg: (1, 0),
    torch.logical_not: (1, 0),
    torch.nn.functional.silu: (1, 1),
    torch.nn.functional.mish: (2, 3),
    torch.nn.functional.softplus: (3, 2),
    torch.nn.functional.hardswish: (4, 0),
    torch.nn.functional.hardsigmoid: (3, 0),
    torch.nn.functional.elu: (4, 1),
    torch.nn.functional.leaky_relu: (2, 0),
    torch.nn.functional.logsigmoid: (3, 2),
    torch.nn.functional.gelu: (4, 1),
}


@pytest.mark.parametrize("function", PER_ELEMENT, ids=lambda function: function.__name__)
def test_cost_per_element(function) -> None:
    work = work_of(function, meta(2, 5))
    vector_ops, special_ops = PER_ELEMENT[function]
    assert (work.vector_ops, work.special_ops) == (10 * vector_ops, 10 * special_ops)
    assert work.op_class == "pointwise"
    assert (work.macs, work.read_bytes) == (0, 40)  # 4 * 10
    assert work.write_bytes == (10 if function is torch.logical_not else 40)  # a truth value is a byte


def test_gelu_in_its_tanh_form() -> None:
    work = work_of(aten.gelu.default, meta(10), approximate="tanh")
    assert (work.vector_ops, work.special_ops) == (80, 10)


@pytest.mark.parametrize(
    ("exponent", "cost"),
    [
        (2, (1, 0)),
        (3, (2, 0)),
        (0.5, (0, 1)),
        (-0.5, (0, 1)),
        (-1, (0, 1)),
        (-2, (1, 1)),
        (1, (0, 0)),
        (2.5, (0, 1)),
    ],
)
def test_powers(exponent, cost) -> None:
    work = work_of(aten.pow.Tensor_Scalar, meta(10), exponent)
    assert (work.vector_ops, work.special_ops) == (10 * cost[0], 10 * cost[1])


def test_scales_that_are_not_one_cost_one_more() -> None:
    x = meta(10)
    assert work_of(aten.add.Tensor, x, meta(10)).vector_ops == 10
    assert work_of(aten.add.Tensor, x, meta(10), alpha=2).vector_ops == 20
    assert work_of(aten.addcmul.default, x, x, x).vector_ops == 20
    assert work_of(aten.addcmul.default, x, x, x, value=0.5).vector_ops == 30
    assert work_of(aten.elu.default, x, 2.0).vector_ops == 40  # its alpha is counted already


def test_division() -> None:
    assert work_of(aten.div.Tensor, meta(10), meta(10)).special_ops == 10
    rounded = work_of(aten.div.Tensor_mode, meta(10), meta(10), rounding_mode="floor")
    assert (rounded.vector_ops, rounded.special_ops) == (10, 10)


def test_a_broadcast_operand_is_read_as_it_lies_in_memory() -> None:
    work = work_of(aten.mul.Tensor, meta(8, 100), meta(100))
    assert (work.vector_ops, work.read_bytes) == (800, 3600)  # 4 * (800 + 100)
    expanded = work_of(aten.mul.Tensor, meta(8, 100), meta(1, 100).expand(8, 100))
    assert expanded.read_bytes == 3600


def test_an_operand_that_appears_twice_is_read_once() -> None:
    x = meta(10)
    assert work_of(aten.mul.Tensor, x, x).read_bytes == 40


def test_in_place_reads_and_writes() -> None:
    work = work_of(aten.add_.Tensor, meta(10), meta(10))
    assert (work.vector_ops, work.read_bytes, work.write_bytes) == (10, 80, 40)
    assert work.writes[0] in work.reads


def test_a_destination_is_written_and_not_read() -> None:
    a, out = meta(10), meta(10)
    work = work_of(aten.add.out, a, meta(10), out=out)
    assert (work.read_bytes, work.write_bytes) == (80, 40)
    product = work_of(aten.mm.out, meta(2, 3), meta(3, 4), out=meta(2, 4))
    assert (product.macs, product.read_bytes) == (24, 72)  # 4 * (6 + 12)


def test_lists_of_tensors_cost_the_sum_of_their_parts() -> None:
    work = work_of(aten._foreach_add.List, [meta(10), meta(20)], [meta(10), meta(20)])
    assert (work.vector_ops, work.read_bytes) == (30, 240)


def test_selection_or_search() -> None:
    condition = meta(10, dtype=torch.bool)
    assert work_of(aten.where.self, condition, meta(10), meta(10)).vector_ops == 10
    assert work_of(aten.where.self, condition, meta(10), meta(10)).op_class == "pointwise"
    places = work_by_hand("aten.where", [tensor("c", 10, dtype="bool")], [tensor("i", 4, dtype="int64")])
    assert (places.op_class, places.vector_ops) == ("gather", 10)


def test_extreme_elementwise_or_of_all() -> None:
    assert work_of(aten.max.other, meta(4, 5), meta(4, 1)).vector_ops == 20
    assert work_of(aten.max.default, meta(4, 5)).op_class == "reduction"
    along = op_of(aten.max.dim, meta(4, 5), 1)
    (work,) = count((along,))
    assert work.vector_ops == 20
    assert len(along.outputs) == 2


def test_pointwise_by_its_tag_alone() -> None:
    op = op_of(torch.special.chebyshev_polynomial_t, meta(6), meta(6))
    (work,) = count((op,))
    assert op.is_pointwise
    assert (work.vector_ops, work.is_assumed) == (6, False)


def test_rows_name_ops_once_and_with_costs() -> None:
    names = [name for rows in SECTIONS.values() for row in rows for name in row.names.split()]
    assert len(names) == len(set(names)) == len(TABLE)
    assert all(row.vector_ops + row.special_ops > 0 for row in TABLE.values())


def test_gelu_written_out_costs_the_same() -> None:
    """The activation that transformers calls gelu_new, written out."""

    def written_out(x):
        return 0.5 * x * (1.0 + torch.tanh(0.79788456 * (x + 0.044715 * torch.pow(x, 3.0))))

    works = count(tuple(recorded(written_out, meta(10))))
    fused = work_of(aten.gelu.default, meta(10), approximate="tanh")
    assert sum(work.vector_ops for work in works) == fused.vector_ops
    assert sum(work.special_ops for work in works) == fused.special_ops


@given(rows=st.integers(1, 50), columns=st.integers(1, 50), name=st.sampled_from(sorted(TABLE)))
def test_twice_the_elements_take_twice_the_work(rows: int, columns: int, name: str) -> None:
    def work(n: int):
        op = Op(name=name, inputs=(tensor("x", n, columns),), outputs=(tensor("y", n, columns),))
        (found,) = count((op,))
        return found

    one, two = work(rows), work(2 * rows)
    assert (two.vector_ops, two.special_ops) == (2 * one.vector_ops, 2 * one.special_ops)
    assert one.flops >= rows * columns
    assert two.read_bytes == 2 * one.read_bytes
