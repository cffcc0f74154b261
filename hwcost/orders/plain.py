"""Ops that treat each step by itself: elementwise ones, copies, normalisations, reductions, joins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Final

from hwcost.errors import OrderError
from hwcost.graph import Op, contiguous
from hwcost.orders.matching import JOINING, STEP_MEND, Pair, named
from hwcost.orders.scene import Scene, mixing, normalised_dims, outputs_of
from hwcost.orders.views import NOW, Kind, Past, Place, Step, View

MIXING: Final = {
    **{
        f"aten.{name}": "dim"
        for name in ("_softmax", "softmax", "_log_softmax", "log_softmax", "_safe_softmax")
    },
    **{f"aten.{name}": "dim" for name in ("sort", "argsort", "topk", "kthvalue", "median", "mode")},
    **{f"aten._fft_{name}": "dim" for name in ("c2c", "r2c", "c2r")},
    "aten.flip": "dims",
    "aten.roll": "dims",
}
"""Ops that need all of a dimension at once, and the attribute that names it."""

NORMALISING: Final = frozenset(
    {"aten.native_layer_norm", "aten.layer_norm", "aten._fused_rms_norm", "aten.rms_norm"}
)
"""Normalisations over the last dimensions, as many as `normalized_shape` has."""

RUNNING: Final = frozenset(
    f"aten.{name}" for name in ("sum", "mean", "amax", "amin", "max", "min", "prod", "any", "all", "nansum")
)
"""Reductions whose result of all steps so far is one more operation away from that of the next."""

CUMULATIVE: Final = frozenset(
    f"aten.{name}" for name in ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")
)
"""Ops whose result at a step is that of the step before and one operation more."""

REDUCING: Final = RUNNING | frozenset(
    f"aten.{name}"
    for name in (
        *("var", "std", "var_mean", "std_mean", "norm", "linalg_vector_norm", "logsumexp", "argmax"),
        *("argmin", "count_nonzero", "aminmax"),
    )
)


def plain(scene: Scene, pair: Pair) -> list[Step]:
    """An op of a chunk whose dimensions stay what they are from its inputs to its outputs."""
    op = pair.long
    if op.name in JOINING:
        return _joined(scene, pair)
    inputs = scene.views(pair.short.inputs, op.inputs)
    _check(op, inputs)
    if op.name in REDUCING and inputs:
        return _reduced(scene, pair, inputs[0])
    outputs = outputs_of(scene, pair)
    if not any(any(view.kinds) for view in outputs):
        raise mixing(op)
    first = outputs[0]
    kinds = _kinds(op, inputs, first)
    window = band_window(op)
    for kind in kinds:
        if isinstance(kind, Past) and window is not None:
            kind.window = window if kind.window is None else min(kind.window, window)
    inputs = [_aligned(scene, op, view, kinds) for view in inputs]
    outputs = [scene.with_kinds(first, kinds), *outputs[1:]]
    if op.name in CUMULATIVE and first.kinds[normalised_dims(op, len(first.kinds), "dim")[0]] == NOW:
        last = _last(scene, first, normalised_dims(op, len(first.kinds), "dim")[0])
        return [*scene.taken(), step_of(pair, [*inputs, last], [*outputs, last])]
    return [*scene.taken(), step_of(pair, inputs, outputs)]


def _last(scene: Scene, view: View, dim: int) -> View:
    """A place for one step of a result, which the stream keeps: that of the last step so far."""
    name = f"{view.place}.last"
    shape = tuple(1 if i == dim else size for i, size in enumerate(view.long.shape))
    storage = replace(view.long.storage, id=name, elements=prod(shape), role="state")
    tensor = contiguous(storage, shape)
    scene.places[name] = Place(name=name, short=storage, long=storage, is_whole=False, role="state")
    scene.written.add(name)
    return View(short=tensor, long=tensor, kinds=(None,) * len(shape), place=name)


def band_window(op: Op) -> int | None:
    """How many of the last keys a mask leaves a query, itself included; None: all, or not known."""
    match op.attributes.get("band"):
        case (int(lowest), int()) if lowest < 0:
            return 1 - lowest
    return None


def step_of(pair: Pair, inputs: Sequence[View], outputs: Sequence[View], *, is_list: bool = False) -> Step:
    """The step that a pair amounts to."""
    return Step(
        short=pair.short, long=pair.long, inputs=tuple(inputs), outputs=tuple(outputs), is_list=is_list
    )


def _check(op: Op, inputs: Sequence[View]) -> None:
    """Raise for an op that mixes the steps of the sequence."""
    if not inputs:
        return
    view = inputs[0]
    ndim = len(view.kinds)
    dims: tuple[int, ...] = ()
    if op.name in MIXING:
        dims = normalised_dims(op, ndim, MIXING[op.name])
    elif op.name in NORMALISING:
        shape = op.attributes.get("normalized_shape")
        dims = tuple(range(ndim - (len(shape) if isinstance(shape, tuple) else 1), ndim))
    elif op.name in ("aten.native_group_norm", "aten.group_norm"):
        dims = tuple(range(1, ndim))
    elif op.name in ("aten.native_batch_norm", "aten.batch_norm") and op.attributes.get("training"):
        dims = tuple(i for i in range(ndim) if i != 1)
    if any(view.kinds[i] == NOW for i in dims):
        raise mixing(op)


def _kinds(op: Op, inputs: Sequence[View], out: View) -> tuple[Kind, ...]:
    """The kinds of a result's dimensions, from those that stand in the same place in the inputs."""
    ndim = len(out.kinds)
    kinds = list(out.kinds)
    for i, kind in enumerate(kinds):
        if kind is None:
            continue
        pasts = [
            found
            for view in inputs
            if (at := i - ndim + len(view.kinds)) >= 0 and isinstance(found := view.kinds[at], Past)
        ]
        if pasts:
            kinds[i] = _united(pasts)
    growing = [i for i, kind in enumerate(kinds) if kind is not None]
    if len(growing) > 1 and all(kinds[i] == NOW for i in growing):
        if len(growing) > 2:
            raise OrderError(f"{named(op)} grows with the sequence in {len(growing)} ways", mend=STEP_MEND)
        kinds[growing[-1]] = Past()
    return tuple(kinds)


