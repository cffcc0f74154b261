"""Products of matrices, vectors and their kin."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize

from .case import Case, Written, case, x


def linear() -> Case:
    """[6, 5] by [5, 4]."""
    return case(nn.Linear(5, 4), x(6, 5), macs=120)


def linear_of_a_vector() -> Case:
    """5 * 4."""
    return case(nn.Linear(5, 4), x(5), macs=20)


def linear_of_three_dimensions() -> Case:
    """2*6 rows of 5 by 4."""
    return case(nn.Linear(5, 4), x(2, 6, 5), macs=240)


def linear_without_bias() -> Case:
    return case(nn.Linear(5, 4, bias=False), x(2, 3, 6, 5), macs=2 * 3 * 120)


def linear_of_a_transposed_input() -> Case:
    """Columns as rows: [5, 6].T is [6, 5]."""
    return case(Written(lambda self, a: self.part(a.T), part=nn.Linear(5, 4)), x(5, 6), macs=120)


def functional_linear() -> Case:
    return case(Written(lambda self, a: F.linear(a, self.w, self.b), w=x(4, 5), b=x(4)), x(6, 5), macs=120)


def addmm() -> Case:
    """beta and alpha are no products: 6*5*4."""
    model = Written(lambda self, a: torch.addmm(self.b, a, self.w, beta=2, alpha=3), b=x(4), w=x(5, 4))
    return case(model, x(6, 5), macs=120)


def baddbmm() -> Case:
    """3 products of 6*5*4."""
    return case(
        Written(lambda self, a: torch.baddbmm(self.b, a, self.w), b=x(3, 6, 4), w=x(3, 5, 4)),
        x(3, 6, 5),
        macs=360,
    )


def addbmm() -> Case:
    """3 products of 6*5*4, summed."""
    return case(
        Written(lambda self, a: torch.addbmm(self.b, a, self.w), b=x(6, 4), w=x(3, 5, 4)),
        x(3, 6, 5),
        macs=360,
    )


def matmul_that_broadcasts() -> Case:
    """[2, 1, 6, 5] by [3, 5, 4]: 2*3 products of 6*5*4."""
    return case(Written(lambda self, a: a @ self.w, w=x(3, 5, 4)), x(2, 1, 6, 5), macs=720)


def matrix_by_vector() -> Case:
    """6*5, written three ways."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return torch.mv(a, self.v) + a @ self.v + torch.addmv(self.u, a, self.v)

    return case(Written(forward, v=x(5), u=x(6)), x(6, 5), macs=90)


def vector_by_matrix() -> Case:
    """[5] by [5, 4], and by a batch [3, 5, 4]: 20 + 60."""
    return case(
        Written(lambda self, a: (a @ self.w) + (a @ self.ws), w=x(5, 4), ws=x(3, 5, 4)), x(5), macs=80
    )


