"""Convolutions and pools over time: a chunk of results, from a ring of the last inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hwcost.errors import OrderError
from hwcost.graph import Op
from hwcost.orders.matching import STEP_MEND, Pair, named
from hwcost.orders.plain import plain, step_of
from hwcost.orders.scene import Scene, outputs_of
from hwcost.orders.views import Step, View, Window

CONVOLUTIONS: Final = frozenset(
    {"aten.convolution", "aten._convolution", *(f"aten.conv{d}d" for d in (1, 2, 3))}
)
POOLS: Final = frozenset(
    {
        *(f"aten.{kind}_pool{d}d" for kind in ("max", "avg") for d in (1, 2, 3)),
        *(f"aten.max_pool{d}d_with_indices" for d in (1, 2, 3)),
    }
)


def convolution(scene: Scene, pair: Pair) -> list[Step]:
    """A convolution or a pool; without time among its spatial dimensions it is an op like others."""
    op = pair.long
    inputs, outputs = scene.views(pair.short.inputs, op.inputs), outputs_of(scene, pair)
    x = inputs[0]
    kernel = inputs[1].long.shape[2:] if op.name in CONVOLUTIONS else _numbers(op, "kernel_size")
    first = len(x.kinds) - len(kernel)
    times = [dim for dim in range(first, len(x.kinds)) if x.kinds[dim] is not None]
    if not times or op.attributes.get("transposed"):
        return plain(scene, pair)
    if len(times) > 1:
        raise OrderError(
            f"{named(op)} grows with the sequence in {len(times)} directions", mend="--set source_len=N"
        )
    (dim,) = times
    window = _window(scene, op, x, outputs[0], dim, kernel[dim - first], dim - first)
    chunk = scene.growth.over(x.short.shape[dim], x.long.shape[dim], scene.steps)
    if window.span > chunk:
        if scene.places[x.place].is_whole:
            x = scene.ring(x, op)
        place = scene.places[x.place]
        place.role = "state"
        place.kept = max(place.kept, window.span - chunk)
    steps = scene.taken()
    return [*steps, step_of(pair, (replace(x, window=window), *inputs[1:]), outputs)]


def _window(scene: Scene, op: Op, x: View, y: View, dim: int, taps: int, index: int) -> Window:
    """What a chunk of results reads.

    Raises:
        OrderError: its results come at another pace than the chunks.
    """
    stride = _entry(op, "stride", index) or (taps if op.name in POOLS else 1)
    growth = scene.growth
    pace = growth.rate(x.short.shape[dim], x.long.shape[dim])
    at = dim - len(x.kinds)
    results = growth.rate(y.short.shape[at], y.long.shape[at]) * scene.steps
    if pace * scene.steps % stride:
        needed = -(-stride // pace.numerator) * pace.denominator
        raise OrderError(
            f"{named(op)} advances {needed} steps at a time",
            mend=f"take --order chunk:{needed}, or a multiple of it",
        )
    if results != pace * scene.steps / stride:
        raise OrderError(f"{named(op)} has results at another pace than its stride", mend=STEP_MEND)
    return Window(
        dim=dim,
        taps=taps,
        dilation=_entry(op, "dilation", index) or 1,
        stride=stride,
        results=int(results),
    )


def _numbers(op: Op, key: str) -> tuple[int, ...]:
    value = op.attributes.get(key)
    entries = value if isinstance(value, tuple) else (value,)
    return tuple(entry for entry in entries if isinstance(entry, int))


def _entry(op: Op, key: str, index: int) -> int:
    """The entry of a list attribute for one spatial dimension; one entry holds for all; 0 for none."""
    entries = _numbers(op, key)
    if not entries:
        return 0
    return entries[index] if index < len(entries) else entries[0]
