"""When each datum was last touched: storages as disjoint segments, time as a Fenwick tree of bytes."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from hwcost.memory.regions import Region

Part = tuple[float, float, list[float] | None]
"""Bytes, their reuse distance, and the box of their round (see `Event`)."""


class Clock:
    """Bytes by the time of their last touch; `since(t)` sums those touched after t."""

    def __init__(self) -> None:
        self._tree = [0.0]
        self._total = 0.0

    def tick(self) -> int:
        """A new time, later than all others."""
        index = len(self._tree)
        value, step = 0.0, 1
        while step < (index & -index):
            value += self._tree[index - step]
            step <<= 1
        self._tree.append(value)
        return index

    @property
    def now(self) -> int:
        return len(self._tree) - 1

    def add(self, time: int, count: float) -> None:
        """Let `count` more bytes be last touched at `time`."""
        tree, size = self._tree, len(self._tree)
        self._total += count
        while time < size:
            tree[time] += count
            time += time & -time

    def since(self, time: int) -> float:
        """Bytes whose last touch came after `time`."""
        tree, before = self._tree, 0.0
        while time > 0:
            before += tree[time]
            time &= time - 1
        return self._total - before


@dataclass(slots=True)
class Event:
    """One touch of a tensor: what it found (reads) or what becomes of what it wrote (writes).

    parts: bytes with their distance (backward for a read, forward for a write), and for what a loop's
    previous round touched the sum of all such bytes in this round, as a box that fills up.
    elements: those that nobody has touched since.
    """

    time: int
    is_write: bool
    bytes_per_element: float
    elements: int = 0
    parts: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class Piece:
    """Elements that a touch finds: who touched them last (None: nobody), whose write waits for a touch.

    rest: how many of that event's elements, from these on in its sweep and these included, nobody has
    touched since: a touch sweeps its tensor in order of address, and what it met before these does
    not lie between.
    """

    elements: int
    event: Event | None
    writer: Event | None
    rest: int


@dataclass(slots=True)
class Segment:
    """Elements [start, stop) of a storage, last touched by `event`; writer as in `Piece`."""

    start: int
    stop: int
    event: Event
    writer: Event | None


class Line:
    """The history of a storage that is touched in intervals: disjoint segments in order of address."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self.segments: list[Segment] = []

    def touch(self, region: Region, event: Event, *, writes: bool, keeps: bool) -> list[Piece]:
        """What was there before this touch, which then is the last one."""
        start, stop = region.start, region.start + region.columns
        if start == stop:
            return []
        first, last = self._cut(start), self._cut(stop)
        found = self.segments[first:last]
        pieces, at = [], start
        for index, segment in enumerate(found, first):
            if segment.start > at:
                pieces.append(Piece(segment.start - at, None, None, 0))
            rest = self._rest(index, segment.event)
            pieces.append(Piece(segment.stop - segment.start, segment.event, segment.writer, rest))
            at = segment.stop
        if at < stop:
            pieces.append(Piece(stop - at, None, None, 0))
        new = _renewed(found, start, stop, event, writes=writes, keeps=keeps)
        self.segments[first:last] = new
        self._starts[first:last] = [segment.start for segment in new]
        return pieces

    def _cut(self, at: int) -> int:
        """Split the segment across `at`; the index of the first one that starts there or later."""
        index = bisect_right(self._starts, at) - 1
        if index >= 0:
            segment = self.segments[index]
            if segment.start == at:
                return index
            if segment.stop > at:
                self.segments.insert(index + 1, Segment(at, segment.stop, segment.event, segment.writer))
                self._starts.insert(index + 1, at)
                segment.stop = at
        return index + 1

    def _rest(self, index: int, event: Event) -> int:
        """Elements from this segment on that the event touched last."""
        elements = 0
        while elements < event.elements and index < len(self.segments):
            segment = self.segments[index]
            if segment.event is event:
                elements += segment.stop - segment.start
            index += 1
        return elements


def _renewed(
    found: list[Segment], start: int, stop: int, event: Event, *, writes: bool, keeps: bool
) -> list[Segment]:
    """The segments after a touch: one, but where a read must remember several writers."""
    if writes or not keeps:
        return [Segment(start, stop, event, event if writes else None)]
    new: list[Segment] = []
    at = start
    for segment in found:
        if segment.start > at:
            new.append(Segment(at, segment.start, event, None))
        new.append(Segment(segment.start, segment.stop, event, segment.writer))
        at = segment.stop
    if at < stop:
        new.append(Segment(at, stop, event, None))
    return new


