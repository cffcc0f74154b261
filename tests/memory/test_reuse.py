"""Reuse distances: by hand, against a simulation byte by byte, and loops against their unrolled form."""

from collections import OrderedDict
from dataclasses import replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.graph import Loop, Tensor, Tree, Work
from hwcost.memory.misses import mean_misses, misses
from hwcost.memory.regions import region_of
from hwcost.memory.reuse import reuse
from tests.memory.programs import columns, moved_bytes, tensor, total, unrolled, work


def distances(program: Tree[Work], op: int, index: int = 0) -> list[tuple[float, float]]:
    """(bytes, distance) of one op's touches of its index-th tensor, all phases."""
    found = reuse(program)[op]
    target = (*found.work.reads, *found.work.writes)[index]
    return [
        (touch.bytes, sample.start_bytes)
        for touch in found.touches
        if touch.tensor == target
        for sample in touch.samples
    ]


def test_first_touch_and_re_read() -> None:
    a, b = tensor("a", 100), tensor("b", 30)
    program = (work(a), work(b), work(a))
    assert distances(program, 0) == [(100, inf)]
    assert distances(program, 2) == [(100, 130)]  # a itself and b


def test_slices_of_what_was_written_whole() -> None:
    whole = tensor("x", 100)
    slices = [tensor("x", 25, at=25 * i, of=100) for i in range(4)]
    program = (work(writes=(whole,)), *(work(part) for part in slices))
    # each slice comes round after exactly the 100 bytes of x
    assert [distances(program, i) for i in (1, 2, 3, 4)] == [[(25, 100)]] * 4


def test_whole_of_what_was_written_in_slices() -> None:
    slices = [tensor("x", 25, at=25 * i, of=100) for i in range(4)]
    other = tensor("y", 10)
    program = (*(work(writes=(part,)) for part in slices), work(other), work(tensor("x", 100)))
    assert distances(program, 5) == [(25, 110)] * 4


def test_columns_and_rows() -> None:
    whole = tensor("x", 80)
    left, right = columns("x", 8, 4, pitch=10), columns("x", 8, 6, pitch=10, at=4)
    program = (work(writes=(whole,)), work(left), work(right), work(whole))
    assert sum(count for count, _ in distances(program, 1)) == 32
    assert sum(count for count, _ in distances(program, 2)) == 48
    # left was read before right: all 80 bytes lie between, of right only itself
    assert sorted(distances(program, 3)) == [(32, 80), (48, 80)]


def test_disjoint_columns_are_not_re_reads() -> None:
    program = tuple(work(columns("x", 8, 1, pitch=10, at=at)) for at in range(10))
    assert moved_bytes(program, None) == (80, 0)


def test_write_back_waits_for_the_next_touch() -> None:
    a, b = tensor("a", 100), tensor("b", 50)
    program = (work(writes=(a,)), work(b), work(a))
    assert distances(program, 0) == [(100, 150)]
    assert moved_bytes(program, 150) == (50, 0)  # a stays: only b is read
    assert moved_bytes(program, 149) == (150, 100)  # a is written back, and read again


def test_results_reach_memory_and_temporaries_die() -> None:
    out, dead = tensor("out", 40, role="output"), tensor("dead", 20)
    assert moved_bytes((work(writes=(out,)), work(writes=(dead,))), None) == (0, 40)
    # a result that is read on the way is still written once
    assert moved_bytes((work(writes=(out,)), work(out)), None) == (0, 40)


def test_a_recurrent_weight_by_hand() -> None:
    w = tensor("w", 1000, role="weight")
    x = tensor("x", 10, of=500, advance=10)
    h = tensor("h", 10, role="state")
    loop = Loop(times=50, body=(work(w, x, h, writes=(h,)),))
    # a round touches w, 10 bytes of x and h: 1020 bytes
    assert moved_bytes((loop,), 1020) == (1000 + 500 + 10, 0)
    # below that w and h are read again in each of 50 rounds, and h goes out at each
    # but the last, after which it is dead: its next touch is 1020 bytes away
    assert moved_bytes((loop,), 1009)[0] == 50 * 1000 + 500 + 50 * 10


def test_what_a_round_must_fetch_again() -> None:
    w, x = tensor("w", 1000, role="weight"), tensor("x", 10, of=500, advance=10)
    (op,) = reuse((Loop(times=50, body=(work(w, x),)),))
    retained = {
        (touch.tensor.storage.id, sample.phase): sample.retained_bytes
        for touch in op.touches
        for sample in touch.samples
    }
    assert retained["w", "first"] == 0
    assert retained["w", "steady"] == retained["w", "last"] == 1000
    assert retained["x", "steady"] == 0


