"""Small programs for the tests of reuse: works that read and write tensors, loops, unrolled loops."""

from collections.abc import Iterator
from dataclasses import replace

from hwcost.graph import Loop, Op, Role, Storage, Tensor, Tree, Work, contiguous
from hwcost.memory.reuse import reuse
from hwcost.memory.touches import OpReuse, mean_misses


def tensor(
    name: str, size: int, *, role: Role = "activation", at: int = 0, of: int = 0, advance: int = 0
) -> Tensor:
    """`size` bytes of a storage of `of` bytes (default: the whole of it), from `at` on."""
    storage = Storage(id=name, elements=of or size, dtype="int8", role=role)
    return contiguous(storage, (size,), offset=at, advance=(advance,) if advance else ())


def columns(name: str, rows: int, width: int, *, pitch: int, at: int = 0, advance: int = 0) -> Tensor:
    """`width` columns from column `at` on, in `rows` rows of `pitch` bytes."""
    storage = Storage(id=name, elements=rows * pitch, dtype="int8")
    return Tensor(
        storage=storage,
        shape=(rows, width),
        strides=(pitch, 1),
        dtype="int8",
        offset=at,
        advance=(advance,) if advance else (),
    )


def work(*reads: Tensor, writes: tuple[Tensor, ...] = ()) -> Work:
    return Work(op=Op(name="test"), op_class="copy", reads=reads, writes=writes)


def unrolled(tree: Tree[Work]) -> tuple[Work, ...]:
    """The same program without loops (one level deep)."""
    return tuple(_rounds(tree))


def _rounds(tree: Tree[Work]) -> Iterator[Work]:
    for item in tree:
        if not isinstance(item, Loop):
            yield item
            continue
        for index in range(item.times):
            for part in item.body:
                assert isinstance(part, Work)
                yield replace(
                    part,
                    reads=tuple(_moved(t, index) for t in part.reads),
                    writes=tuple(_moved(t, index) for t in part.writes),
                )


def _moved(value: Tensor, index: int) -> Tensor:
    step = value.advance[0] if value.advance else 0
    return replace(value, offset=value.offset + index * step, advance=())


def moved_bytes(program: Tree[Work], capacity: float | None, policy: str = "lru") -> tuple[float, float]:
    """(bytes read, bytes written) across a memory of this capacity."""
    return total(reuse(program), capacity, policy)


def total(reuses: tuple[OpReuse, ...], capacity: float | None, policy: str = "lru") -> tuple[float, float]:
    sums = [0.0, 0.0]
    for op in reuses:
        for touch in op.touches:
            for sample in touch.samples:
                missed = mean_misses(sample, capacity, policy)  # type: ignore[arg-type]
                sums[touch.is_write] += touch.bytes * sample.rounds * missed
    return sums[0], sums[1]
