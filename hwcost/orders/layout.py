"""Where the tensors of a chunk lie: their shapes, strides, offsets and advances.

A place that is whole has room for every step, and a chunk moves through it. Any other has room for the
steps of a chunk and those kept before it, the newest last, at the same addresses in every chunk: a ring is
taken as standing still. Caches, and what keeps steps, have time outermost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hwcost.graph import Storage, Tensor
from hwcost.orders.scene import Scene
from hwcost.orders.views import NOW, Past, Place, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A stretch of chunks that are alike.

    steps: of each of them. start: steps before the first. so_far: steps up to and with the one in the
    middle. length: steps of the sequence.
    """

    steps: int
    start: int
    so_far: int
    length: int


def whole(scene: Scene, short: Tensor, long: Tensor, length: int) -> Tensor:
    """A tensor of what runs before the stream, at the length of the sequence."""
    growth = scene.growth
    place = scene.place(short.storage, long.storage)
    if length == growth.long:
        return Tensor(
            storage=_storage(scene, place, length),
            shape=long.shape,
            strides=long.strides,
            dtype=long.dtype,
            offset=long.offset,
            advance=long.advance,
        )
    view = View(short=short, long=long, kinds=(None,) * len(long.shape), place=place.name)
    shape = [growth.at(a, b, length) for a, b in zip(short.shape, long.shape, strict=True)]
    return Tensor(
        storage=_storage(scene, place, length),
        shape=tuple(shape),
        strides=_whole_strides(scene, view, length),
        dtype=long.dtype,
        offset=max(growth.at(short.offset, long.offset, length), 0),
        advance=tuple(growth.at(a, b, length) for a, b in zip(short.advance, long.advance, strict=False)),
    )


def placed(scene: Scene, view: View, chunk: Chunk, loops: Sequence[int | None]) -> Tensor:
    """A tensor of the stream. loops: rounds of the loops around it in a chunk; None: no loop there."""
    place = scene.places[view.place]
    shape = tuple(_size(scene, view, i, chunk) for i in range(len(view.kinds)))
    is_whole = place.is_whole or place.name not in scene.written
    if place.past is None and is_whole and place.role != "state":
        strides = _whole_strides(scene, view, chunk.length)
        offset = max(scene.growth.at(view.short.offset, view.long.offset, chunk.length), 0)
        inner = _inner(scene, view, chunk.length)
        moved = _moved(scene, view, chunk, strides) or _moved_by_rounds(inner, loops)
        offset += moved * chunk.start // max(chunk.steps, 1)
    else:
        strides, offset, moved = _in_chunk(scene, view, place, chunk)
        inner = _inner(scene, view, chunk.steps if place.kept == 0 else 0)
    return Tensor(
        storage=_storage(scene, place, chunk.length),
        shape=shape,
        strides=strides,
        dtype=view.long.dtype,
        offset=offset,
        advance=_advance(moved, inner, loops),
    )


