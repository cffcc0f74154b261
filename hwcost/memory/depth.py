"""Sequential depth: the longest chain of products, and of time steps, of which each needs the one before."""

from __future__ import annotations

from collections.abc import Mapping

from hwcost.graph import PROMPT, Loop, Tensor, Tree, Work, leaves

PERIOD = 12
"""Rounds after which the growth of a loop's chains is compared with itself: 1, 2, 3, 4 and 6 divide it."""

EXACT_ROUNDS = 48
"""Rounds that are followed one by one before growth is taken as constant per period."""

MOST_PARTS = 64
"""Parts that a state is cut into at most, such as the layers of a stack."""

Place = tuple[str, int]
Depths = dict[Place, int]
"""Per place, the length of the longest chain that ends in it. A place is a storage, or a part of a state."""

Cuts = Mapping[str, tuple[int, ...]]
"""Per state, where its parts begin, and where the last one ends."""


def sequential_depth(tree: Tree[Work]) -> int:
    """Links of the longest chain of dependent products, and of dependent rounds of a loop along time.

    An op with macs is one link, attention two (QK^T, then AV); a chain goes from an op that writes a
    storage to one that reads it. A round that hands on a state is one link at least, whatever it does to
    the state: its depth = max(over products, depth of what the round took in + 1). Chains grow by rounds
    through what is carried: an LSTM layer over T steps is 1 + T deep, its input product and T steps, and
    the scan of a state space model T, though its recurrence holds no product. Growth is max-plus linear, and
    so periodic after some rounds (Cohen et al., IEEE Trans. Automatic Control 30(3), 1985); it is followed
    for a few periods and then extended. A generation reads what it wrote: each of its passes waits for the
    one before, so their depths add up.
    """
    start = next((i for i, item in enumerate(tree) if isinstance(item, Loop) and item.axis == PROMPT), None)
    if start is None:
        return _depth(tree)
    first, behind = tree[: start + 1], tree[start + 1 :]
    return _depth(first) + sum(item.times * _depth(item.body) for item in behind if isinstance(item, Loop))


def _depth(tree: Tree[Work]) -> int:
    depths: Depths = {}
    _follow(tree, depths, _cuts(tree))
    return max(depths.values(), default=0)


def _cuts(tree: Tree[Work]) -> Cuts:
    """Where states are cut into parts, as those of a stack of layers that share a storage."""
    bounds: dict[str, set[int]] = {}
    moving: set[str] = set()
    for work, _ in leaves(tree):
        for tensor in (*work.reads, *work.writes):
            if tensor.role == "state":
                bounds.setdefault(tensor.storage.id, set()).update(_span(tensor))
                moving |= {tensor.storage.id} if any(tensor.advance) else set()
    return {
        key: tuple(sorted(ends))
        for key, ends in bounds.items()
        if key not in moving and 2 < len(ends) <= MOST_PARTS
    }


def _span(tensor: Tensor) -> tuple[int, int]:
    """The first element that a tensor touches, and the one behind the last."""
    reach = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True) if n)
    return tensor.offset, tensor.offset + reach + 1


def _places(tensor: Tensor, cuts: Cuts) -> list[Place]:
    """The places that a tensor touches."""
    key = tensor.storage.id
    if key not in cuts:
        return [(key, 0)]
    start, stop = _span(tensor)
    return [(key, cut) for cut in cuts[key] if start <= cut < stop]


def _follow(tree: Tree[Work], depths: Depths, cuts: Cuts, states: frozenset[str] = frozenset()) -> None:
    """Follow works in order. states: what a round of a loop along time finds and hands on.

    entered: per place that was written, the depth of the deepest one it depends on that was not.
    """
    entered: Depths = {}
    for item in tree:
        if isinstance(item, Loop):
            _follow_loop(item, depths, cuts)
            continue
        links = 2 if item.attention is not None else 1 if item.macs else 0
        reads = [place for tensor in item.reads for place in _places(tensor, cuts)]
        reached = max((depths.get(it, 0) for it in reads), default=0) + links
        before = max((entered.get(it, depths.get(it, 0)) for it in reads), default=0)
        for place in (place for tensor in item.writes for place in _places(tensor, cuts)):
            step = before + 1 if place[0] in states else 0
            depths[place] = max(reached, step, depths.get(place, 0))
            entered[place] = before


def _follow_loop(loop: Loop[Work], depths: Depths, cuts: Cuts) -> None:
    states = _states(loop)
    if loop.times <= EXACT_ROUNDS + PERIOD:
        for _ in range(loop.times):
            _follow(loop.body, depths, cuts, states)
        return
    rest = (loop.times - EXACT_ROUNDS) % PERIOD
    for _ in range(EXACT_ROUNDS - PERIOD + rest):
        _follow(loop.body, depths, cuts, states)
    before = dict(depths)
    for _ in range(PERIOD):
        _follow(loop.body, depths, cuts, states)
    periods = (loop.times - EXACT_ROUNDS - rest) // PERIOD
    for place, depth in depths.items():
        depths[place] = depth + (depth - before.get(place, 0)) * periods


def _states(loop: Loop[Work]) -> frozenset[str]:
    """Storages in which a round of a loop along time finds what the one before has written."""
    if loop.axis != "time":
        return frozenset()
    written = [tensor for item in loop.body for tensor in _writes(item)]
    found: set[str] = set()
    renewed: set[str] = set()
    for item in loop.body:
        if isinstance(item, Loop):
            continue
        for read in item.reads:
            if read.storage.id not in renewed and any(
                it.storage.id == read.storage.id and not (it.advance and it.offset == read.offset)
                for it in written
            ):
                found.add(read.storage.id)
        renewed |= {tensor.storage.id for tensor in item.writes if not tensor.advance}
    return frozenset(found)


def _writes(item: Work | Loop[Work]) -> tuple[Tensor, ...]:
    return () if isinstance(item, Loop) else item.writes
