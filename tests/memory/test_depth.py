"""Sequential depth: by hand, and loops against their unrolled form."""

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
