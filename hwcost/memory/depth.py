"""Sequential depth: the longest chain of products of which each needs the one before."""

from __future__ import annotations

from hwcost.graph import Loop, Tree, Work

PERIOD = 12
"""Rounds after which the growth of a loop's chains is compared with itself: 1, 2, 3, 4 and 6 divide it."""

EXACT_ROUNDS = 48
"""Rounds that are followed one by one before growth is taken as constant per period."""

Depths = dict[str, int]
"""Per storage, the length of the longest chain that ends in it."""


def sequential_depth(tree: Tree[Work]) -> int:
    """Products on the longest chain of dependent ones, loops counted `times`.

    An op with macs is one link, attention two (QK^T, then AV); a chain goes from an op that writes a
    storage to one that reads it. In a loop chains grow round by round through what is carried: an LSTM
    layer over T steps is 1 + T deep, its input product and T steps. Growth is max-plus linear, and so
    periodic after some rounds (Cohen et al., IEEE Trans. Automatic Control 30(3), 1985); it is followed
    for a few periods and then extended.
    """
    depths: Depths = {}
    _follow(tree, depths)
    return max(depths.values(), default=0)


def _follow(tree: Tree[Work], depths: Depths) -> None:
    for item in tree:
        if isinstance(item, Loop):
            _follow_loop(item, depths)
            continue
        links = 2 if item.attention is not None else 1 if item.macs else 0
        reached = max((depths.get(tensor.storage.id, 0) for tensor in item.reads), default=0) + links
        for tensor in item.writes:
            depths[tensor.storage.id] = max(reached, depths.get(tensor.storage.id, 0))


def _follow_loop(loop: Loop[Work], depths: Depths) -> None:
    if loop.times <= EXACT_ROUNDS + PERIOD:
        for _ in range(loop.times):
            _follow(loop.body, depths)
        return
    rest = (loop.times - EXACT_ROUNDS) % PERIOD
    for _ in range(EXACT_ROUNDS - PERIOD + rest):
        _follow(loop.body, depths)
    before = dict(depths)
    for _ in range(PERIOD):
        _follow(loop.body, depths)
    periods = (loop.times - EXACT_ROUNDS - rest) // PERIOD
    for storage, depth in depths.items():
        depths[storage] = depth + (depth - before.get(storage, 0)) * periods
