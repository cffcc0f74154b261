"""Fusion: by hand, and the laws that it must keep."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.graph import Op, OpClass, Role, Storage, Tensor, Tree, Work, contiguous, leaves
from hwcost.memory.fusion import fuse
from tests.memory.programs import moved_bytes, tensor


def work(op_class: OpClass, reads: list[Tensor], writes: list[Tensor], macs: int = 0) -> Work:
    return Work(
        op=Op(name=op_class),
        op_class=op_class,
        macs=macs,
        vector_ops=1,
        reads=tuple(reads),
        writes=tuple(writes),
    )


X, W, Y, Z = tensor("x", 8, role="input"), tensor("w", 64, role="weight"), tensor("y", 8), tensor("z", 8)
OUT = tensor("out", 8, role="output")


def summary(tree: Tree[Work]) -> list[tuple[str, str, int]]:
    return [
        ("".join(t.storage.id for t in w.reads), "".join(t.storage.id for t in w.writes), w.kernels)
        for w, _ in leaves(tree)
    ]


def test_a_chain_rides_with_its_product() -> None:
    program = (
        work("gemm", [X, W], [Y]),
        work("pointwise", [Y], [Z]),
        work("pointwise", [Z, X], [OUT]),
    )
    assert summary(fuse(program)) == [("xw", "", 1), ("", "", 0), ("x", "out", 0)]


def test_what_others_read_is_still_written() -> None:
    program = (work("gemm", [X, W], [Y]), work("pointwise", [Y], [Z]), work("gemm", [Y, Z], [OUT]))
    assert summary(fuse(program)) == [("xw", "y", 1), ("", "z", 0), ("yz", "out", 1)]


def test_an_operand_that_comes_later_stops_the_ride() -> None:
    late = tensor("late", 8)
    program = (
        work("gemm", [X, W], [Y]),
        work("reduction", [X], [late]),
        work("pointwise", [Y, late], [OUT]),
    )
    # it rides with the later one; the earlier result is read as ever
    assert summary(fuse(program)) == [("xw", "y", 1), ("x", "", 1), ("y", "out", 0)]


def test_in_place() -> None:
    program = (work("conv", [X, W], [Y]), work("pointwise", [Y], [Y]), work("gemm", [Y], [OUT]))
    assert summary(fuse(program)) == [("xw", "y", 1), ("", "y", 0), ("y", "out", 1)]


def test_a_result_keeps_its_write() -> None:
    program = (work("gemm", [X, W], [OUT]), work("pointwise", [OUT], [Z]))
    assert summary(fuse(program))[0] == ("xw", "out", 1)


def test_what_a_pointwise_group_has_read_stays_at_hand() -> None:
    sigmoid = (work("pointwise", [X], [Y]), work("pointwise", [X, Y], [OUT]))
    assert summary(fuse(sigmoid)) == [("x", "", 1), ("", "out", 0)]
    # A product's operand is not read element by element: the residual is read again, but only once.
    residual = (
        work("gemm", [X, W], [Y]),
        work("pointwise", [X, Y], [Z]),
        work("pointwise", [X, Z], [OUT]),
    )
    assert summary(fuse(residual)) == [("xw", "", 1), ("x", "", 0), ("", "out", 0)]


def test_what_a_group_made_stays_at_hand() -> None:
    diamond = (
        work("gemm", [X, W], [Y]),
        work("pointwise", [Y], [Z]),
        work("pointwise", [Y, Z], [OUT]),
    )
    assert summary(fuse(diamond)) == [("xw", "", 1), ("", "", 0), ("", "out", 0)]


def test_of_two_orders_of_the_same_elements_one_is_at_hand() -> None:
    storage = Storage(id="s", elements=9, dtype="float32")
    square = contiguous(storage, (3, 3))
    turned = replace(square, strides=(1, 3))
    out = contiguous(Storage(id="o", elements=9, dtype="float32", role="output"), (3, 3))
    program = (work("gemm", [X, W], [square]), work("pointwise", [square, turned], [out]))
    assert summary(fuse(program)) == [("xw", "s", 1), ("s", "o", 0)]


names = st.sampled_from("abcd")
classes: st.SearchStrategy[OpClass] = st.sampled_from(["gemm", "pointwise", "pointwise", "reduction", "copy"])


@st.composite
def programs(draw: st.DrawFn) -> Tree[Work]:
    def one() -> Tensor:
        name = draw(names)
        role: Role = "output" if name == "d" else "activation"
        return tensor(name, 8, role=role)

    return tuple(
        work(draw(classes), list({one() for _ in range(draw(st.integers(1, 2)))}), [one()], macs=1)
        for _ in range(draw(st.integers(1, 8)))
    )


@settings(max_examples=300, deadline=None)
@given(programs(), st.sampled_from([0, 8, 16, 24, None]))
def test_laws(program: Tree[Work], capacity: int | None) -> None:
    fused = fuse(program)
    before, after = [w for w, _ in leaves(program)], [w for w, _ in leaves(fused)]
    assert [(w.macs, w.vector_ops) for w in before] == [(w.macs, w.vector_ops) for w in after]
    assert sum(w.kernels for w in after) <= sum(w.kernels for w in before)
    touched = sum(w.read_bytes + w.write_bytes for w in before)
    assert sum(w.read_bytes + w.write_bytes for w in after) <= touched
    results = [w for w in before if any(t.role == "output" for t in w.writes)]
    assert bool(results) == bool(sum(t.bytes for w in after for t in w.writes if t.role == "output"))
    last: dict[str, int] = {}
    for index, (original, kept) in enumerate(zip(before, after, strict=True)):
        for t in kept.reads:
            maker = last.get(t.storage.id)
            assert maker is None or t in after[maker].writes, "what is still read is still written"
        last |= {t.storage.id: index for t in original.writes}
    if capacity == 0:
        assert sum(moved_bytes(fused, 0)) <= touched
