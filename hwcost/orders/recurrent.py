"""Recurrent layers in a stream: a chunk of steps from the state that the chunk before it left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from hwcost.errors import OrderError
from hwcost.orders.matching import STEP_MEND, LoopPair, Node, Pair, named
from hwcost.orders.plain import step_of
from hwcost.orders.scene import Scene, outputs_of
from hwcost.orders.views import Step, View

STATES: Final = {"torch.lstm": 2, "torch.gru": 1, "torch.rnn_tanh": 1, "torch.rnn_relu": 1}
"""Layers that were caught whole, and how many states they carry."""


def require_forwards(nodes: Iterable[Node]) -> None:
    """Refuse what no chunk is long enough for: a layer that reads the sequence backwards.

    Raises:
        OrderError: there is one.
    """
    for node in nodes:
        if isinstance(node, LoopPair):
            require_forwards(node.body)
            continue
        op, before = node.long, node.short
        if op.name in STATES and op.attributes.get("bidirectional"):
            time = 1 if op.attributes.get("batch_first") else 0
            if len(op.inputs[0].shape) < 3 or op.inputs[0].shape[time] != before.inputs[0].shape[time]:
                raise OrderError(
                    f"{named(op)} reads the sequence backwards: it has no streaming form",
                    mend="take --order offline, or a layer of one direction",
                )


def layer(scene: Scene, pair: Pair) -> list[Step]:
    """y, h_n(, c_n) = layers over x: the final states lie where the initial ones do.

    Raises:
        OrderError: it runs backwards as well, or its sequences are packed and differ in length.
    """
    op = pair.long
    inputs, outputs = scene.views(pair.short.inputs, op.inputs), outputs_of(scene, pair)
    batch = 1 if op.attributes.get("batch_first") else 0
    if len(inputs[0].kinds) > 2 and inputs[0].kinds[batch] is None:
        return [step_of(pair, inputs, outputs)]  # time is its batch: each step is a sequence by itself
    require_forwards((pair,))
    sizes = op.attributes.get("batch_sizes")
    if isinstance(sizes, tuple) and len(sizes) > 1:
        raise OrderError(f"{named(op)} runs over packed sequences of unequal lengths", mend=STEP_MEND)
    states = STATES[op.name]
    carried = [
        _carried(scene, before, after)
        for before, after in zip(inputs[1 : 1 + states], outputs[1 : 1 + states], strict=True)
    ]
    befores, afters = zip(*carried, strict=True)
    return [
        step_of(
            pair, (inputs[0], *befores, *inputs[1 + states :]), (outputs[0], *afters, *outputs[1 + states :])
        )
    ]


def _carried(scene: Scene, before: View, after: View) -> tuple[View, View]:
    """The views of a state before and after a chunk: one place, which keeps it.

    It is that of the initial state, unless this is a weight, an input, or the start of several states.
    """
    place = scene.places[before.place]
    is_ours = place.role == "activation" and before.place not in scene.written
    if is_ours:
        scene.names[after.place] = before.place
        place.role = "state"
        scene.places.pop(after.place, None)
        return before, replace(after, place=before.place)
    scene.places[after.place].role = "state"
    scene.status.pop(after.place, None)
    kept = replace(before, short=after.short, long=after.long, place=after.place)
    return kept, after
