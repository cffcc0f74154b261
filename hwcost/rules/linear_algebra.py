"""Factorisations, inverses and solutions of systems."""

from __future__ import annotations

from hwcost.graph import Op, Work
from hwcost.rules.registry import RULES, aten
from hwcost.rules.work import work_of

COEFFICIENTS_SECOND = aten("triangular_solve cholesky_solve")
"""Solvers whose right-hand side comes first."""

BOTH_TRIANGLES = aten("cholesky_solve linalg_lu_solve")
"""Solvers that are given both factors."""


def rounded_up(numerator: int, denominator: int) -> int:
    """The least whole number that is not below a fraction."""
    return -(-numerator // denominator)


def elimination(m: int, n: int) -> int:
    """Products of eliminating the columns of A[m,n]: m n k - (m + n) k^2 / 2 + k^3 / 3, rounded up."""
    k = min(m, n)
    halves = (m + n) * k**2
    return m * n * k - halves // 2 + rounded_up(2 * k**3 - 3 * (halves % 2), 6)


def _matrices(op: Op) -> tuple[int, int, int]:
    """(how many, rows, columns) of the first operand."""
    a = op.inputs[0]
    m, n = a.shape[-2:]
    return a.elements // max(m * n, 1), m, n


@RULES.add("aten.linalg_cholesky_ex", "aten.cholesky")
def cholesky(op: Op) -> Work:
    """A[n,n] = L L'.

    macs         n^3 / 6 per matrix, rounded up
    special_ops  n roots and n^2 / 2 divisions per matrix, rounded up
    bytes        A is read once, L is written once
    source       LAPACK Working Note 41, appendix C: potrf takes n^3 / 3 flops to leading order
    """
    batch, n, _ = _matrices(op)
    return work_of(op, "reduction", macs=batch * rounded_up(n**3, 6), special_ops=batch * (n + n * n // 2))


@RULES.add(*aten("linalg_lu_factor_ex linalg_lu _linalg_det _linalg_slogdet"))
def lu(op: Op) -> Work:
    """P A[m,n] = L U; a determinant is the product of U's diagonal.

    macs         m n k - (m + n) k^2 / 2 + k^3 / 3 per matrix, k = min(m, n), rounded up: n^3 / 3 for square A
    special_ops  k divisions per matrix
    bytes        A is read once, the factors are written once
    source       LAPACK Working Note 41, appendix C: getrf
    """
    batch, m, n = _matrices(op)
    k = min(m, n)
    macs = elimination(m, n)
    return work_of(op, "reduction", macs=batch * macs, special_ops=batch * k)


@RULES.add("aten.cholesky_inverse")
def inverse_from_cholesky(op: Op) -> Work:
    """B = inverse of A[n,n] from its factor L.

    macs         n^3 / 3 per matrix, rounded up
    special_ops  n divisions per matrix
    bytes        L is read once, B is written once
    source       LAPACK Working Note 41, appendix C: potri takes 2 n^3 / 3 flops to leading order
    """
    batch, n, _ = _matrices(op)
    return work_of(op, "reduction", macs=batch * rounded_up(n**3, 3), special_ops=batch * n)


@RULES.add("aten.linalg_inv_ex", "aten.inverse", "aten.linalg_inv")
def inverse(op: Op) -> Work:
    """B = inverse of A[n,n].

    macs         n^3 per matrix: n^3 / 3 for the factors, 2 n^3 / 3 for the rest
    special_ops  n divisions per matrix
    bytes        A is read once, B is written once
    source       LAPACK Working Note 41, appendix C: getrf and getri
    """
    batch, n, _ = _matrices(op)
    return work_of(op, "reduction", macs=batch * n**3, special_ops=batch * n)


@RULES.add("aten._linalg_solve_ex")
def solve(op: Op) -> Work:
    """A[n,n] X = B[n,r].

    macs         n^3 / 3 for the factors, rounded up, and n^2 r for both triangles, per matrix
    special_ops  n + n r divisions per matrix
    bytes        A and B are read once, X is written once
    source       LAPACK Working Note 41, appendix C: getrf and getrs
    """
    batch, n, _ = _matrices(op)
    columns = op.outputs[0].elements // max(batch * n, 1)
    macs = rounded_up(n**3, 3) + n * n * columns
    return work_of(op, "reduction", macs=batch * macs, special_ops=batch * (n + n * columns))


@RULES.add(*aten("linalg_solve_triangular triangular_solve cholesky_solve linalg_lu_solve"))
def solve_triangular(op: Op) -> Work:
    """T[n,n] X = B[n,r] with T triangular; both triangles for a solution from given factors.

    macs         n^2 r / 2 per triangle, rounded up
    special_ops  n r divisions per triangle
    bytes        T and B are read once, X is written once
    source       back substitution: n (n - 1) / 2 products per column, to leading order n^2 / 2
    """
    results = op.outputs[0].elements
    n = op.inputs[op.name in COEFFICIENTS_SECOND].shape[-1]
    triangles = 2 if op.name in BOTH_TRIANGLES else 1
    macs = triangles * rounded_up(n * results, 2)
    return work_of(op, "reduction", macs=macs, special_ops=triangles * results)


@RULES.add("aten.linalg_qr", "aten.geqrf")
def qr(op: Op) -> Work:
    """A[m,n] = Q R by reflections.

    macs         2 (m n k - (m + n) k^2 / 2 + k^3 / 3) for R, k = min(m, n), and as much again for Q
    special_ops  2 k per matrix: root and division
    bytes        A is read once, Q and R are written once
    source       LAPACK Working Note 41, appendix C: geqrf and orgqr, twice the products of an elimination
    """
    batch, m, n = _matrices(op)
    k = min(m, n)
    macs = 2 * elimination(m, n)
    passes = 1 if op.name.endswith("geqrf") or op.attributes.get("mode") == "r" else 2
    return work_of(op, "reduction", macs=passes * batch * macs, special_ops=2 * batch * k)


@RULES.add("aten._linalg_check_errors")
def check(op: Op) -> Work:
    """Whether a factorisation failed.

    macs         0
    bytes        the flags are read once
    """
    return work_of(op, "reduction")
