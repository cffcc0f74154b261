"""Sequential depth: the longest chain of products, and of time steps, of which each needs the one before."""

from __future__ import annotations

from hwcost.graph import Loop, Tensor, Tree, Work

PERIOD = 12
"""Rounds after which the growth of a loop's chains is compared with itself: 1, 2, 3, 4 and 6 divide it."""

EXACT_ROUNDS = 48
"""Rounds that are followed one by one before growth is taken as constant per period."""

Depths = dict[str, int]
"""Per storage, the length of the longest chain that ends in it."""


def sequential_depth(tree: Tree[Work]) -> int:
    """Links of the longest chain of dependent products, and of dependent rounds of a loop along time.

    An op with macs is one link, attention two (QK^T, then AV); a chain goes from an op that writes a
    storage to one that reads it. A round that hands on a state is one link at least, whatever it does to
    the state: its depth = max(over products, depth of what the round took in + 1). Chains grow by rounds
    through what is carried: an LSTM layer over T steps is 1 + T deep, its input product and T steps, and
    the scan of a state space model T, though its recurrence holds no product. Growth is max-plus linear, and
    so periodic after some rounds (Cohen et al., IEEE Trans. Automatic Control 30(3), 1985); it is followed
    for a few periods and then extended.
    """
    depths: Depths = {}
    _follow(tree, depths)
    return max(depths.values(), default=0)


def _follow(tree: Tree[Work], depths: Depths, states: frozenset[str] = frozenset()) -> None:
    """Follow works in order. states: what a round of a loop along time finds and hands on.

    entered: per storage that was written, the depth of the deepest one it depends on that was not.
    """
    entered: Depths = {}
    for item in tree:
        if isinstance(item, Loop):
            _follow_loop(item, depths)
            continue
        links = 2 if item.attention is not None else 1 if item.macs else 0
        reads = [tensor.storage.id for tensor in item.reads]
        reached = max((depths.get(it, 0) for it in reads), default=0) + links
        before = max((entered.get(it, depths.get(it, 0)) for it in reads), default=0)
        for storage in (tensor.storage.id for tensor in item.writes):
            step = before + 1 if storage in states else 0
            depths[storage] = max(reached, step, depths.get(storage, 0))
            entered[storage] = before


def _follow_loop(loop: Loop[Work], depths: Depths) -> None:
    states = _states(loop)
    if loop.times <= EXACT_ROUNDS + PERIOD:
        for _ in range(loop.times):
            _follow(loop.body, depths, states)
        return
    rest = (loop.times - EXACT_ROUNDS) % PERIOD
    for _ in range(EXACT_ROUNDS - PERIOD + rest):
        _follow(loop.body, depths, states)
    before = dict(depths)
    for _ in range(PERIOD):
        _follow(loop.body, depths, states)
    periods = (loop.times - EXACT_ROUNDS - rest) // PERIOD
    for storage, depth in depths.items():
        depths[storage] = depth + (depth - before.get(storage, 0)) * periods


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
