"""The trace of a stream, derived from the traces of whole sequences at two lengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hwcost.errors import HwcostError, OrderError
from hwcost.graph import FIRST_STEP, LAST_STEP, PROMPT, STEPS, Loop, Op, Trace
from hwcost.orders.causality import SMALL, require_causal
from hwcost.orders.chunk import items_of
from hwcost.orders.growth import Growth
from hwcost.orders.layout import Chunk
from hwcost.orders.lengths import two_lengths
from hwcost.orders.matching import Node, matched
from hwcost.orders.once import before
from hwcost.orders.order import Order
from hwcost.orders.parts import Parts, parts_of, steps_in
from hwcost.orders.prompt import prefill
from hwcost.orders.scene import Scene
from hwcost.orders.segments import Segment, generation, segments
from hwcost.orders.settle import settled
from hwcost.orders.views import Past

AXES: Final = {"prompt": PROMPT, "first": FIRST_STEP, "between": STEPS, "last": LAST_STEP}


def streamed(make: Callable[[int], Trace], *, order: Order, seq_len: int) -> Trace:
    """The trace of a model whose sequence of `seq_len` steps arrives in chunks of `order.steps`.

    make: the trace of the model over a whole sequence of some length. An op of a chunk costs what the op of
    the whole sequence grows by when the sequence grows by a chunk. With a prompt, that is the first chunk.

    Raises:
        OrderError: the model has no such form, and why.
        HwcostError: it cannot be traced.
    """
    steps = min(order.steps or seq_len, seq_len)
    short, long, growth = two_lengths(make, seq_len)
    scene = Scene(growth=growth, steps=steps)
    nodes = matched(short.items, long.items)
    parts = parts_of(scene, nodes)
    if not parts.body:
        raise OrderError("no call in it depends on its sequence", mend="take --order offline")
    _require_causal(make, short, long, growth)
    if order.prompt is None:
        body = [_segment(scene, parts, segment, seq_len) for segment in _cut(parts, seq_len, steps)]
    else:
        body = _generation(scene, parts, nodes, order.prompt, seq_len)
    end = Chunk(steps=steps, start=seq_len - steps, so_far=seq_len, length=seq_len)
    after = [item for step in parts.after for item in items_of(scene, step, end, (), inside=False)]
    items = settled((*before(scene, parts, seq_len, (*body, *after)), *body, *after))
    return replace(
        long,
        items=items,
        parameters=growth.at(short.parameters, long.parameters, seq_len),
        weight_bytes=growth.at(short.weight_bytes, long.weight_bytes, seq_len),
        seq_len=seq_len,
        order=order.word,
        prompt=order.prompt,
    )


def _require_causal(make: Callable[[int], Trace], short: Trace, long: Trace, growth: Growth) -> None:
    """Follow the dependences in the shortest trace that the model has at hand."""
    small, steps = short, growth.short
    if growth.short > SMALL:
        try:
            small, steps = make(SMALL), SMALL
            matched(small.items, long.items)
        except HwcostError:
            small, steps = short, growth.short
    require_causal(small, long, Growth(short=steps, long=growth.long))


def _cut(parts: Parts, length: int, steps: int) -> tuple[Segment, ...]:
    """The segments that what grows in the body asks for."""
    pasts, windows = _growing(parts)
    return segments(length, steps, grows=pasts, windows=windows)


def _growing(parts: Parts) -> tuple[bool, set[int]]:
    """Whether anything in the body looks back over all steps so far, and over how many where limited."""
    pasts = {
        kind
        for step in steps_in(parts.body)
        for view in step.inputs
        for kind in view.kinds
        if isinstance(kind, Past)
    }
    windows = {past.window for past in pasts if past.window is not None}
    return bool(pasts), windows


def _generation(
    scene: Scene, parts: Parts, nodes: tuple[Node, ...], prompt: int, length: int
) -> list[Loop[Op]]:
    """The loop of the prompt, then those of the steps behind it."""
    grows, windows = _growing(parts)
    _, stretches = generation(length, prompt, grows=grows, windows=windows)
    behind = [_segment(scene, parts, segment, length) for segment in stretches]
    # Of a single token nothing is behind the prompt; what would be kept is that of its own last step.
    alike = Segment(start=length - 1, chunks=1, steps=1, place="last")
    kept = behind or [_segment(scene, parts, alike, length)]
    return [prefill(nodes, scene.growth, prompt, length, tuple(kept)), *behind]


def _segment(scene: Scene, parts: Parts, segment: Segment, length: int) -> Loop[Op]:
    """The loop of a segment; its ops are those of the chunk in its middle."""
    start = segment.start
    middle = start + (segment.chunks + 1) // 2 * segment.steps
    chunk = Chunk(steps=segment.steps, start=start, so_far=min(middle, length), length=length)
    items = (item for part in parts.body for item in items_of(scene, part, chunk, ()))
    return Loop(times=segment.chunks, body=tuple(items), axis=AXES[segment.place])
