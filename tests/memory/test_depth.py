"""Sequential depth: by hand, and loops against their unrolled form."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.graph import Attention, Loop, Op, Tree, Work
from hwcost.memory.depth import sequential_depth
from tests.memory.programs import tensor, unrolled


def product(reads: str, writes: str) -> Work:
    return Work(
        op=Op(name="product"),
        op_class="gemm",
        macs=1,
        reads=tuple(tensor(name, 4) for name in reads),
        writes=tuple(tensor(name, 4) for name in writes),
    )


def test_a_chain_and_a_branch() -> None:
    assert sequential_depth(()) == 0
    assert sequential_depth((product("x", "a"), product("a", "b"), product("x", "c"))) == 2


def test_attention_is_two_links() -> None:
    work = product("a", "b")
    attention = Attention(heads=1, key_heads=1, n=2, m=2, d=4, dv=4)
    fused = Work(
        op=work.op, op_class="attention", macs=1, attention=attention, reads=work.reads, writes=work.writes
    )
    assert sequential_depth((product("x", "a"), fused)) == 3


def test_a_recurrent_layer_is_one_plus_its_steps() -> None:
    program = (product("x", "g"), Loop(times=1000, body=(product("gh", "h"),)))
    assert sequential_depth(program) == 1001


def test_what_is_not_carried_does_not_grow() -> None:
    assert sequential_depth((Loop(times=1000, body=(product("x", "y"),)),)) == 1


names = st.text("abcd", min_size=1, max_size=2)
bodies = st.lists(st.tuples(names, names), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(bodies, st.sampled_from([1, 2, 5, 59, 60, 61, 75, 100]))
def test_a_loop_is_as_deep_as_its_unrolled_form(body: list[tuple[str, str]], times: int) -> None:
    program: Tree[Work] = (product("x", "a"), Loop(times=times, body=tuple(product(*pair) for pair in body)))
    assert sequential_depth(program) == sequential_depth(unrolled(program))


def pointwise(reads: str, writes: str) -> Work:
    return replace(product(reads, writes), op_class="pointwise", macs=0)


def test_a_recurrence_without_products_is_as_deep_as_its_steps() -> None:
    scan = Loop(times=1000, body=(pointwise("xh", "t"), pointwise("t", "h"), product("h", "y")))
    # the projection before it, 1,000 steps, and the product that reads out the last state
    assert sequential_depth((product("i", "x"), scan)) == 1 + 1000 + 1


def test_a_step_with_products_is_as_deep_as_these() -> None:
    assert sequential_depth((Loop(times=100, body=(product("h", "t"), product("t", "h"))),)) == 200


def test_a_round_that_hands_nothing_on_is_no_link() -> None:
    body = (pointwise("x", "t"), pointwise("t", "y"))
    assert sequential_depth((Loop(times=100, body=body),)) == 0
    assert sequential_depth((Loop(times=100, body=(pointwise("h", "h"),), axis="repeat"),)) == 0


def test_what_is_written_where_it_was_read_is_not_handed_on() -> None:
    slice_ = replace(tensor("x", 400), shape=(4,), strides=(1,), advance=(4,))
    work = replace(pointwise("x", "x"), reads=(slice_,), writes=(slice_,))
    assert sequential_depth((Loop(times=100, body=(work,)),)) == 0
    before = replace(slice_, offset=slice_.offset - 4)
    assert sequential_depth((Loop(times=100, body=(replace(work, reads=(before,)),)),)) == 100


works = st.tuples(st.booleans(), names, names)


@settings(max_examples=200, deadline=None)
@given(st.lists(works, min_size=1, max_size=4), st.sampled_from([59, 60, 61, 75, 100]))
def test_extending_growth_is_following_every_round(body: list[tuple[bool, str, str]], times: int) -> None:
    items = tuple((product if is_product else pointwise)(*pair) for is_product, *pair in body)
    apart = tuple(Loop(times=1, body=items) for _ in range(times))
    assert sequential_depth((Loop(times=times, body=items),)) == sequential_depth(apart)
