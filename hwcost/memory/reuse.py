"""Reuse distances of everything that a program touches: device-independent, loops not unrolled.

The program is run once in thought, tensor by tensor. For each touch the distinct bytes touched since
the last touch of the same data are its reuse distance (Mattson et al., IBM Systems Journal 9(2), 1970);
with them the traffic across a memory of any size follows (`misses`). A loop runs its first rounds and
its last ones; the rounds between are covered by what they touch in all, and counted by interpolation.

Conventions. A read asks how far back its data was touched. A write asks how far ahead its data is
touched next: if it is evicted before, it is written back. Results, and weights or inputs that are
written in place, must reach the farthest memory in the end. What is never touched again is dead: its
buffer is used again by the allocator, and nothing is written back. Reading a line in order to write it
(write-allocate) is not modelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf, isinf, prod

from hwcost.graph import FIRST_STEP, LAST_STEP, PROMPT, STEPS, Loop, Phase, Storage, Tensor, Tree, Work
from hwcost.memory.history import Clock, Event, Grid, Line, Part, Piece
from hwcost.memory.regions import region_of
from hwcost.memory.touches import OpReuse, Sample, Touch
from hwcost.units import dtype_bits

EXACT_ROUNDS = 6
"""Loops of up to this many rounds run whole; longer ones three rounds at either end."""

STREAM = (PROMPT, FIRST_STEP, STEPS, LAST_STEP)

BULKS = 16
"""Portions in which the rounds between are covered, so that what advances together interleaves."""


def reuse(tree: Tree[Work]) -> tuple[OpReuse, ...]:
    """The touches of each op with their reuse distances, in order of the program."""
    run = _Run()
    nodes = run.plan(tree, times=1, axis="")
    run.round(nodes, [], _Turn(phase="once", calls=1))
    run.settle()
    return tuple(leaf.reuse() for leaf in run.leaves)


@dataclass(slots=True)
class _Frame:
    """A loop that is running: its round, and when this round and the one before began.

    retained: the bytes that this round touches of what the one before touched. is_stream: its rounds are
    chunks of a stream; loops within it count as the phase of the chunk that they belong to.
    """

    round: int = 0
    began: int = 0
    before: float = inf
    retained: list[float] = field(default_factory=lambda: [0.0])
    is_stream: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """How a round counts. ramp: 1 and 2 for the two ends of the steady rounds, 0 for one of its own."""

    phase: Phase
    calls: int
    ramp: int = 0

    @property
    def share(self) -> int:
        """The calls that this round stands for by itself."""
        return {0: self.calls, 1: self.calls - self.calls // 2, 2: self.calls // 2}[self.ramp]


@dataclass(slots=True)
class _Leaf:
    """An op, with the events of each time that it ran and was recorded."""

    work: Work
    times: int
    axis: str
    tensors: tuple[tuple[Tensor, bool], ...]
    visits: list[tuple[_Turn, list[Event]]] = field(default_factory=list)

    def reuse(self) -> OpReuse:
        phases: dict[Phase, int] = {}
        touches: list[Touch] = []
        starts: list[Event] = []
        for turn, events in self.visits:
            if turn.ramp == 1:
                starts = events
                continue
            phases[turn.phase] = phases.get(turn.phase, 0) + turn.calls
            for index, (tensor, is_write) in enumerate(self.tensors):
                parts = events[index].parts
                samples = (
                    _ramp(turn, starts[index].parts, parts)
                    if turn.ramp
                    else _samples(turn, turn.calls, parts)
                )
                touches.extend(
                    Touch(tensor=tensor, is_write=is_write, bytes=count, samples=(sample,))
                    for count, sample in samples
                )
        return OpReuse(
            work=self.work,
            times=self.times,
            axis=self.axis,
            phases=tuple(phases.items()),
            touches=tuple(touches),
        )


def _samples(turn: _Turn, calls: int, parts: Sequence[Part]) -> Iterator[tuple[float, Sample]]:
    for count, distance, retained in parts:
        yield (
            count,
            Sample(
                phase=turn.phase,
                rounds=calls,
                start_bytes=distance,
                end_bytes=distance,
                retained_bytes=retained[0] if retained else 0.0,
            ),
        )


def _ramp(turn: _Turn, starts: Sequence[Part], ends: Sequence[Part]) -> Iterator[tuple[float, Sample]]:
    """Steady rounds from their first and last; where these differ in kind, half of each."""
    if len(starts) != len(ends) or any(
        abs(a[0] - b[0]) > 0.5 or isinf(a[1]) != isinf(b[1]) for a, b in zip(starts, ends, strict=True)
    ):
        yield from _samples(turn, turn.calls - turn.calls // 2, starts)
        yield from _samples(turn, turn.calls // 2, ends)
        return
    for (count, start, before), (_, end, after) in zip(starts, ends, strict=True):
        retained = min(before[0], after[0]) if before and after else 0.0
        yield (
            count,
            Sample(
                phase=turn.phase,
                rounds=turn.calls,
                start_bytes=start,
                end_bytes=end,
                retained_bytes=retained,
            ),
        )


_Node = _Leaf | tuple[Loop[Work], list["_Node"]]


class _Run:
    """One pass over the program."""

    def __init__(self) -> None:
        self.leaves: list[_Leaf] = []
        self._clock = Clock()
        self._memories: dict[str, tuple[Storage, Line | Grid]] = {}
        self._began: float = inf  # the last round of the stretch of a stream that ran last

    def plan(self, tree: Tree[Work], *, times: int, axis: str) -> list[_Node]:
        """The program's ops and loops, each op once, with a place for what it will touch."""
        nodes: list[_Node] = []
        for item in tree:
            if isinstance(item, Loop):
                around = (times, axis) if axis in STREAM else (item.times, item.axis)
                nodes.append((item, self.plan(item.body, times=around[0], axis=around[1])))
                continue
            tensors = (*((t, False) for t in item.reads), *((t, True) for t in item.writes))
            self.leaves.append(_Leaf(item, times, axis, tensors))
            nodes.append(self.leaves[-1])
        return nodes

    def round(self, nodes: list[_Node], frames: list[_Frame], turn: _Turn | None) -> None:
        """Run a body once; turn None: it is not recorded."""
        for node in nodes:
            if isinstance(node, _Leaf):
                events = [self._touch(tensor, is_write, frames) for tensor, is_write in node.tensors]
                if turn is not None:
                    node.visits.append((turn, events))
            else:
                self._loop(*node, frames, turn)

    def _loop(self, loop: Loop[Work], nodes: list[_Node], frames: list[_Frame], around: _Turn | None) -> None:
        calls = None if around is None else around.share
        # A stretch of a stream goes on where the one before it ended: its first round follows a round.
        goes_on = loop.axis in STREAM and not frames
        frame = _Frame(is_stream=loop.axis in STREAM)
        is_within = any(outer.is_stream for outer in frames)
        inside = [*frames, frame]
        for index, turn in _turns(loop.times, calls or 0):
            if turn is None:
                self._between(nodes, loop.times, inside)
                continue
            frame.round, frame.before, frame.began = index, frame.began, self._clock.now + 1
            if index == 0:
                frame.before = self._began if goes_on else inf
            frame.retained = [0.0]
            if around is not None and is_within:
                turn = replace(turn, phase=around.phase)
            self.round(nodes, inside, turn if calls and turn.calls else None)
        if goes_on:
            self._began = frame.began

    def _between(self, nodes: list[_Node], times: int, frames: list[_Frame]) -> None:
        """Touch what the rounds between the first and the last three touch, in a few portions."""
        first, last = 3, times - 3
        bounds = sorted({first + (last - first) * part // BULKS for part in range(BULKS + 1)})
        for start, stop in pairwise(bounds):
            frames[-1].round, frames[-1].began = start, self._clock.now + 1
            self._cover(nodes, frames, [stop - start])

    def _cover(self, nodes: list[_Node], frames: list[_Frame], rounds: list[int]) -> None:
        """Touch what advances with the outermost of `rounds`; the rounds after touch the rest again."""
        for node in nodes:
            if isinstance(node, _Leaf):
                for tensor, is_write in node.tensors:
                    if len(tensor.advance) >= len(rounds) and tensor.advance[-len(rounds)]:
                        self._touch(tensor, is_write, frames, rounds)
            else:
                loop, inner = node
                self._cover(inner, [*frames, _Frame()], [*rounds, loop.times])

    def _touch(
        self, tensor: Tensor, is_write: bool, frames: list[_Frame], rounds: Sequence[int] = ()
    ) -> Event:
        steps = tensor.advance
        moved = sum(
            step * frame.round for step, frame in zip(reversed(steps), reversed(frames), strict=False)
        )
        region = region_of(tensor, moved, zip(reversed(rounds), reversed(steps), strict=False))
        storage = tensor.storage
        _, memory = self._memories.get(storage.id, (storage, Line()))
        if region.rows > 1 and isinstance(memory, Line):
            memory = Grid(region.pitch, memory)
        self._memories[storage.id] = storage, memory
        if isinstance(memory, Grid):
            region = memory.fitted(region)
        scale = dtype_bits(tensor.dtype) / 8
        if not region.is_exact:
            scale = min(scale, tensor.bytes * prod(rounds) / region.elements)
        event = Event(self._clock.tick(), is_write, scale)
        keeps = _outlives(storage)
        for piece in memory.touch(region, event, writes=is_write, keeps=keeps):
            self._account(event, piece, frames, keeps=keeps)
        return event

    def _account(self, event: Event, piece: Piece, frames: list[_Frame], *, keeps: bool) -> None:
        """Give a piece its distance: to this event if it reads, to the write that waits for it."""
        count = piece.elements * event.bytes_per_element
        last, distance, box = piece.event, inf, None
        if last is not None:
            distance = self._clock.since(last.time) + piece.rest * last.bytes_per_element
            self._clock.add(last.time, -piece.elements * last.bytes_per_element)
            last.elements -= piece.elements
            box = None if event.is_write else _crossed(last.time, count, frames)
        if not event.is_write:
            event.parts.append((count, distance, box))
        if piece.writer is not None and (event.is_write or not keeps):
            written = piece.elements * piece.writer.bytes_per_element
            piece.writer.parts.append((written, distance, None))
        self._clock.add(event.time, count)
        event.elements += piece.elements

    def settle(self) -> None:
        """Give what was written and never touched again its end: the farthest memory, or none."""
        for storage, memory in self._memories.values():
            for segment in memory.segments:
                if segment.writer is not None:
                    count = (segment.stop - segment.start) * segment.writer.bytes_per_element
                    segment.writer.parts.append((count, inf if _outlives(storage) else 0.0, None))


def _turns(times: int, calls: int) -> Iterator[tuple[int, _Turn | None]]:
    """The rounds of a loop that run, each with what it counts; None for those in between."""
    steady = (times - 2) * calls
    if times <= EXACT_ROUNDS:
        for index in range(times):
            phase: Phase = "first" if index == 0 else "last" if index == times - 1 else "steady"
            yield index, _Turn(phase=phase, calls=calls)
        return
    yield 0, _Turn(phase="first", calls=calls)
    yield 1, _Turn(phase="steady", calls=steady, ramp=1)
    yield 2, _Turn(phase="steady", calls=0)
    yield 3, None
    yield times - 3, _Turn(phase="steady", calls=0)
    yield times - 2, _Turn(phase="steady", calls=steady, ramp=2)
    yield times - 1, _Turn(phase="last", calls=calls)


def _outlives(storage: Storage) -> bool:
    """Whether what is written there must reach the farthest memory in the end."""
    return storage.role in ("output", "weight", "input", "optimiser")


def _crossed(time: int, count: float, frames: list[_Frame]) -> list[float] | None:
    """The box of the loop whose last round touched this datum, if this round has not yet."""
    for frame in reversed(frames):
        if time >= frame.began:
            return None
        if time >= frame.before:
            frame.retained[0] += count
            return frame.retained
    return None
