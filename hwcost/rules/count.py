"""From the ops of a trace to their work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hwcost.errors import UnknownOpError
from hwcost.graph import Loop, Op, Tensor, Tree, Work, leaves, mapped
from hwcost.rules.defaults import default
from hwcost.rules.registry import rule_for


def count(items: Tree[Op], *, strict: bool = False) -> Tree[Work]:
    """The work of each op, in place and in order; a loop of ops becomes a loop of works.

    An op that its rule replaces by simpler ops is counted as these. Of an op's results, the first
    is always written; a further one (the indices of a max pool, the statistics of a normalisation)
    is written where something reads it, or where it is a result of the model.

    Raises UnknownOpError where `strict` is set and an op has no rule.
    """
    tree = _counted(items, _storages_read(items), 0)
    if strict and (names := assumed_names(tree)):
        raise UnknownOpError(
            f"no rule for {', '.join(names)}", mend="count without strict to take their bytes alone"
        )
    return tree


def assumed_names(tree: Tree[Work]) -> tuple[str, ...]:
    """The names of the ops whose arithmetic is unknown, each once, in order."""
    return tuple(dict.fromkeys(work.op.name for work, _ in leaves(tree) if work.is_assumed))


def _counted(items: Tree[Op], read: set[str], depth: int) -> Tree[Work]:
    works: list[Work | Loop[Work]] = []
    for item in items:
        if isinstance(item, Loop):
            body = _counted(item.body, read, depth + 1)
            works.append(Loop(times=item.times, body=body, axis=item.axis))
        else:
            works.extend(_works(item, read, depth))
    return tuple(works)


def _works(op: Op, read: set[str], depth: int) -> Iterator[Work | Loop[Work]]:
    rule = rule_for(op.name)
    result = default(op) if rule is None else rule(op)
    if isinstance(result, Work):
        yield _without_unread_results(result, read)
    else:
        result = result if op.part == "forward" else mapped(result, lambda each: replace(each, part=op.part))
        read |= _storages_read(result)
        yield from _counted(_aligned(result, depth) if depth else result, read, depth)


def _storages_read(items: Tree[Op]) -> set[str]:
    return {tensor.storage.id for op, _ in leaves(items) for tensor in op.inputs}


def _without_unread_results(work: Work, read: set[str]) -> Work:
    first, *others = work.writes or (None,)
    kept = [tensor for tensor in others if tensor.storage.id in read or tensor.role == "output"]
    if first is None or len(kept) == len(others):
        return work
    return replace(work, writes=(first, *kept))


def _aligned(items: Tree[Op], depth: int) -> Tree[Op]:
    """The items of an expansion that stands in `depth` loops, which its rule does not see.

    A tensor that advances in the expansion's own loops only gets the zeros of the outer ones.
    """
    aligned: list[Op | Loop[Op]] = []
    for item in items:
        if isinstance(item, Loop):
            body = _aligned(item.body, depth + 1)
            aligned.append(Loop(times=item.times, body=body, axis=item.axis))
        else:
            inputs = tuple(_deepened(tensor, depth) for tensor in item.inputs)
            outputs = tuple(_deepened(tensor, depth) for tensor in item.outputs)
            aligned.append(replace(item, inputs=inputs, outputs=outputs))
    return tuple(aligned)


def _deepened(tensor: Tensor, depth: int) -> Tensor:
    missing = depth - len(tensor.advance)
    if not tensor.advance or not missing:
        return tensor
    return replace(tensor, advance=(0,) * missing + tensor.advance)