def test_distance_that_grows_with_time() -> None:
    x = tensor("x", 1000)
    step = tensor("x", 10, of=1000, advance=10)
    out = tensor("y", 30, of=3000, advance=30, role="output")
    program = (work(writes=(x,)), Loop(times=100, body=(work(step, writes=(out,)),)))
    read = [s for t in reuse(program)[1].touches if not t.is_write for s in t.samples]
    # round t finds all of x and the 30 t bytes of y before it
    assert [(s.phase, s.start_bytes, s.end_bytes) for s in read] == [
        ("first", 1000, 1000),
        ("steady", 1030, 1000 + 98 * 30),
        ("last", 1000 + 99 * 30, 1000 + 99 * 30),
    ]


@pytest.mark.parametrize("times", [1, 2, 3, 6, 7, 50, 1_000_000])
def test_calls_add_up(times: int) -> None:
    inner = Loop(times=5, body=(work(tensor("w", 8)),))
    for op, calls in zip(
        reuse((work(tensor("a", 8)), Loop(times=times, body=(work(tensor("b", 8)), inner)))),
        (1, times, 5 * times),
        strict=True,
    ):
        assert sum(count for _, count in op.phases) == calls
        for phase, count in op.phases:
            assert sum(s.rounds for t in op.touches for s in t.samples if s.phase == phase) == count


# --- against a simulation, byte by byte ------------------------------------------------------------

names = st.sampled_from("abc")


@st.composite
def intervals(draw: st.DrawFn) -> Tensor:
    start = draw(st.integers(0, 19))
    return tensor(draw(names), draw(st.integers(1, 20 - start)), at=start, of=20)


def addresses(value: Tensor) -> list[tuple[str, int]]:
    cells = [value.offset]
    for size, stride in zip(value.shape, value.strides, strict=True):
        cells = [cell + i * stride for cell in cells for i in range(size)]
    return [(value.storage.id, cell) for cell in sorted(cells)]


def simulated(program: tuple[Work, ...], capacity: int) -> int:
    """Bytes that an LRU memory of `capacity` bytes reads from behind it."""
    memory: OrderedDict[tuple[str, int], None] = OrderedDict()
    missed = 0
    for item in program:
        for value, is_write in [(t, False) for t in item.reads] + [(t, True) for t in item.writes]:
            for cell in addresses(value):
                missed += cell not in memory and not is_write
                memory[cell] = None
                memory.move_to_end(cell)
                if len(memory) > capacity:
                    memory.popitem(last=False)
    return missed


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.lists(intervals(), max_size=2), st.lists(intervals(), max_size=1)), max_size=12),
    st.integers(1, 70),
)
def test_agrees_with_a_simulation(touches: list[tuple[list[Tensor], list[Tensor]]], capacity: int) -> None:
    program = tuple(work(*reads, writes=tuple(writes)) for reads, writes in touches)
    assert moved_bytes(program, capacity)[0] == simulated(program, capacity)


@st.composite
def column_blocks(draw: st.DrawFn) -> Tensor:
    at = draw(st.integers(0, 7))
    return columns("x", 5, draw(st.integers(1, 8 - at)), pitch=8, at=at)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(column_blocks(), st.just(tensor("x", 40)), intervals()), max_size=8))
def test_columns_never_lose_a_byte(tensors: list[Tensor]) -> None:
    program = tuple(work(value) for value in tensors)
    first_touches = len({cell for value in tensors for cell in addresses(value)})
    assert moved_bytes(program, None)[0] == first_touches
    assert moved_bytes(program, 0)[0] == sum(value.elements for value in tensors)


# --- loops against their unrolled form -------------------------------------------------------------


@st.composite
def bodies(draw: st.DrawFn) -> Tree[Work]:
    """A few ops over weights, advancing slices, states and temporaries."""

    def one() -> Tensor:
        kind = draw(st.sampled_from(["weight", "slice", "state", "temporary"]))
        name, size = draw(names), draw(st.integers(1, 9))
        if kind == "slice":
            return tensor(f"slice {name}{size}", size, of=size * 50, advance=size)
        return tensor(f"{kind} {name}", 7, role="weight" if kind == "weight" else "activation")

    return tuple(
        work(
            *(one() for _ in range(draw(st.integers(0, 3)))),
            writes=tuple(one() for _ in range(draw(st.integers(0, 1)))),
        )
        for _ in range(draw(st.integers(1, 3)))
    )


