"""Eigenvalues, singular values, and what is solved with them: iterations, counted as textbooks do."""

from __future__ import annotations

from math import prod

from hwcost.graph import Op, Work
from hwcost.rules.linear_algebra import elimination, rounded_up
from hwcost.rules.registry import RULES
from hwcost.rules.work import work_of

TAYLOR_DEGREE, TAYLOR_PRODUCTS = 18, 5
"""Degree and products of matrices of a Taylor polynomial (Bader, Blanes and Casas, Computing the
matrix exponential with an optimized Taylor polynomial approximation, Mathematics 7, 2019, table 1)."""


@RULES.add("aten._linalg_svd", "aten.linalg_svd")
def singular_values(op: Op) -> Work:
    """A[m,n] = U S V', m >= n (else of A').

    macs         per matrix, the lesser of both ways: S alone 2 m n^2 - 2 n^3 / 3 or m n^2 + n^3; with n
                 columns of U 7 m n^2 + 4 n^3 or 3 m n^2 + 10 n^3; with all m of them
                 2 m^2 n + 4 m n^2 + 9 n^3 / 2 or 2 m^2 n + 11 n^3. In a trace torch asks for U and V
                 also where a model wants S alone
    special_ops  n roots per matrix
    bytes        A is read once, what is asked for is written once
    source       Golub and Van Loan, Matrix Computations, 4th edition, figure 8.6.1, flops halved: to
                 leading order, and for the usual two iterations per value
    """
    batch, m, n = _tall(op)
    has_vectors = bool(op.attributes.get("compute_uv", True))
    macs = _svd(m, n, has_vectors=has_vectors, is_full=bool(op.attributes.get("full_matrices")))
    return work_of(op, "reduction", macs=batch * macs, special_ops=batch * n)


@RULES.add("aten._linalg_eigh")
def symmetric_eigenvalues(op: Op) -> Work:
    """A[n,n] = Q diag(w) Q' with A symmetric.

    macs         2 n^3 / 3 per matrix for w alone, 9 n^3 / 2 with Q, rounded up
    special_ops  n roots per matrix
    bytes        A is read once, what is asked for is written once
    source       Golub and Van Loan, Matrix Computations, 4th edition, section 8.3.5, flops halved
    """
    batch, n, _ = _tall(op)
    has_vectors = bool(op.attributes.get("compute_v", True))
    macs = rounded_up(9 * n**3, 2) if has_vectors else rounded_up(2 * n**3, 3)
    return work_of(op, "reduction", macs=batch * macs, special_ops=batch * n)


@RULES.add("aten.linalg_eig", "aten._linalg_eigvals", "aten.linalg_eigvals")
def eigenvalues(op: Op) -> Work:
    """A[n,n] V = V diag(w).

    macs         5 n^3 per matrix for w alone, 25 n^3 / 2 with V, rounded up
    special_ops  n roots per matrix
    bytes        A is read once, what is asked for is written once
    source       Golub and Van Loan, Matrix Computations, 4th edition, section 7.5.6, flops halved
    """
    batch, n, _ = _tall(op)
    macs = rounded_up(25 * n**3, 2) if op.name == "aten.linalg_eig" else 5 * n**3
    return work_of(op, "reduction", macs=batch * macs, special_ops=batch * n)


@RULES.add("aten.linalg_pinv")
def pseudo_inverse(op: Op) -> Work:
    """B[n,m] = V S^-1 U' of A[m,n], m >= n (else of A').

    macs         those of a singular value decomposition with n columns of U, and m n^2 for the product
    vector_ops   n^2 per matrix to scale V
    special_ops  2 n per matrix: roots and divisions
    bytes        A is read once, B is written once
    """
    batch, m, n = _tall(op)
    macs = _svd(m, n, has_vectors=True, is_full=False) + m * n * n
    return work_of(op, "reduction", macs=batch * macs, vector_ops=batch * n * n, special_ops=2 * batch * n)


@RULES.add("aten.linalg_lstsq")
def least_squares(op: Op) -> Work:
    """X[n,r] with the least |A[m,n] X - B[m,r]|, by reflections.

    macs         those of R, 2 (m n k - (m + n) k^2 / 2 + k^3 / 3) with k = min(m, n); 2 m k r to reflect B
                 and k^2 r / 2 for the triangle, rounded up
    special_ops  2 k per matrix, and k r divisions
    bytes        A and B are read once, X is written once
    source       Golub and Van Loan, Matrix Computations, 4th edition, algorithm 5.3.2
    """
    a, b = op.inputs[:2]
    m, n = a.shape[-2:]
    batch, k = a.elements // max(m * n, 1), min(m, n)
    columns = b.elements // max(batch * m, 1)
    macs = 2 * elimination(m, n) + 2 * m * k * columns + rounded_up(k * k * columns, 2)
    return work_of(op, "reduction", macs=batch * macs, special_ops=batch * k * (2 + columns))


@RULES.add("aten.linalg_householder_product", "aten.orgqr")
def reflections_as_a_matrix(op: Op) -> Work:
    """Q[m,n] from the k reflections that geqrf leaves.

    macs         2 (m n k - (m + n) k^2 / 2 + k^3 / 3) per matrix
    bytes        the reflections and their factors are read once, Q is written once
    source       LAPACK Working Note 41, appendix C: orgqr
    """
    a, factors = op.inputs[:2]
    m, n = a.shape[-2:]
    k = factors.shape[-1]
    halves = (m + n) * k**2
    macs = 2 * (m * n * k) - halves + rounded_up(2 * k**3, 3)
    return work_of(op, "reduction", macs=a.elements // max(m * n, 1) * macs)


@RULES.add("aten.linalg_matrix_exp", "aten.matrix_exp")
def matrix_exponential(op: Op) -> Work:
    """B = exp(A[n,n]) by a Taylor polynomial.

    macs         5 n^3 per matrix: degree 18 without squaring; a smaller norm of A takes fewer products and
                 a larger one more, but that is data
    vector_ops   18 n^2 per matrix, one sum for each power
    bytes        A is read once, B is written once
    source       aten/src/ATen/native/LinearAlgebra.cpp, compute_T18
    """
    batch, n, _ = _tall(op)
    return work_of(
        op, "reduction", macs=batch * TAYLOR_PRODUCTS * n**3, vector_ops=batch * TAYLOR_DEGREE * n * n
    )


def _tall(op: Op) -> tuple[int, int, int]:
    """(how many, longer side, shorter side) of the first operand."""
    *lead, m, n = op.inputs[0].shape
    return prod(lead), max(m, n), min(m, n)


def _svd(m: int, n: int, *, has_vectors: bool, is_full: bool) -> int:
    """Multiply-accumulates of one decomposition, m >= n, the lesser of both ways."""
    if not has_vectors:
        return min(rounded_up(6 * m * n**2 - 2 * n**3, 3), m * n**2 + n**3)
    if is_full:
        return 2 * m**2 * n + min(rounded_up(8 * m * n**2 + 9 * n**3, 2), 11 * n**3)
    return min(7 * m * n**2 + 4 * n**3, 3 * m * n**2 + 10 * n**3)