def _size(scene: Scene, view: View, i: int, chunk: Chunk) -> int:
    """How many index positions dimension i has in a chunk."""
    a, b, kind = view.short.shape[i], view.long.shape[i], view.kinds[i]
    growth = scene.growth
    if view.window is not None and view.window.dim == i:
        results = -(-view.window.results * chunk.steps // scene.steps)
        span = view.window.span - (view.window.results - results) * view.window.stride
        return min(span, results * view.window.taps)
    if kind == NOW:
        return growth.over(a, b, chunk.steps)
    if isinstance(kind, Past):
        size = growth.at(a, b, chunk.so_far)
        return size if kind.window is None else min(size, kind.window + chunk.steps - 1)
    return b if kind is None else growth.at(a, b, chunk.length)


def _moved(scene: Scene, view: View, chunk: Chunk, strides: Sequence[int]) -> int:
    """By how many elements a tensor with time moves from chunk to chunk in a whole place."""
    now = [i for i, kind in enumerate(view.kinds) if kind == NOW]
    if not now:
        return 0
    i = max(now, key=lambda i: strides[i])
    return scene.growth.over(view.short.shape[i], view.long.shape[i], chunk.steps) * strides[i]


def _moved_by_rounds(inner: Sequence[int], loops: Sequence[int | None]) -> int:
    """The same for a tensor of one round, which moves by a step's elements per round."""
    padded = (0,) * (len(loops) - len(inner)) + tuple(inner)
    return sum(step * (times or 1) for step, times in zip(padded, loops, strict=False))


def _inner(scene: Scene, view: View, length: int) -> tuple[int, ...]:
    """By how many elements it moves per round of the model's own loops."""
    pairs = zip(view.short.advance, view.long.advance, strict=False)
    return tuple(b if a == b else scene.growth.over(a, b, max(length, 1)) for a, b in pairs)


def _advance(moved: int, inner: Sequence[int], loops: Sequence[int | None]) -> tuple[int, ...]:
    """The advances of a tensor: that of the stream, then those of the loops that there are in a chunk."""
    padded = (0,) * (len(loops) - len(inner)) + tuple(inner)
    kept = tuple(step for step, times in zip(padded, loops, strict=False) if times is not None)
    return (moved, *kept) if moved or any(kept) else ()


def _in_chunk(scene: Scene, view: View, place: Place, chunk: Chunk) -> tuple[tuple[int, ...], int, int]:
    """Strides, offset and advance in a place of a chunk, a ring or a cache."""
    growth = scene.growth
    times = [i for i, kind in enumerate(view.kinds) if kind is not None]
    main = next((i for i in times if view.window is not None and view.window.dim == i), None)
    main = main if main is not None else max(times, key=lambda i: view.long.strides[i], default=None)
    capacity = [
        _capacity(scene, view, place, i, chunk) if i in times else size
        for i, size in enumerate(view.long.shape)
    ]
    is_outermost = place.past is not None or place.kept > 0

    def gap(a: int, b: int) -> int:
        return growth.over(a, b, scene.steps)

    strides = _strides(
        view,
        capacity,
        gap,
        {main} if is_outermost else set(),
        is_dense=place.is_copy,
    )
    offset = _offset(view, view.long.offset - place.base, strides, set(times))
    if main is None:
        size = growth.over(place.short.elements, place.long.elements, scene.steps)
        return strides, offset % size if size else offset, 0
    if place.past is not None:
        return _in_cache(scene, view, place, chunk, main, strides, offset)
    if place.kept:
        offset += (capacity[main] - _span(scene, view, main, chunk)) * strides[main]
    if view.window is not None and view.window.results == 1:
        strides = tuple(s * view.window.dilation if i == main else s for i, s in enumerate(strides))
    return strides, offset, 0


def _in_cache(
    scene: Scene, view: View, place: Place, chunk: Chunk, main: int, strides: tuple[int, ...], offset: int
) -> tuple[tuple[int, ...], int, int]:
    """The same in a cache: new steps are written behind those so far, or last where it is a window."""
    if view.kinds[main] != NOW:
        return strides, offset, 0
    new = scene.growth.over(view.short.shape[main], view.long.shape[main], chunk.steps)
    capacity = _capacity(scene, view, place, main, chunk)
    if capacity < scene.growth.at(view.short.shape[main], view.long.shape[main], chunk.length):
        return strides, offset + (capacity - new) * strides[main], 0
    moved = new * strides[main]
    return strides, offset + moved * chunk.start // max(chunk.steps, 1), moved


def _capacity(scene: Scene, view: View, place: Place, i: int, chunk: Chunk) -> int:
    """Positions that dimension i has room for in its place."""
    a, b = view.short.shape[i], view.long.shape[i]
    if place.past is not None:
        every = scene.growth.at(a, b, chunk.length)
        window = place.past.window
        return every if window is None else min(every, window + scene.steps - 1)
    if isinstance(view.kinds[i], Past):
        return _size(scene, view, i, chunk)
    return scene.growth.over(a, b, scene.steps) + place.kept


def _span(scene: Scene, view: View, i: int, chunk: Chunk) -> int:
    """Positions from the first that a tensor touches in its place to the last, which is the newest."""
    if view.window is None:
        return scene.growth.over(view.short.shape[i], view.long.shape[i], chunk.steps)
    results = -(-view.window.results * chunk.steps // scene.steps)
    return view.window.span - (view.window.results - results) * view.window.stride


def _whole_strides(scene: Scene, view: View, length: int) -> tuple[int, ...]:
    growth = scene.growth
    if length == growth.long:
        return view.long.strides
    capacity = [growth.at(a, b, length) for a, b in zip(view.short.shape, view.long.shape, strict=True)]
    return _strides(view, capacity, lambda a, b: growth.at(a, b, length), set())


def _order(tensor: Tensor) -> list[int]:
    """Dimensions with more than one position, from the innermost."""
    dims = (i for i, size in enumerate(tensor.shape) if size > 1 and tensor.strides[i])
    return sorted(dims, key=lambda i: (tensor.strides[i], tensor.shape[i]))


def _strides(
    view: View,
    capacity: Sequence[int],
    grown: Callable[[int, int], int],
    outermost: set[int | None],
    *,
    is_dense: bool = False,
) -> tuple[int, ...]:
    """Strides of the same layout with other sizes: each is the extent of those within, times the gap it had.

    is_dense: without the gaps.
    """
    a, b = view.short, view.long
    result = [1 if stride else 0 for stride in b.strides]
    extent_a = extent_b = extent = 1
    late, lagging = [], []
    for i in _order(b):
        if b.strides[i] < extent_b:
            lagging.append(i)
            continue
        gap = 1
        if not is_dense and a.strides[i] % extent_a == 0 and b.strides[i] % extent_b == 0:
            gap_a, gap_b = a.strides[i] // extent_a, b.strides[i] // extent_b
            gap = max(gap_b if gap_a == gap_b else grown(gap_a, gap_b), 1)
        if i in outermost:
            late.append(i)
        else:
            result[i] = extent * gap
            extent = result[i] * max(capacity[i], 1)
        extent_a, extent_b = max(a.strides[i] * a.shape[i], 1), b.strides[i] * b.shape[i]
    for i in late:
        result[i] = extent
        extent *= max(capacity[i], 1)
    for i in lagging:  # windows that overlap, as those of unfold
        within = [j for j in _order(b) if j not in lagging and b.strides[j] <= b.strides[i]]
        result[i] = result[within[-1]] * (b.strides[i] // b.strides[within[-1]]) if within else b.strides[i]
    return tuple(result)


def _offset(view: View, rest: int, strides: Sequence[int], times: set[int]) -> int:
    """An offset in the new layout, the steps of it left out."""
    offset = 0
    for i in reversed(_order(view.long)):
        digit, rest = divmod(rest, view.long.strides[i])
        offset += 0 if i in times else digit * strides[i]
    return offset + rest


def _storage(scene: Scene, place: Place, length: int) -> Storage:
    """The storage of a place; its size is found when all that lies there is known."""
    return Storage(
        id=place.name,
        elements=max(scene.growth.at(place.short.elements, place.long.elements, length), 0),
        dtype=place.long.dtype,
        role=place.role,
        name=place.long.name,
    )