Rectangle = tuple[int, int, int, int]
"""Rows [0, 1) and columns [2, 3)."""


@dataclass(slots=True)
class Patch:
    """A rectangle of a storage seen as rows of one pitch, last touched by `event`."""

    area: Rectangle
    event: Event
    writer: Event | None


class Grid:
    """The history of a storage that is also touched in columns: disjoint rectangles at one pitch."""

    def __init__(self, pitch: int, line: Line) -> None:
        self.pitch = pitch
        self.patches = [
            Patch(area, segment.event, segment.writer)
            for segment in line.segments
            for area in self._areas(Region(start=segment.start, columns=segment.stop - segment.start))
        ]

    def fitted(self, region: Region) -> Region:
        """The region, if it is an interval or has this pitch; else the interval that spans it."""
        if region.rows == 1 or (
            region.pitch == self.pitch and region.start % self.pitch + region.columns <= self.pitch
        ):
            return region
        span = (region.rows - 1) * region.pitch + region.columns
        return Region(start=region.start, columns=span, is_exact=False)

    def _areas(self, region: Region) -> list[Rectangle]:
        """A fitted region as rectangles: rows of this pitch, or an interval cut at the rows' ends."""
        row, column = divmod(region.start, self.pitch)
        if region.rows > 1:
            return [(row, row + region.rows, column, column + region.columns)]
        last_row, last_column = divmod(region.start + region.columns, self.pitch)
        if row == last_row:
            return [(row, row + 1, column, last_column)]
        areas = []
        if column:
            areas.append((row, row + 1, column, self.pitch))
            row += 1
        if row < last_row:
            areas.append((row, last_row, 0, self.pitch))
        if last_column:
            areas.append((last_row, last_row + 1, 0, last_column))
        return areas

    def touch(self, region: Region, event: Event, *, writes: bool, keeps: bool) -> list[Piece]:
        """What was there before this touch, which then is the last one."""
        pieces: list[Piece] = []
        rest: dict[int, int] = {}
        for patch in self.patches:
            rest[patch.event.time] = rest.get(patch.event.time, 0) + _size(patch.area)
        for area in self._areas(region):
            kept, inside = [], []
            for patch in self.patches:
                common = _common(patch.area, area)
                if common is None:
                    kept.append(patch)
                    continue
                pieces.append(Piece(_size(common), patch.event, patch.writer, rest[patch.event.time]))
                kept.extend(Patch(part, patch.event, patch.writer) for part in _without(patch.area, common))
                inside.append((common, patch.writer))
            if keeps and not writes:
                new = [Patch(common, event, writer) for common, writer in inside]
                holes = [area]
                for common, _ in inside:
                    holes = [part for hole in holes for part in _without(hole, common)]
                new += [Patch(hole, event, None) for hole in holes]
            else:
                new = [Patch(area, event, event if writes else None)]
            self.patches = kept + new
        fresh = region.elements - sum(piece.elements for piece in pieces)
        return [*pieces, Piece(fresh, None, None, 0)] if fresh else pieces

    @property
    def segments(self) -> list[Segment]:
        """The patches as segments of the same sizes (their addresses mean nothing)."""
        return [Segment(0, _size(patch.area), patch.event, patch.writer) for patch in self.patches]


def _size(area: Rectangle) -> int:
    return (area[1] - area[0]) * (area[3] - area[2])


def _common(a: Rectangle, b: Rectangle) -> Rectangle | None:
    top, bottom, left, right = max(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), min(a[3], b[3])
    return (top, bottom, left, right) if top < bottom and left < right else None


def _without(a: Rectangle, hole: Rectangle) -> list[Rectangle]:
    """The parts of `a` outside of `hole`, in at most four rectangles."""
    cut = _common(a, hole)
    if cut is None:
        return [a]
    top, bottom, left, right = cut
    parts = [
        (a[0], top, a[2], a[3]),
        (bottom, a[1], a[2], a[3]),
        (top, bottom, a[2], left),
        (top, bottom, right, a[3]),
    ]
    return [part for part in parts if part[0] < part[1] and part[2] < part[3]]
