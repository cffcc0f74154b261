"""Which elements of its storage a tensor touches: an interval, or rows of equal pitch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hwcost.graph import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Elements [start, start + columns) of each of `rows` rows that begin `pitch` elements apart.

    An interval is one row (pitch 0). is_exact: False where a view of more dimensions was taken as the
    interval from its first element to its last.
    """

    start: int
    columns: int
    rows: int = 1
    pitch: int = 0
    is_exact: bool = True

    @property
    def elements(self) -> int:
        return self.rows * self.columns


def region_of(tensor: Tensor, moved: int = 0, rounds: Iterable[tuple[int, int]] = ()) -> Region:
    """The elements that a tensor touches.

    moved: by how far the loops around it have advanced it. rounds: (times, step) of loops whose rounds
    are taken all together.
    """
    start = tensor.offset + moved
    rounds = tuple(rounds)
    if not tensor.elements or (not rounds and _is_row_major(tensor)):
        return Region(start=start, columns=tensor.elements)
    dimensions = [
        (stride, size)
        for size, stride in zip(tensor.shape, tensor.strides, strict=True)
        if stride and size > 1
    ]
    for times, step in rounds:
        if times > 1 and step:
            start += min(step, 0) * (times - 1)
            dimensions.append((abs(step), times))
    merged: list[tuple[int, int]] = []
    for stride, size in sorted(dimensions, key=lambda pair: (-pair[0], -pair[1])):
        if merged and merged[-1][0] <= stride * size and merged[-1][0] % stride == 0:
            outer, count = merged.pop()
            size += (count - 1) * outer // stride
        merged.append((stride, size))
    return _region(start, merged)


def _is_row_major(tensor: Tensor) -> bool:
    """Whether a tensor's elements lie side by side in the order of its indices."""
    step = 1
    for size, stride in zip(reversed(tensor.shape), reversed(tensor.strides), strict=True):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


def _region(start: int, merged: list[tuple[int, int]]) -> Region:
    """The region of dimensions (stride, size) that cannot be merged further, outermost first."""
    if not merged:
        return Region(start=start, columns=1)
    if merged[-1][0] != 1:
        merged = [*merged, (1, 1)]
    if len(merged) == 1:
        return Region(start=start, columns=merged[0][1])
    if len(merged) == 2:
        (pitch, rows), (_, columns) = merged
        return Region(start=start, columns=columns, rows=rows, pitch=pitch)
    span = sum(stride * (size - 1) for stride, size in merged) + 1
    return Region(start=start, columns=span, is_exact=False)
