"""The order of nodes: each after those that make what it takes."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from hwcost.errors import ModelError
from hwcost.sources.onnx_model.graph import Graph, Node
from hwcost.sources.onnx_model.names import cleaned


def in_order(
    nodes: tuple[Node, ...], known: frozenset[str], where: str, *, is_inside: bool = False
) -> tuple[Node, ...]:
    """The nodes in an order in which each finds its inputs made: as they stand, where that is one.

    known: names that are there from the start. is_inside: other names may come from outside.

    Raises:
        ModelError: two nodes make one name, a node takes what nothing makes, or some take each other's.
    """
    makers: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in filter(None, node.outputs):
            if name in makers or name in known:
                raise ModelError(
                    f"{node.label} makes {cleaned(name)!r} once more", where=where, mend="export it again"
                )
            makers[name] = index
    waits = [_waits(node, index, makers, known, where, is_inside) for index, node in enumerate(nodes)]
    if all(maker < index for index, makers_ in enumerate(waits) for maker in makers_):
        return nodes
    return _sorted(nodes, waits, where)


def _waits(
    node: Node, index: int, makers: Mapping[str, int], known: frozenset[str], where: str, is_inside: bool
) -> set[int]:
    """The places of the nodes that a node waits for."""
    found = set()
    for name in names_in(node):
        if name in makers:
            found.add(makers[name])
        elif name not in known and not is_inside and name in node.inputs:
            raise ModelError(
                f"{node.label} takes {cleaned(name)!r}, which nothing makes",
                where=where,
                mend="export it again",
            )
    if index in found:
        raise ModelError(f"{node.label} takes what it makes", where=where, mend="export it again")
    return found


def _sorted(nodes: tuple[Node, ...], waits: list[set[int]], where: str) -> tuple[Node, ...]:
    followers: dict[int, list[int]] = defaultdict(list)
    for index, makers in enumerate(waits):
        for maker in makers:
            followers[maker].append(index)
    left = [len(makers) for makers in waits]
    ready = deque(index for index, count in enumerate(left) if not count)
    order = []
    while ready:
        index = ready.popleft()
        order.append(index)
        for follower in followers[index]:
            left[follower] -= 1
            if not left[follower]:
                ready.append(follower)
    if len(order) < len(nodes):
        stuck = next(node for node, count in zip(nodes, left, strict=True) if count)
        raise ModelError(
            f"its graph has a cycle, which {stuck.label} is in or behind", where=where, mend="export it again"
        )
    return tuple(nodes[index] for index in order)


def names_in(node: Node) -> set[str]:
    """Names that a node takes, those of the graphs inside it that come from outside included."""
    found = {name for name in node.inputs if name}
    for value in node.attributes.values():
        if isinstance(value, Graph):
            found |= _from_outside(value)
    return found


def _from_outside(graph: Graph) -> set[str]:
    made = {*graph.inputs, *graph.weights}
    made |= {name for node in graph.nodes for name in node.outputs}
    taken = {name for node in graph.nodes for name in names_in(node)} | set(graph.outputs)
    return taken - made


def users_of(nodes: Iterable[Node], outputs: Iterable[str]) -> dict[str, tuple[Node | None, ...]]:
    """The nodes that take each name; None stands for the graph's outputs."""
    users: dict[str, list[Node | None]] = defaultdict(list)
    for node in nodes:
        for name in names_in(node):
            users[name].append(node)
    for name in outputs:
        users[name].append(None)
    return {name: tuple(found) for name, found in users.items()}
