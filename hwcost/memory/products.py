"""Elements that products C[m,n] += A[m,k] B[k,n] move through a buffer of `s` elements.

Everywhere: k is summed over; s is the room of the buffer, in elements; input_reuse is R, by how much
the input of a convolution is smaller than the A of its product (1 for a plain product), so that
A counts m*k/R elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

from hwcost.graph import Product

LEAST_ROOM = 3
"""Elements that any product needs: one of each operand. A smaller buffer is treated as this one."""

HALO_SHARE = 0.5
"""Share of the buffer that the rows which a convolution keeps for reuse may take, at most."""

CACHED_SHAPES = 65536
"""How many results are remembered: models repeat their layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Elements that a product reads and writes; those of C that are read are its partial sums."""

    reads: float
    writes: float

    @property
    def elements(self) -> float:
        return self.reads + self.writes


def compulsory_elements(m: int, k: int, n: int, input_reuse: float = 1.0) -> float:
    """Each operand once: m*k/R + k*n + m*n."""
    return m * k / input_reuse + k * n + m * n


def low_elements(m: int, k: int, n: int, s: float, input_reuse: float = 1.0) -> float:
    """No order of the arithmetic moves less: max(compulsory, 2*m*n*k/sqrt(R*s) - 2*s).

    source  Hong and Kung, "I/O complexity: the red-blue pebble game", STOC 1981; the constant:
            Smith et al., arXiv:1702.02017; with R: Chen et al., "Communication lower bound in
            convolution accelerators", HPCA 2020, less the same 2*s for what the buffer may hold
            before and after.
    """
    room = max(s, LEAST_ROOM)
    return max(compulsory_elements(m, k, n, input_reuse), 2 * m * n * k / sqrt(input_reuse * room) - 2 * room)


def expected_elements(
    m: int, k: int, n: int, s: float, input_reuse: float = 1.0, halo_elements: int = 0
) -> float:
    """What good tiles move: max(compulsory, min(OS, AS, BS)), see `moved`."""
    return moved(m, k, n, s, input_reuse, halo_elements).elements


def product_low(product: Product, s: float) -> float:
    """`low_elements` of one of the products in a `Product`."""
    return low_elements(product.m, product.k, product.n, s, _reuse(product))


def product_compulsory(product: Product) -> float:
    """`compulsory_elements` of one of the products in a `Product`."""
    return compulsory_elements(product.m, product.k, product.n, _reuse(product))


def product_moved(product: Product, s: float) -> Moved:
    """`moved` for one of the products in a `Product`."""
    return moved(product.m, product.k, product.n, s, _reuse(product), product.halo_elements)


def _reuse(product: Product) -> float:
    """R of a product: at least 1 (strides that skip input do not make A larger), at most k."""
    return min(max(product.input_reuse, 1.0), max(product.k, 1))


@lru_cache(maxsize=CACHED_SHAPES)
def moved(m: int, k: int, n: int, s: float, input_reuse: float = 1.0, halo_elements: int = 0) -> Moved:
    """The least of three ways to block the product, each with its best tile for the room `s`.

    OS  a tile of C stays    m*k/R * max(1, n/n') + k*n * max(1, m/m') + m*n
    AS  a tile of A stays    m*k/R + k*n * max(1, m/m') + m*n * (2*max(1, k/k') - 1)
    BS  a tile of B stays    m*k/R * max(1, n/n') + k*n + m*n * (2*max(1, k/k') - 1)

    R > 1 needs the halo (the rows of input that neighbouring outputs share) in the buffer: where it
    takes more than half of the room, R is 1; else the tiles have the room that it leaves. Tiles are
    clipped to the operands and may be fractions; with blocks of whole rows and columns the
    least is the same or up to about a third more, within a fifth for 99 of 100 shapes.
    """
    compulsory = compulsory_elements(m, k, n, input_reuse)
    if compulsory <= s or min(m, k, n) == 0:
        return Moved(reads=compulsory - m * n, writes=m * n)
    best = _best_way(m, k, n, s, 1.0)
    if input_reuse > 1 and halo_elements <= HALO_SHARE * s:
        best = min(best, _best_way(m, k, n, s - halo_elements, input_reuse), key=_elements)
    return best


def _elements(way: Moved) -> float:
    return way.elements


def _best_way(m: int, k: int, n: int, s: float, r: float) -> Moved:
    """The least of OS, AS and BS of `moved`."""
    a, b, c = m * k / r, k * n, m * n
    c_m, c_n = _tile(m, n, 1.0, 1 / r, 1.0, s)
    a_m, a_k = _tile(m, k, 1.0, 2.0, 1 / r, s)
    b_n, b_k = _tile(n, k, 1 / r, 2.0, 1.0, s)
    ways = (
        Moved(reads=a * (n / c_n) + b * (m / c_m), writes=c),
        Moved(reads=a + b * (m / a_m) + c * (k / a_k - 1), writes=c * (k / a_k)),
        Moved(reads=a * (n / b_n) + b + c * (k / b_k - 1), writes=c * (k / b_k)),
    )
    return min(ways, key=_elements)


def _tile(
    rows: int, columns: int, row_cost: float, column_cost: float, density: float, s: float
) -> tuple[float, float]:
    """Sides p x q of the tile that stays: the least row_cost/p + column_cost/q in the room s.

    The room holds the tile and one row and one column of what streams past it:
    density*p*q + p + q <= s, 1 <= p <= rows, 1 <= q <= columns. Without the clips p/q is
    row_cost/column_cost. Both sides grow with s, so more room never moves more.
    """
    room = max(s, density + 2)
    ratio = row_cost / column_cost
    square = density * ratio
    q = (sqrt((1 + ratio) ** 2 + 4 * square * room) - 1 - ratio) / (2 * square)
    p = min(max(ratio * q, 1.0), rows)
    q = min(max((room - p) / (density * p + 1), 1.0), columns)
    p = min(max((room - q) / (density * q + 1), 1.0), rows)
    return p, q
