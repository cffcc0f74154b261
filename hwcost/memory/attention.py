"""Elements that softmax(Q K^T) V moves through a buffer of `s` elements, all heads together.

The g = heads/key_heads query heads that share a head of K and V read it together, as g*n queries:
K and V count once per key head, not per query head. Decoding is n = 1.
"""

from __future__ import annotations

from hwcost.graph import Attention
from hwcost.memory.products import moved

SCORE_PASSES = 4
"""How often an unfused kernel moves the n x m scores: the first product writes them, softmax reads
them and writes the probabilities, the second product reads those (Dao et al., arXiv:2205.14135,
algorithm 0)."""


def compulsory_elements(attention: Attention) -> float:
    """Q, K, V and the result once: heads*n*(d + dv) + key_heads*m*(d + dv)."""
    width = attention.d + attention.dv
    return width * (attention.heads * attention.n + attention.key_heads * attention.m)


def fused_elements(attention: Attention, s: float) -> float:
    """A block of queries stays and K, V stream past it, once per block.

    heads*n*(d + dv) + key_heads*m*(d + dv) * ceil(g*n/Br),  Br = floor(s / (2*(d + dv))), at least 1;
    for d = dv and g = 1 that is 2nd + 2md*ceil(n/Br) per head, Br = floor(s/4d). Where K and V
    of a head fit beside one query and its result, they stay instead, and everything moves once.

    source  Dao et al., "FlashAttention", arXiv:2205.14135, theorem 2; queries in the
            outer loop: Dao, "FlashAttention-2", arXiv:2307.08691
    """
    width = attention.d + attention.dv
    if not width:
        return 0.0
    rows = _rows(attention)
    block = max(s // (2 * width), 1)
    passes = 1 if width * (attention.m + 1) <= s else max(-(-rows // block), 1)
    return width * (attention.heads * attention.n + attention.key_heads * attention.m * passes)


def unfused_elements(attention: Attention, s: float) -> float:
    """Two products, each through the buffer, and the scores in memory between them.

    Per key head: Q K^T as a product (g*n, d, m), P V as (g*n, m, dv), each as `products.moved`, which
    write and read the scores once; softmax reads and writes them once more.
    """
    rows, m = _rows(attention), attention.m
    first = moved(rows, attention.d, m, s).elements
    second = moved(rows, m, attention.dv, s).elements
    return attention.key_heads * (first + second + (SCORE_PASSES - 2) * rows * m)


def expected_elements(attention: Attention, s: float, kv_width: float = 1.0) -> float:
    """The lesser of fused and unfused (a buffer of a few elements can make fusing a loss).

    kv_width: bytes of an element of K and V over those of one of the result; what a fused kernel reads
    again is K and V alone, and counts by that.
    """
    compulsory = compulsory_elements(attention)
    fused = compulsory + kv_width * (fused_elements(attention, s) - compulsory)
    return min(fused, unfused_elements(attention, s))


def _rows(attention: Attention) -> int:
    """Queries that share one head of K and V: g*n, rounded up."""
    return -(-attention.heads * attention.n // max(attention.key_heads, 1))
