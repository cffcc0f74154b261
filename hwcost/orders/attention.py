"""Attention in a stream: queries of this chunk, keys and values of all steps so far, kept in caches."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Final

from hwcost.graph import Tensor
from hwcost.orders.matching import Pair
from hwcost.orders.plain import band_window, plain, running, step_of
from hwcost.orders.scene import Scene, mixing, outputs_of
from hwcost.orders.views import NOW, Kind, Past, Step, View

ATTENTION: Final = frozenset(
    {"torch.scaled_dot_product_attention", "aten.scaled_dot_product_attention", "higher_order.flex_attention"}
)

PRODUCTS: Final = frozenset(
    f"aten.{name}" for name in ("mm", "bmm", "addmm", "baddbmm", "matmul", "_int_mm", "_addmm_activation")
)
"""Products of matrices, whose last two inputs are A and B."""

REPEATING: Final = frozenset({"aten.clone", "aten._to_copy", "aten.contiguous", "aten.repeat_interleave"})
"""Copies that may do no more than to repeat heads."""

SEES_ALL: Final = (
    "take --order offline, or let its attention be causal (--set causal=true where there is one)"
)


def attention(scene: Scene, pair: Pair) -> list[Step]:
    """softmax(q k' + mask) v: of a chunk's queries over the keys so far, or over keys that stay the same."""
    op = pair.long
    inputs = scene.views(pair.short.inputs, op.inputs)
    outputs = outputs_of(scene, pair)
    queries, keys, values = inputs[:3]
    if keys.kinds[-2] is None:
        return [step_of(pair, inputs, outputs)]
    if queries.kinds[-2] != NOW:
        raise mixing(op)
    is_masked = len(inputs) > 3 or bool(op.attributes.get("is_causal"))
    window = band_window(op)
    if not is_masked:
        raise mixing(op, mend=SEES_ALL)
    past = Past(window=window)
    keys, values = (
        scene.so_far(unrepeated(scene, view), len(view.kinds) - 2, past, op) for view in (keys, values)
    )
    attributes = {"attn_mask": None, "is_causal": scene.steps > 1}
    return [*scene.taken(), replace(step_of(pair, (queries, keys, values), outputs), attributes=attributes)]


def unrepeated(scene: Scene, view: View) -> View:
    """Keys or values before a copy that only repeats their heads: [B, H, T, d] as [B, Hk, T, d]."""
    found = scene.repeats.get(view.place)
    if found is None:
        return view
    short, long = found
    kept = [i for i, stride in enumerate(long.strides) if stride or long.shape[i] == 1]
    if len(kept) != len(view.kinds):
        return view
    short, long = (
        replace(
            tensor,
            shape=tuple(tensor.shape[i] for i in kept),
            strides=tuple(tensor.strides[i] for i in kept),
        )
        for tensor in (short, long)
    )
    base = scene.view(short, long)
    return base if base.kinds == view.kinds else view


def remember_repeats(scene: Scene, pair: Pair) -> None:
    """Remember a copy of an expanded tensor: what is cached is what it was made from."""
    op = pair.long
    if op.name not in REPEATING or len(op.inputs) != 1 or len(op.outputs) != 1:
        return
    tensor = op.inputs[0]
    if tensor.elements > tensor.distinct_elements:
        scene.repeats[op.outputs[0].storage.id] = (pair.short.inputs[0], tensor)


def product(scene: Scene, pair: Pair) -> list[Step]:
    """C[..., m, n] = A[..., m, k] B[..., k, n], of which time may be m, n, both (scores) or k (their sum)."""
    op = pair.long
    inputs = scene.views(pair.short.inputs, op.inputs)
    if len(inputs) < 2 or min(len(view.kinds) for view in inputs[-2:]) < 2:
        return plain(scene, pair)
    *others, a, b = inputs
    outputs = outputs_of(scene, pair)
    if not others:
        a, b, outputs[0] = shared(scene, a, b, outputs[0])
    if a.kinds[-1] is not None or b.kinds[-2] is not None:
        if not isinstance(a.kinds[-1], Past) and not isinstance(b.kinds[-2], Past):
            return _summed(scene, pair, a, b)
        past = next(kind for kind in (a.kinds[-1], b.kinds[-2]) if isinstance(kind, Past))
        a = scene.so_far(a, len(a.kinds) - 1, past, op)
        b = scene.so_far(b, len(b.kinds) - 2, past, op)
    elif a.kinds[-2] is not None and b.kinds[-1] is not None:
        past = b.kinds[-1] if isinstance(b.kinds[-1], Past) else Past(window=band_window(op))
        b = scene.so_far(b, len(b.kinds) - 1, past, op)
    kinds: tuple[Kind, ...] = (*outputs[0].kinds[:-2], a.kinds[-2], b.kinds[-1])
    out = scene.with_kinds(outputs[0], kinds)
    others = [replace(view, kinds=kinds[len(kinds) - len(view.kinds) :]) for view in others]
    return [*scene.taken(), step_of(pair, (*others, a, b), (out, *outputs[1:]))]


def shared(scene: Scene, a: View, b: View, out: View) -> tuple[View, View, View]:
    """A, B and C of a product whose B repeats heads, with the heads that share a B as rows of one product.

    C[B*H, n, m] = A[B*H, n, k] B[B*H, k, m] is C[B*Hk, r*n, m] = A[B*Hk, r*n, k] B[B*Hk, k, m], H = r * Hk.
    Others are left as they are.
    """
    found = scene.repeats.get(b.place)
    if found is None or len(b.kinds) != 3 or len(found[1].shape) < 4:
        return a, b, out
    expanded = found[1]
    repeats, lead = expanded.shape[-3], expanded.shape[:-3]
    is_repeated = not expanded.strides[-3] and all(expanded.strides[-2:]) and lead[-1] == prod(lead)
    if not is_repeated or b.long.shape[0] != prod(lead) * repeats:
        return a, b, out

    def base(tensor: Tensor, like: Tensor) -> Tensor:
        inner = tensor.strides[-2:] if like.strides[-1] == 1 else tensor.strides[:-3:-1]
        shape = (like.shape[0] // repeats, *like.shape[1:])
        return replace(tensor, shape=shape, strides=(tensor.strides[-4], *inner))

    def rows(tensor: Tensor) -> Tensor:
        shape = (tensor.shape[0] // repeats, tensor.shape[1] * repeats, tensor.shape[2])
        return replace(tensor, shape=shape, strides=(tensor.strides[0] * repeats, *tensor.strides[1:]))

    once = scene.view(base(found[0], b.short), base(found[1], b.long))
    if once.kinds != b.kinds:
        return a, b, out
    a, out = (replace(view, short=rows(view.short), long=rows(view.long)) for view in (a, out))
    return a, once, out


def _summed(scene: Scene, pair: Pair, a: View, b: View) -> list[Step]:
    """A product that sums over time: with a table of weights per step, or into one result of all steps."""
    op = pair.long
    outputs = outputs_of(scene, pair)
    if scene.status_of(a.long) is None and len(a.kinds) > 1 and a.kinds[-2] is not None:
        past = Past()
        a = replace(a, kinds=(*a.kinds[:-1], past))
        b = scene.so_far(b, len(b.kinds) - 2, past, op)
        return [*scene.taken(), step_of(pair, (a, b), outputs)]
    if any(any(out.kinds) for out in outputs):
        raise mixing(op)
    step = step_of(pair, scene.views(pair.short.inputs, op.inputs), outputs)
    return running(scene, step)