def dot() -> Case:
    """5, four ways: dot, vdot, inner, @."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return torch.dot(a, self.v) + torch.vdot(a, self.v) + torch.inner(a, self.v) + a @ self.v

    return case(Written(forward, v=x(5)), x(5), macs=20)


def inner_of_matrices() -> Case:
    """Over the last dimension: 6*4*5."""
    return case(Written(lambda self, a: torch.inner(a, self.w), w=x(4, 5)), x(6, 5), macs=120)


def outer_is_a_table_of_products() -> Case:
    """Nothing is accumulated: products alone are vector ops."""
    return case(Written(lambda self, a: torch.outer(a, self.v), v=x(5)), x(6), macs=0)


def einsum_matrix() -> Case:
    return case(Written(lambda self, a: torch.einsum("ik,kj->ij", a, self.w), w=x(5, 4)), x(6, 5), macs=120)


def einsum_batch() -> Case:
    """b 3: 3*120."""
    model = Written(lambda self, a: torch.einsum("bik,bkj->bij", a, self.w), w=x(3, 5, 4))
    return case(model, x(3, 6, 5), macs=360)


def einsum_over_two_dimensions() -> Case:
    """b 2, p 3, c 4, d 5: 2*6 rows, 4*5 summed, 3 columns."""
    model = Written(lambda self, a: torch.einsum("btcd,cdp->btp", a, self.w), w=x(4, 5, 3))
    return case(model, x(2, 6, 4, 5), macs=2 * 6 * 20 * 3)


def einsum_with_dots() -> Case:
    model = Written(lambda self, a: torch.einsum("...k,kj->...j", a, self.w), w=x(5, 4))
    return case(model, x(2, 3, 6, 5), macs=2 * 3 * 120)


def einsum_outer() -> Case:
    """No sum: no multiply-accumulates."""
    return case(Written(lambda self, a: torch.einsum("i,j->ij", a, self.v), v=x(5)), x(6), macs=0)


def einsum_of_three() -> Case:
    """b 6, i = j = 5: 6*5*5 for one product, 6*5 for the other, in either order."""
    model = Written(lambda self, a: torch.einsum("bi,ij,bj->b", a, self.w, a), w=x(5, 5))
    return case(model, x(6, 5), macs=180)


def einsum_bilinear_over_batch() -> Case:
    """Sum of rowwise products: b 6 dots of 5."""
    model = Written(lambda _, a, b: torch.einsum("bi,bi->b", a, b))
    return case(model, x(6, 5), x(6, 5), macs=30)


def tensordot() -> Case:
    """[2, 3, 4] over [3, 4, 5]: 2*12*5."""
    return case(Written(lambda self, a: torch.tensordot(a, self.w, 2), w=x(3, 4, 5)), x(2, 3, 4), macs=120)


def tensordot_of_named_dimensions() -> Case:
    """[3, 2, 4] and [4, 5, 3], summing 3 and 4: 2*12*5."""
    model = Written(lambda self, a: torch.tensordot(a, self.w, dims=([0, 2], [2, 0])), w=x(4, 5, 3))
    return case(model, x(3, 2, 4), macs=120)


def chain_in_its_best_order() -> Case:
    """10x100, 100x5, 5x50: (10*100*5) + (10*5*50), not 75,000 the other way round."""
    model = Written(lambda self, a: torch.linalg.multi_dot([a, self.v, self.w]), v=x(100, 5), w=x(5, 50))
    return case(model, x(10, 100), macs=7500)


def kronecker_product() -> Case:
    """A table of products again."""
    return case(Written(lambda self, a: torch.kron(a, self.w), w=x(2, 3)), x(4, 5), macs=0)


def matrix_power() -> Case:
    """A^4 by two squarings of 5x5."""
    return case(Written(lambda _, a: torch.linalg.matrix_power(a, 4)), x(5, 5), macs=250)


def bilinear() -> Case:
    """N 6, x1 5, x2 4, out 3: y = x1 W x2 costs 6 * 3 * (5*4 + 4), W x2 summed over x1 first."""
    return case(nn.Bilinear(5, 4, 3), x(6, 5), x(6, 4), macs=6 * 3 * 24)


def tied_embedding() -> Case:
    """The classifier is the table [50, 8]: 6*8*50 for the classes, none for the rows looked up."""
    model = Written(lambda self, ids: F.linear(self.table(ids), self.table.weight), table=nn.Embedding(50, 8))
    return case(model, torch.ones(6, dtype=torch.int64), macs=2400)


def tied_parameter() -> Case:
    """Two layers of one weight [8, 8]: 2 * 6*64."""
    first, second = nn.Linear(8, 8), nn.Linear(8, 8)
    second.weight = first.weight
    return case(nn.Sequential(first, nn.ReLU(), second), x(6, 8), macs=768)


def layer_called_three_times() -> Case:
    layer = nn.Linear(8, 8)
    return case(nn.Sequential(layer, layer, layer), x(6, 8), macs=3 * 384)


def embedding_bag() -> Case:
    """Sums of rows are additions: 4 bags, then 4*8*3."""
    model = Written(
        lambda self, ids, offsets: self.out(self.bag(ids, offsets)),
        bag=nn.EmbeddingBag(50, 8, mode="sum"),
        out=nn.Linear(8, 3),
    )
    return case(model, torch.ones(12, dtype=torch.int64), torch.tensor([0, 3, 6, 9]), macs=96)


def weight_norm() -> Case:
    """The norm of each row is vector work: 6*5*4."""
    return case(parametrizations.weight_norm(nn.Linear(5, 4)), x(6, 5), macs=120)


def spectral_norm() -> Case:
    """sigma = u . (W v) at inference: 4*5 + 4, beside 6*5*4."""
    return case(parametrizations.spectral_norm(nn.Linear(5, 4)), x(6, 5), macs=144)


@torch.jit.script_if_tracing
def _scripted(a: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return F.gelu(F.linear(a, w))


class Symmetric(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.triu() + weight.triu(1).T


def own_parametrization() -> Case:
    model = nn.Linear(5, 5)
    parametrize.register_parametrization(model, "weight", Symmetric())
    return case(model, x(6, 5), macs=150)


def low_rank_adapter() -> Case:
    """W 8x8, A 8x2, B 2x8: 6 * (64 + 16 + 16)."""
    model = Written(
        lambda self, a: self.w(a) + self.up(self.down(a)) * 0.5,
        w=nn.Linear(8, 8),
        down=nn.Linear(8, 2, bias=False),
        up=nn.Linear(2, 8, bias=False),
    )
    return case(model, x(6, 8), macs=6 * 96)


def compiled() -> Case:
    return case(torch.compile(nn.Sequential(nn.Linear(5, 4), nn.ReLU())), x(6, 5), macs=120)


def data_parallel() -> Case:
    return case(nn.DataParallel(nn.Linear(5, 4)), x(6, 5), macs=120)


def scripted_function() -> Case:
    """torch.jit.script of a function, called from a module."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return _scripted(a, self.w)

    return case(Written(forward, w=x(4, 5)), x(6, 5), macs=120)


def half() -> Case:
    return case(nn.LSTM(5, 3).half(), x(7, 2, 5, dtype=torch.float16), macs=1344)


def bfloat16() -> Case:
    layer = nn.TransformerEncoderLayer(8, 4, 16, batch_first=True, dtype=torch.bfloat16)
    macs = 2 * 6 * 4 * 64 + 2 * 2 * 6 * 6 * 8 + 2 * 6 * 2 * 8 * 16
    return case(layer, x(2, 6, 8, dtype=torch.bfloat16), macs=macs)


def autocast() -> Case:
    """Casts are no arithmetic."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.part(a)

    return case(Written(forward, part=nn.Linear(5, 4)), x(6, 5), macs=120)


def distances() -> Case:
    """cdist of 30 x 5 and 40 x 5 goes through a product of 7 columns beyond 25 rows: 30*40*7."""
    return case(Written(lambda _, a, b: torch.cdist(a, b)), x(30, 5), x(40, 5), macs=30 * 40 * 7)
