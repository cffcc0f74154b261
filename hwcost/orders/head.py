"""The head of a language model: what of a prompt only the next token needs."""

from __future__ import annotations

from collections.abc import Sequence

from hwcost.orders.attention import PRODUCTS
from hwcost.orders.convolution import CONVOLUTIONS
from hwcost.orders.parts import steps_in
from hwcost.orders.scene import Scene
from hwcost.orders.views import NOW, Rounds, Step, View


def head(scene: Scene, body: Sequence[Step | Rounds]) -> list[Step]:
    """The last product on the way to the result of every step, and what follows it.

    It is reached backwards from the result through ops that have a single input with time and whose result
    nothing else reads; a convolution counts where it sees one step. Nothing where there is no such product,
    or several results.
    """
    results = {
        view.place
        for step in steps_in(body)
        for view in step.outputs
        if scene.places[view.place].role == "output" and any(view.kinds)
    }
    found: list[Step] = []
    while len(results) == 1:
        (place,) = results
        writers = [part for part in body if _writes(part, place)]
        readers = [step for step in steps_in(body) if any(view.place == place for view in step.inputs)]
        if len(writers) != 1 or any(reader not in found for reader in readers):
            return []
        (step,) = writers
        if isinstance(step, Rounds) or not _is_of_each_step(scene, step):
            return []
        found.append(step)
        if step.long.name in PRODUCTS | CONVOLUTIONS:
            return found
        results = {view.place for view in _timed(scene, step)}
    return []


def _writes(part: Step | Rounds, place: str) -> bool:
    return any(view.place == place for step in steps_in((part,)) for view in step.outputs)


def _timed(scene: Scene, step: Step) -> list[View]:
    return [view for view in step.inputs if any(view.kinds) and scene.status_of(view.long) is not None]


def _is_of_each_step(scene: Scene, step: Step) -> bool:
    """Whether a step of the result needs the same step of one input, and no other."""
    timed = _timed(scene, step)
    is_one = len({view.place for view in timed}) == 1
    is_now = all(kind in (NOW, None) for view in (*step.inputs, *step.outputs) for kind in view.kinds)
    sees_one = all(view.window is None or view.window.taps == 1 for view in timed)
    is_known = step.long.name not in CONVOLUTIONS or all(view.window is not None for view in timed)
    return is_one and is_now and sees_one and is_known and not step.is_list
