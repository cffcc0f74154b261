"""Control flow: If, Loop and Scan run the graphs that they hold, and a trace folds equal rounds."""

from __future__ import annotations

from math import prod
from typing import Any

import torch

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.frame import Frame
from hwcost.sources.onnx_model.graph import Graph, Node
from hwcost.sources.onnx_model.registry import OPS
from hwcost.sources.onnx_model.run import CALLS
from hwcost.sources.onnx_model.values import Anything, Value
from hwcost.tracing.recorder import RawOp

ROUNDS = 10_000
"""Rounds after which a loop that its condition has not ended is taken to run for its whole trip count."""

MOST = 2**62
"""Trip counts from here on mean that the condition alone ends a loop."""


def _body(call: Call, name: str) -> Graph:
    body = call.attribute(name)
    if not isinstance(body, Graph):
        raise ModelError(f"has no graph {name!r}", mend="check the model")
    return body


def _run(call: Call, body: Graph, inputs: list[Anything]) -> list[Anything]:
    """The results of one round of a graph inside the node's own."""
    outer = call.frame
    values = dict(zip(body.inputs, inputs, strict=True))
    frame = Frame(
        graph=body,
        values=values,
        outer=outer,
        attributes=outer.attributes,
        path=outer.path,
        depth=outer.depth + 1,
    )
    call.run.graph(frame)
    return [frame.of(name) for name in body.outputs]


@OPS.add("If", folds=False)
def choice(call: Call) -> Any:
    """The branch that the condition names; where that is data, the one that touches more."""
    branches = [_body(call, "then_branch"), _body(call, "else_branch")]
    if call.real(0) is not None and not call.run.is_guess(call.value(0)):
        return tuple(_run(call, branches[0 if call.number(0) else 1], []))
    if call.run.capture is None or call.run.capture.is_paused:
        return tuple(_run(call, max(branches, key=lambda branch: len(branch.nodes)), []))
    return tuple(_costlier(call, branches, call.run.capture.recorder.ops))


def _costlier(call: Call, branches: list[Graph], recorded: list[RawOp]) -> list[Anything]:
    """The results of the branch that touches more; the calls of the other are struck from the record.

    A branch that cannot be run does not count, where another can.
    """
    start, failures = len(recorded), []
    found: list[tuple[int, int, list[RawOp], list[Anything]]] = []
    for place, branch in enumerate(branches):
        try:
            results = _run(call, branch, [])
            found.append((_touched(recorded[start:]), -place, recorded[start:], results))
        except ModelError as error:
            failures.append(error)
        del recorded[start:]
    if not found:
        raise failures[0]
    _, place, ops, results = max(found, key=lambda item: item[:2])
    recorded.extend(ops)
    name = "else" if place else "then"
    call.run.note(
        f"{call.node.label}: its condition depends on data, so the {name} branch, which costs more, was taken"
    )
    return results


def _touched(ops: list[RawOp]) -> int:
    """Elements that calls read and write: how dear one branch is beside another."""
    return sum(prod(tensor[1]) for op in ops for tensor in (*op.inputs, *op.outputs))


def _require_few(body: Graph, rounds: int) -> None:
    """Refuse loops that would be run for ever."""
    nodes = max(_size(body), 1)
    if rounds * nodes > CALLS:
        raise ModelError(
            f"{rounds:,} rounds of {nodes} nodes are more than {CALLS:,}",
            mend="take fewer rounds (--seq-len, --set)",
        )


def _size(body: Graph) -> int:
    return sum(1 + sum(_size(v) for v in _graphs(node)) for node in body.nodes)


def _graphs(node: Node) -> list[Graph]:
    return [value for value in node.attributes.values() if isinstance(value, Graph)]