@settings(max_examples=200, deadline=None)
@given(bodies(), bodies(), st.sampled_from([1, 2, 3, 6, 7, 8, 50]), st.sampled_from([0, 8, 20, 45, 10**6]))
def test_a_loop_moves_what_its_unrolled_form_moves(
    before: Tree[Work], body: Tree[Work], times: int, capacity: int
) -> None:
    head = tuple(
        replace(item, reads=tuple(replace(t, advance=()) for t in item.reads), writes=()) for item in before
    )  # type: ignore[union-attr]
    program = (*head, Loop(times=times, body=body))
    assert moved_bytes(program, capacity) == pytest.approx(moved_bytes(unrolled(program), capacity))


def test_growing_distances_through_a_random_memory() -> None:
    x = tensor("x", 1000)
    body = (work(tensor("x", 10, of=1000, advance=10), writes=(tensor("y", 30, of=3000, advance=30),)),)
    program = (work(writes=(x,)), Loop(times=100, body=body), work(tensor("y", 3000)))
    for capacity in (900, 1500, 2500, 3500):
        looped, flat = (
            moved_bytes(program, capacity, "random"),
            moved_bytes(unrolled(program), capacity, "random"),
        )
        # the rounds between are covered in 16 portions, each at one distance: 1 % of what is touched
        assert looped == pytest.approx(flat, abs=0.01 * 3000)


def test_cost_does_not_depend_on_rounds() -> None:
    def size(times: int) -> int:
        body = (work(tensor("w", 9), tensor("x", 2, of=2 * times, advance=2)),)
        return sum(len(op.touches) for op in reuse((Loop(times=times, body=body),)))

    assert size(10) == size(1_000_000)


def test_more_room_never_moves_more() -> None:
    body = (work(tensor("w", 40), tensor("x", 3, of=60, advance=3), writes=(tensor("h", 5),)),)
    found = reuse((work(tensor("x", 60)), Loop(times=20, body=body), work(tensor("w", 40))))
    for policy in ("lru", "random", "pinned"):
        moved = [sum(total(found, capacity, policy)) for capacity in range(0, 150, 5)]
        assert moved == sorted(moved, reverse=True)
        assert moved[0] > moved[-1]


# --- misses ------------------------------------------------------------------------------------------


def test_random_replacement_by_hand() -> None:
    for ratio, share in ((1.1, 0.176), (1.25, 0.371), (1.5, 0.583), (2, 0.797), (3, 0.940)):
        assert misses(ratio, 1.0, "random") == pytest.approx(share, abs=6e-4)
    assert misses(1.0, 1.0, "random") == 0
    assert misses(3.0, 1.0, "pinned") == pytest.approx(2 / 3)
    assert misses(inf, None, "lru") == 1
    assert misses(1e12, None, "lru") == 0


@given(st.floats(1, 1e9), st.floats(1, 1e9), st.floats(1, 1e9), st.sampled_from(["lru", "random", "pinned"]))
def test_misses_fall_with_room_and_grow_with_distance(d: float, c: float, more: float, policy: str) -> None:
    share = misses(d, c, policy)  # type: ignore[arg-type]
    assert 0 <= share <= 1
    assert misses(d, c + more, policy) <= share + 1e-9  # type: ignore[arg-type]
    assert misses(d + more, c, policy) >= share - 1e-9  # type: ignore[arg-type]


@settings(max_examples=50)
@given(st.floats(0, 50), st.floats(0, 50), st.floats(1, 20), st.sampled_from(["lru", "random", "pinned"]))
def test_mean_over_a_ramp(start: float, end: float, capacity: float, policy: str) -> None:
    points = 4000
    mean = sum(
        misses(start + (end - start) * (i + 0.5) / points, capacity, policy)  # type: ignore[arg-type]
        for i in range(points)
    )
    assert mean_misses(start, end, capacity, policy) == pytest.approx(mean / points, abs=2e-3)  # type: ignore[arg-type]


# --- regions -----------------------------------------------------------------------------------------


def test_regions() -> None:
    x = columns("x", 8, 4, pitch=10, at=3)
    region = region_of(x)
    assert (region.start, region.columns, region.rows, region.pitch) == (3, 4, 8, 10)
    whole = region_of(tensor("x", 80))
    assert (whole.start, whole.columns, whole.rows) == (0, 80, 1)
    covered = region_of(tensor("x", 10, of=80, at=70, advance=-10), 0, [(8, -10)])
    assert (covered.start, covered.columns, covered.rows) == (0, 80, 1)
    assert region_of(replace(x, shape=(0, 4))).elements == 0
