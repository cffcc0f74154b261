"""Factorisations that iterate, and chains of products: numbers by hand, and laws over random sizes."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from .recording import meta, tensor, work_by_hand, work_of

aten = torch.ops.aten
size = st.integers(1, 30)


def svd(m: int, n: int, **attributes: bool) -> int:
    k = min(m, n)
    results = [tensor("u", m, k), tensor("s", k), tensor("v", k, n)]
    return work_by_hand("aten._linalg_svd", [tensor("a", m, n)], results, **attributes).macs


def test_singular_values_by_hand() -> None:
    """10 x 4: m n^2 = 160, n^3 = 64, m^2 n = 400."""
    assert svd(10, 4, compute_uv=False) == 224  # min(2 * 160 - 128 / 3 = 277.3, 160 + 64)
    assert svd(10, 4, compute_uv=True, full_matrices=False) == 1120  # min(7 * 160 + 256 = 1376, 480 + 640)
    assert svd(10, 4, compute_uv=True, full_matrices=True) == 1504  # 800 + min(640 + 288, 704)


@given(m=size, n=size)
def test_more_of_a_decomposition_costs_more(m: int, n: int) -> None:
    values, thin = svd(m, n, compute_uv=False), svd(m, n, compute_uv=True, full_matrices=False)
    assert 0 < values < thin
    assert svd(m, n, compute_uv=True, full_matrices=False) == svd(n, m, compute_uv=True, full_matrices=False)


def test_eigenvalues_by_hand() -> None:
    """6 x 6: n^3 = 216."""
    a, w, v = tensor("a", 6, 6), tensor("w", 6), tensor("v", 6, 6)
    assert work_by_hand("aten._linalg_eigh", [a], [w, v], compute_v=True).macs == 972  # 4.5 * 216
    assert work_by_hand("aten._linalg_eigh", [a], [w], compute_v=False).macs == 144  # 2 * 216 / 3
    assert work_by_hand("aten.linalg_eig", [a], [w, v]).macs == 2700  # 12.5 * 216
    assert work_by_hand("aten._linalg_eigvals", [a], [w]).macs == 1080  # 5 * 216


def test_what_is_made_of_them_by_hand() -> None:
    a = tensor("a", 10, 4)
    inverse = work_by_hand("aten.linalg_pinv", [a], [tensor("b", 4, 10)])
    assert inverse.macs == 1120 + 160  # the decomposition, and 10 * 4 * 4
    solution = work_by_hand("aten.linalg_lstsq", [a, tensor("b", 10, 3)], [tensor("x", 4, 3)])
    # R: 2 (10*4*4 - 14*16/2 + 64/3 = 69.3 -> 70) = 140; reflect B: 2*10*4*3 = 240; triangle 16*3/2 = 24
    assert solution.macs == 404
    reflections = work_by_hand("aten.linalg_householder_product", [a, tensor("t", 4)], [a])
    assert reflections.macs == 139  # 2 (160 - 112) + 128/3 = 138.7
    exponential = work_by_hand("aten.linalg_matrix_exp", [tensor("e", 5, 5)], [tensor("f", 5, 5)])
    assert (exponential.macs, exponential.vector_ops) == (625, 450)  # 5 * 125, 18 * 25
    assert work_by_hand("aten.cholesky_inverse", [tensor("l", 6, 6)], [tensor("i", 6, 6)]).macs == 72


def chain(*sizes: int) -> int:
    factors = [tensor(str(i), m, n) for i, (m, n) in enumerate(pairwise(sizes))]
    return work_by_hand("aten.linalg_multi_dot", factors, [tensor("c", sizes[0], sizes[-1])]).macs


def test_a_chain_takes_its_best_order() -> None:
    assert chain(10, 100, 5, 50) == 7500  # 10*100*5 + 10*5*50, and not 75,000
    assert chain(30, 35, 15, 5, 10, 20, 25) == 15125  # Cormen et al., the example of matrix chains


@given(sizes=st.lists(size, min_size=3, max_size=6))
def test_no_order_of_a_chain_is_better(sizes: list[int]) -> None:
    def least(first: int, last: int) -> int:
        if last - first == 1:
            return 0
        cuts = range(first + 1, last)
        return min(
            least(first, cut) + least(cut, last) + sizes[first] * sizes[cut] * sizes[last] for cut in cuts
        )

    assert chain(*sizes) == least(0, len(sizes) - 1)


@pytest.mark.parametrize("name", ["aten.outer", "aten.ger"])
def test_an_outer_product_accumulates_nothing(name: str) -> None:
    work = work_by_hand(name, [tensor("x", 6), tensor("y", 4)], [tensor("c", 6, 4)])
    as_torch_runs_it = work_of(aten.mul.Tensor, meta(6, 1), meta(4))
    assert (work.macs, work.vector_ops) == (0, 24)
    assert (work.macs, work.flops) == (as_torch_runs_it.macs, as_torch_runs_it.flops)