@OPS.add("Loop", folds=False)
def loop(call: Call) -> Any:
    """Rounds of a body over (round, condition, *carried) that gives (condition, *carried, *kept).

    Where the condition depends on data, all rounds that the trip count allows are run.
    """
    body = _body(call, "body")
    carried = list(call.inputs[2:])
    rounds = _rounds(call)
    going: Anything = call.inputs[1] if call.has(1) else call.run.numbers(True, torch.bool)
    kept: list[list[Any]] = [[] for _ in body.outputs[1 + len(carried) :]]
    if len(body.inputs) != 2 + len(carried) or len(body.outputs) < 1 + len(carried):
        raise ModelError("its body takes or gives another number of values", mend="check the model")
    done = 0
    while done < rounds and _goes_on(call, going):
        going, *results = _run(call, body, [call.run.numbers(done), going, *carried])
        carried = results[: len(carried)]
        for column, value in zip(kept, results[len(carried) :], strict=True):
            column.append(value)
        done += 1
        _require_few(body, rounds if _never_stops(body) or done == ROUNDS else done)
    return (*carried, *(_stacked(call, column, 0) for column in kept))


def _never_stops(body: Graph) -> bool:
    """Whether the condition of the next round is a constant, or that of this one."""
    maker = next((node for node in body.nodes if body.outputs[0] in node.outputs), None)
    return maker is None or maker.op in ("Identity", "Cast", "Constant")


def _rounds(call: Call) -> int:
    """How often a loop runs at most."""
    given = call.run.rounds.get(call.node.name)
    if given is not None:
        return given
    if not call.has(0):
        return MOST
    if call.real(0) is None or call.run.is_guess(call.value(0)):
        name = call.node.name
        raise ModelError("how often it runs depends on data", mend=f"say how often with --set {name}=N")
    return max(int(call.number(0)), 0)


def _goes_on(call: Call, going: Anything) -> bool:
    if not isinstance(going, Value):
        return True
    known = call.run.real(going)
    if known is not None and not call.run.is_guess(going):
        with call.run.paused():
            return bool(known.flatten()[0])
    if not call.has(0) and call.node.name not in call.run.rounds:
        name = call.node.name
        raise ModelError("how often it runs depends on data", mend=f"say how often with --set {name}=N")
    call.run.note(f"{call.node.label}: when it ends depends on data; all rounds that it may take were taken")
    return True


def _stacked(call: Call, column: list[Any], axis: int) -> Any:
    """What every round kept, side by side."""
    if not column:
        raise ModelError(
            "runs no round, so that the shape of what it keeps is not known", mend="take longer inputs"
        )
    parts = [value.tensor for value in column]
    if all(isinstance(value, Value) and value.is_fixed and value.real is not None for value in column):
        with call.run.paused():
            return call.run.known(torch.stack([value.real for value in column], axis))
    return torch.stack(parts, axis)


@OPS.add("Scan", folds=False)
def scan(call: Call) -> Any:
    """Rounds of a body over (*carried, *slices) that gives (*carried, *kept of each round)."""
    if call.version < 9:
        raise ModelError("is a Scan of operator set 8", mend="export with opset_version=17 or later")
    body, count = _body(call, "body"), call.attribute("num_scan_inputs", 0)
    states = len(call.inputs) - count
    outputs = len(body.outputs) - states
    if not 0 < count <= len(call.inputs) or outputs < 0 or len(body.inputs) != len(call.inputs):
        raise ModelError("its body takes or gives another number of values", mend="check the model")
    carried: list[Anything] = list(call.inputs[:states])
    axes = call.attribute("scan_input_axes", (0,) * count)
    backwards = call.attribute("scan_input_directions", (0,) * count)
    tensors = [call.tensor(states + place) for place in range(count)]
    rounds = tensors[0].shape[axes[0]]
    _require_few(body, rounds)
    kept: list[list[Any]] = [[] for _ in range(outputs)]
    for done in range(rounds):
        slices: list[Anything] = [
            Value(tensor=tensor.select(axis, rounds - 1 - done if back else done))
            for tensor, axis, back in zip(tensors, axes, backwards, strict=True)
        ]
        results = _run(call, body, [*carried, *slices])
        carried = results[:states]
        for column, value in zip(kept, results[states:], strict=True):
            column.append(value)
    places = call.attribute("scan_output_axes", (0,) * outputs)
    reverse = call.attribute("scan_output_directions", (0,) * outputs)
    columns = [column[::-1] if back else column for column, back in zip(kept, reverse, strict=True)]
    return (*carried, *(_stacked(call, column, axis) for column, axis in zip(columns, places, strict=True)))