def _united(pasts: Sequence[Past]) -> Past:
    """The first of some pasts that are one; the narrowest window holds for all."""
    windows = [past.window for past in pasts if past.window is not None]
    for past in pasts:
        past.window = min(windows, default=None)
    return pasts[0]


def _aligned(scene: Scene, op: Op, view: View, kinds: Sequence[Kind]) -> View:
    """An input whose dimension over all steps so far is read as such."""
    for i, kind in enumerate(kinds):
        at = i - len(kinds) + len(view.kinds)
        if isinstance(kind, Past) and at >= 0 and view.kinds[at] == NOW:
            view = scene.so_far(view, at, kind, op)
    return view


def _reduced(scene: Scene, pair: Pair, view: View) -> list[Step]:
    """A reduction: over other dimensions, over all steps so far, or over time by a running result."""
    op = pair.long
    dims = normalised_dims(op, len(view.kinds), "dim")
    outputs = outputs_of(scene, pair)
    if not any(view.kinds[i] == NOW for i in dims):
        keeps = bool(op.attributes.get("keepdim"))
        kinds = tuple(
            None if i in dims else kind for i, kind in enumerate(view.kinds) if keeps or i not in dims
        )
        if len(kinds) == len(outputs[0].kinds):
            outputs[0] = scene.with_kinds(outputs[0], kinds)
        return [step_of(pair, [view], outputs)]
    if op.name not in RUNNING or any(any(out.kinds) for out in outputs):
        raise mixing(op)
    return running(scene, step_of(pair, [view], outputs[:1]))


def running(scene: Scene, step: Step) -> list[Step]:
    """A result of a chunk, added to that of the chunks before it, which the stream keeps."""
    total = step.outputs[0]
    place = scene.places[total.place]
    place.role = "state"
    name = f"{total.place}.part"
    scene.places[name] = replace(place, name=name, role="activation", pasts={})
    part = replace(total, place=name)
    add = Op(name="aten.add_", module=step.long.module, is_pointwise=True)
    return [
        replace(step, outputs=(part, *step.outputs[1:])),
        Step(short=add, long=add, inputs=(total, part), outputs=(total,)),
    ]


def _joined(scene: Scene, pair: Pair) -> list[Step]:
    """Tensors side by side: of as many steps as a chunk has; along time, what does not grow is padding."""
    op = pair.long
    outputs = outputs_of(scene, pair)
    if pair.is_list_of_steps:
        count = min(len(pair.short.inputs), len(op.inputs))
        inputs = scene.views(pair.short.inputs[-count:], op.inputs[-count:])
        return [step_of(pair, inputs, outputs, is_list=True)]
    out = outputs[0]
    inputs = scene.views(pair.short.inputs, op.inputs)
    if "stack" not in op.name:  # an empty vector may stand beside tensors of any rank
        inputs = [view for view in inputs if len(view.kinds) == len(out.kinds)]
    (dim,) = normalised_dims(op, len(out.kinds), "dim")[:1] or (0,)
    if "stack" not in op.name and out.kinds[dim] is not None:
        inputs = [view for view in inputs if view.kinds[dim] is not None]
    if "stack" in op.name or not inputs:
        return [step_of(pair, inputs, outputs)]
    kinds = _kinds(op, inputs, out)
    inputs = [_aligned(scene, op, view, kinds) for view in inputs]
    return [*scene.taken(), step_of(pair, inputs, [scene.with_kinds(out, kinds), *outputs[1:]])]
