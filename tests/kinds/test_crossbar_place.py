"""Where weights lie, which are missing, which are copied, and where operands that change go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chips import arrays, chip, linear, tensor, writing
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.graph import Attention, Loop, Op, Tree, Work, leaves
from hwcost.kinds.crossbar import place
from hwcost.kinds.crossbar.capacity import arrays_taken, demands_of, missing_of, replicas
from hwcost.kinds.crossbar.matrices import matrices, utilisation
from hwcost.kinds.crossbar.placed import PlacedWork


def placed(*items: Work | Loop[Work], count: int = 16, writable: bool = True) -> list[PlacedWork]:
    device = chip(arrays(count=count, writes=writing() if writable else None))
    found = [work for work, _ in leaves(place(items, device))]
    assert all(isinstance(work, PlacedWork) for work in found)
    return found  # type: ignore[return-value]


def attention(n: int, m: int, *, heads: int = 2, d: int = 32, role: str = "activation") -> Work:
    q, k, v = (tensor(name, heads, size, d) for name, size in (("q", n), ("k", m), ("v", m)))
    k, v = (replace(one, storage=replace(one.storage, role=role)) for one in (k, v))
    return Work(
        op=Op(name="torch.scaled_dot_product_attention", inputs=(q, k, v)),
        op_class="attention",
        macs=heads * n * m * 2 * d,
        reads=(q, k, v),
        writes=(tensor("y", heads, n, d),),
        attention=Attention(heads=heads, key_heads=heads, n=n, m=m, d=d, dv=d),
    )


def test_a_weight_lies_in_arrays_and_is_not_read() -> None:
    (work,) = placed(linear("a", 4, 65, 33))
    (held,) = work.held
    assert (held.matrix.arrays, held.matrix.vectors, held.loads) == (4, 4, {})
    assert [one.storage.id for one in work.reads] == ["a.a"]
    assert work.arrays_taken == 4
    assert utilisation(held.matrix, arrays()) == pytest.approx(65 * 33 / (4 * 64 * 32))


def test_the_weight_may_be_the_first_operand() -> None:
    (work,) = placed(linear("a", 4, 65, 33))
    product = work.products[0]
    turned = replace(product, a=product.b, b=product.a, m=33, n=4)
    (matrix,) = matrices(replace(work, products=(turned,)), arrays())
    assert (matrix.k, matrix.n, matrix.vectors) == (65, 33, 4)


def test_partial_sums_and_network_by_hand() -> None:
    (work,) = placed(linear("a", 4, 65, 33))
    matrix = work.held[0].matrix
    assert matrix.partial_sums == 4 * 33  # one addition per column of the second tile of rows
    assert matrix.network_bytes == 4 * (65 + 2 * 33 * 2)  # inputs of 8 bit, two tiles' sums of 16


def test_what_is_tied_is_held_once() -> None:
    one, two = linear("a", 1, 64, 32), linear("a", 1, 64, 32)
    assert [work.arrays_taken for work in placed(one, two)] == [1, 1]


def test_a_third_is_missing_in_every_pass_by_hand() -> None:
    # 24 arrays of weights, 16 on the chip: a fixed third is missing.
    works = placed(*(linear(name, 1, 64, 32 * 8) for name in "abc"))
    for work in works:
        assert work.arrays_taken == 24
        assert work.held[0].loads == {"once": pytest.approx(1 - 16 / 24)}


def test_in_a_loop_a_weight_that_fits_alone_is_loaded_once() -> None:
    # 12 + 12 arrays, 16 on the chip: each loop's own weight fits while it runs.
    def loop(name: str) -> Loop[Work]:
        return Loop(times=100, body=(linear(name, 1, 64, 32 * 12),))

    for work in placed(loop("a"), loop("b")):
        (held,) = work.held
        assert held.loads["first"] == pytest.approx(1 - 16 / 24)
        assert held.loads.get("steady", 0) == held.loads.get("last", 0) == 0


def test_in_a_loop_over_both_a_third_is_loaded_each_round() -> None:
    body = (linear("a", 1, 64, 32 * 12), linear("b", 1, 64, 32 * 12))
    found = {id(work): matrices(work, arrays()) for work in body}
    for (missing,) in missing_of((Loop(times=100, body=body),), found, 16, 24):
        assert missing is not None
        assert missing.calls == {"first": 1, "steady": 98, "last": 1}
        assert missing.share == pytest.approx(1 - 16 / 24)
        assert missing.loads["steady"] == pytest.approx(98 * (1 - 16 / 24))


def test_cells_that_cannot_be_written_leave_the_rest_to_the_digital_unit() -> None:
    for work in placed(*(linear(name, 1, 64, 32 * 8) for name in "abc"), writable=False):
        assert work.held[0].in_digital


def test_copies_go_where_most_vectors_pass() -> None:
    many, few, one = linear("a", 1000, 64, 32), linear("b", 10, 64, 32), linear("c", 1, 64, 32)
    copies = [work.held[0].replicas for work in placed(many, few, one)]
    assert copies[0] > copies[1] >= 1
    assert copies[2] == 1  # a copy would not help a single vector
    assert sum(copies) <= 16


def test_a_chip_without_room_makes_no_copies() -> None:
    assert placed(linear("a", 1000, 64, 32 * 16))[0].held[0].replicas == 1


def test_operands_that_change_are_written_where_that_is_sooner() -> None:
    # 2 heads: K^T 32 x 512 takes 16 arrays, V 512 x 32 takes 8 each, 16. Writing 32 rows of 1 us in 4 turns
    # takes 128 us, 64 rows 256 us, 512 queries 410 us more; the digital unit takes 3.4 ms.
    (work,) = placed(attention(512, 512), count=64)
    assert [change.waves for change in work.changing] == [1, 1]
    assert [change.matrix.arrays for change in work.changing] == [32, 16]
    assert work.digital_macs == 0


def test_one_query_is_not_worth_writing_for() -> None:
    (work,) = placed(attention(1, 512), count=64)
    assert [change.waves for change in work.changing] == [0, 0]
    assert work.digital_macs == work.macs


def test_of_a_cache_only_what_is_new_is_written() -> None:
    (work,) = placed(attention(8, 512, role="state"), count=64)
    assert [change.matrix.new for change in work.changing] == [8 / 512] * 2


def test_without_room_beside_the_weights_nothing_is_written() -> None:
    works = placed(linear("a", 1, 64, 32 * 16), attention(512, 512))
    assert [change.waves for change in works[1].changing] == [0, 0]


def test_what_is_no_plain_attention_stays_on_the_digital_unit() -> None:
    forward = attention(64, 64)
    backward = replace(forward, macs=forward.macs // 2 * 5)
    (work,) = placed(backward, count=64)
    assert not work.changing
    assert not work.held


def test_a_weight_that_is_trained_does_not_stay() -> None:
    forward = linear("a", 1, 64, 32)
    step = Work(op=Op(name="optimiser"), op_class="pointwise", writes=(forward.reads[1],))
    work, _ = placed(forward, step)
    assert not work.held
    assert len(work.changing) == 1
    assert forward.reads[1] in work.reads


def test_biases_stay_in_the_buffers_and_embeddings_in_memory() -> None:
    bias, table = tensor("bias", 32, weight=True), tensor("table", 100, 32, weight=True)
    add = Work(op=Op(name="aten.add"), op_class="pointwise", reads=(tensor("x", 32), bias))
    look = Work(op=Op(name="aten.embedding"), op_class="gather", reads=(table,))
    first, second = placed(add, look)
    assert [one.storage.id for one in first.reads] == ["x"]
    assert [one.storage.id for one in second.reads] == ["table"]


counts = st.integers(1, 300)


@given(
    count=counts,
    more=counts,
    layers=st.lists(
        st.tuples(st.integers(1, 500), st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=5
    ),
)
@settings(deadline=None)
def test_more_room_never_takes_a_copy_away(count: int, more: int, layers: list[tuple[int, int, int]]) -> None:
    own = arrays()
    works = [linear(str(place_), *sizes) for place_, sizes in enumerate(layers)]
    demands = demands_of((matrices(work, own), 1) for work in works)
    small, large = replicas(demands, count), replicas(demands, count + more)
    assert all(large[key] >= number for key, number in small.items())
    used = sum((number - 1) * demands[key].matrix.arrays for key, number in large.items())
    assert used <= count + more


@given(count=counts, more=counts, widths=st.lists(st.integers(1, 3000), min_size=1, max_size=6))
@settings(deadline=None)
def test_more_arrays_never_miss_more(count: int, more: int, widths: list[int]) -> None:
    tree: Tree[Work] = (
        Loop(times=5, body=tuple(linear(str(i), 1, 70, width) for i, width in enumerate(widths))),
        linear("last", 3, 70, 100),
    )

    works = [work for work, _ in leaves(tree)]
    found = {id(work): matrices(work, arrays()) for work in works}
    taken = arrays_taken(demands_of((several, 1) for several in found.values()))

    def loads(number: int) -> list[float]:
        missing = missing_of(tree, found, number, taken)
        return [0.0 if one is None else sum(one.loads.values()) for (one,) in missing]

    small, large = loads(count), loads(count + more)
    assert any(small) == (count < taken)
    assert all(b <= a * (1 + 1e-9) for a, b in zip(small, large, strict=True))
