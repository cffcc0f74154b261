"""Two traces of one model at two lengths, matched item by item."""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.errors import OrderError
from hwcost.graph import Loop, Op, Tree

STEP_MEND = "take --order offline, or give the module a `step` method (docs/orders.md)"

JOINING = frozenset(
    {"aten.cat", "aten.stack", "aten.concat", "aten.concatenate", "aten.hstack", "aten.vstack"}
)
"""Ops over a list of tensors, which may be as long as the sequence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An op at the two lengths."""

    short: Op
    long: Op

    @property
    def is_list_of_steps(self) -> bool:
        """Whether it joins as many tensors as the sequence has steps."""
        return len(self.short.inputs) != len(self.long.inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPair:
    """A loop at the two lengths."""

    short: Loop[Op]
    long: Loop[Op]
    body: tuple[Pair | LoopPair, ...]

    @property
    def grows(self) -> bool:
        """Whether its rounds are the steps of the sequence."""
        return self.short.times != self.long.times


Node = Pair | LoopPair


def matched(short: Tree[Op], long: Tree[Op]) -> tuple[Node, ...]:
    """The items of both traces in pairs.

    Raises:
        OrderError: they are not the same calls.
    """
    nodes: list[Node] = []
    for a, b in zip(short, long, strict=False):
        if isinstance(a, Loop) and isinstance(b, Loop):
            nodes.append(LoopPair(short=a, long=b, body=matched(a.body, b.body)))
        elif isinstance(a, Op) and isinstance(b, Op) and _is_same_call(a, b):
            nodes.append(Pair(short=a, long=b))
        else:
            raise _differing(a if isinstance(a, Op) else b)
    if len(short) != len(long):
        rest = short if len(short) > len(long) else long
        raise _differing(rest[min(len(short), len(long))])
    return tuple(nodes)


def _is_same_call(a: Op, b: Op) -> bool:
    is_joining = a.name in JOINING
    return (
        (a.name, a.module, len(a.outputs)) == (b.name, b.module, len(b.outputs))
        and (is_joining or len(a.inputs) == len(b.inputs))
        and all(
            (len(x.shape), x.dtype, x.role == "weight") == (len(y.shape), y.dtype, y.role == "weight")
            for x, y in zip((*a.inputs, *a.outputs), (*b.inputs, *b.outputs), strict=False)
            if not is_joining
        )
    )


def _differing(item: Op | Loop[Op]) -> OrderError:
    while isinstance(item, Loop):
        item = item.body[0]
    return OrderError(
        f"its calls differ with the length of the sequence, first {named(item)}: they tell no step apart",
        mend=STEP_MEND,
    )


def named(op: Op) -> str:
    """An op and its module, as an error names them."""
    return f"`{op.name}` in `{op.module}`" if op.module else f"`{op.name}`"
