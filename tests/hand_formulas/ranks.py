"""Products of operands of every rank, einsum in every form; [6, 5] by [5, 4] is 120."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .case import Case, Written, case, x


def by(first: tuple[int, ...], second: tuple[int, ...], macs: int) -> Case:
    """first @ second, the second a weight."""
    return case(Written(lambda self, a: a @ self.w, w=x(*second)), x(*first), macs=macs)


def einsum(equation: str, *shapes: tuple[int, ...], macs: int) -> Case:
    return case(
        Written(lambda _, *parts: torch.einsum(equation, *parts)), *(x(*s) for s in shapes), macs=macs
    )


def vector_by_stack() -> Case:
    """One row by 2*3 matrices: 6*20."""
    return by((5,), (2, 3, 5, 4), 120)


def stack_by_vector() -> Case:
    """2*3*6 rows by a column: 36*5."""
    return by((2, 3, 6, 5), (5,), 180)


def stack_by_matrix() -> Case:
    return by((2, 3, 6, 5), (5, 4), 720)


def matrix_by_stack() -> Case:
    return by((6, 5), (2, 3, 5, 4), 720)


def stack_by_smaller_stack() -> Case:
    """2*3 products, three matrices shared by two."""
    return by((2, 3, 6, 5), (3, 5, 4), 720)


def stacks_that_broadcast_crosswise() -> Case:
    return by((2, 1, 6, 5), (1, 3, 5, 4), 720)


def five_dimensions() -> Case:
    return by((2, 1, 3, 6, 5), (1, 5, 4), 720)


def column_by_row() -> Case:
    """As a product of matrices, k is 1: 6*1*4."""
    return by((6, 1), (1, 4), 24)


def nothing_to_sum() -> Case:
    """k 0."""
    return by((6, 0), (0, 4), 0)


def einsum_of_a_diagonal() -> Case:
    return einsum("ii->i", (5, 5), macs=0)


def einsum_trace() -> Case:
    """Sums without products."""
    return einsum("ii", (5, 5), macs=0)


def einsum_with_implicit_output() -> Case:
    """ij,jk means ->ik."""
    return einsum("ij,jk", (6, 5), (5, 4), macs=120)


def einsum_with_implicit_order() -> Case:
    """ba,cb means ->ac: b 5 is summed."""
    return einsum("ba,cb", (5, 6), (4, 5), macs=120)


def einsum_with_a_repeated_index() -> Case:
    """The diagonal [6, 5] of the first, then 6 dots of 5."""
    return einsum("iij,j->i", (6, 6, 5), (5,), macs=30)


def einsum_that_sums_each_first() -> Case:
    """j and k stand in one operand each: sums, then a table of products."""
    return einsum("ij,kl->il", (6, 5), (3, 4), macs=0)


def einsum_dot() -> Case:
    return einsum("ij,ij->", (6, 5), (6, 5), macs=30)


def einsum_elementwise() -> Case:
    return einsum("ij,ij->ij", (6, 5), (6, 5), macs=0)


def einsum_of_a_batch_of_dots() -> Case:
    """b 3: dots of 6*5."""
    return einsum("bij,bij->b", (3, 6, 5), (3, 6, 5), macs=90)


def einsum_with_dots_on_both_sides() -> Case:
    return einsum("...ij,...jk->...ik", (2, 3, 6, 5), (3, 5, 4), macs=720)


def einsum_with_dots_in_the_middle() -> Case:
    """2*3*6 rows."""
    return einsum("b...i,ij->b...j", (2, 3, 6, 5), (5, 4), macs=720)


def einsum_of_a_chain() -> Case:
    """From left to right: 6*5*4 + 6*4*3."""
    return einsum("ij,jk,kl->il", (6, 5), (5, 4), (4, 3), macs=192)


def einsum_that_only_moves() -> Case:
    return einsum("ij->ji", (6, 5), macs=0)


def einsum_over_a_dimension_of_one() -> Case:
    """j is 1 in the first and 5 in the second: the second is summed, then a table of products."""
    return einsum("ij,jk->ik", (6, 1), (5, 4), macs=0)


def linear_with_a_vector_for_a_weight() -> Case:
    """6 dots of 5."""
    return case(Written(lambda self, a: F.linear(a, self.w), w=x(5)), x(6, 5), macs=30)


def linear_of_two_vectors() -> Case:
    return case(Written(lambda self, a: F.linear(a, self.w), w=x(5)), x(5), macs=5)


def tensordot_over_nothing() -> Case:
    """torch makes a product with k 1 of it: 6*1*5."""
    return case(Written(lambda self, a: torch.tensordot(a, self.w, 0), w=x(5)), x(6), macs=30)


def tensordot_over_everything() -> Case:
    return case(Written(lambda self, a: torch.tensordot(a, self.w, 2), w=x(6, 5)), x(6, 5), macs=30)


def inner_of_three_dimensions() -> Case:
    """2*6 rows by 3*4 rows of 5."""
    return case(Written(lambda self, a: torch.inner(a, self.w), w=x(3, 4, 5)), x(2, 6, 5), macs=12 * 12 * 5)


def chain_from_the_right() -> Case:
    """10x5, 5x50, 50x2: the last two first, 5*50*2 + 10*5*2."""
    model = Written(lambda self, a: torch.linalg.multi_dot([a, self.v, self.w]), v=x(5, 50), w=x(50, 2))
    return case(model, x(10, 5), macs=600)


def chain_between_vectors() -> Case:
    """6, 6x7, 7x8, 8: from the right, 7*8 + 6*7 + 6, rather than 42 + 56 + 8."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return torch.linalg.multi_dot([a, self.v, self.w, self.u])

    return case(Written(forward, v=x(6, 7), w=x(7, 8), u=x(8)), x(6), macs=104)


def chain_of_the_textbook() -> Case:
    """30x35, 35x15, 15x5, 5x10, 10x20: (A (B C)) (D E), 2625 + 5250 + 1000 + 3000 (Cormen's)."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return torch.linalg.multi_dot([a, self.b, self.c, self.d, self.e])

    return case(Written(forward, b=x(35, 15), c=x(15, 5), d=x(5, 10), e=x(10, 20)), x(30, 35), macs=11875)


def product_into_a_destination() -> Case:
    model = Written(lambda self, a: torch.mm(a, self.w.detach(), out=torch.empty(6, 4)), w=x(5, 4))
    return case(model, x(6, 5), macs=120)


def product_added_in_place() -> Case:
    return case(Written(lambda self, a: torch.zeros(6, 4).addmm_(a, self.w), w=x(5, 4)), x(6, 5), macs=120)


def products_scaled_into_a_broadcast_sum() -> Case:
    """baddbmm with beta and alpha over a bias [4], and with beta 0: 2 * 3*120."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        scaled = torch.baddbmm(self.b, a, self.w, beta=0.5, alpha=2)
        return scaled + torch.baddbmm(self.b, a, self.w, beta=0)

    return case(Written(forward, b=x(4), w=x(3, 5, 4)), x(3, 6, 5), macs=720)


def rank_one_update() -> Case:
    """addr accumulates into its addend: 6*4."""
    return case(Written(lambda self, a: torch.addr(self.b, a, self.w), b=x(6, 4), w=x(4)), x(6), macs=24)


def covariance() -> Case:
    """Rows 6 by rows 6 over 5 observations."""
    return case(Written(lambda _, a: torch.cov(a)), x(6, 5), macs=180)


def odd_matrix_power() -> Case:
    """A^5 = A (A^2)^2: three products."""
    return case(Written(lambda _, a: torch.linalg.matrix_power(a, 5)), x(5, 5), macs=375)
