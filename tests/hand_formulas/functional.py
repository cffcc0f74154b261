"""Models called through torch.func, compiled, parametrised, checkpointed, differentiated on the way."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.func import functional_call, grad, jvp, vmap
from torch.nn import functional as F
from torch.nn.utils import fusion, parametrizations, prune
from torch.utils.checkpoint import checkpoint

from .case import Case, Written, case, x


def call_with_other_weights() -> Case:
    """[6, 5] by [5, 4]."""
    model = Written(
        lambda self, a: functional_call(self.part, {"weight": self.w}, (a,)), part=nn.Linear(5, 4), w=x(4, 5)
    )
    return case(model, x(6, 5), macs=120)


def recurrent_layer_called_with_its_weights() -> Case:
    """7*2 * 4*3*(5+3)."""
    model = Written(
        lambda self, a: functional_call(self.part, dict(self.part.named_parameters()), (a,))[0],
        part=nn.LSTM(5, 3),
    )
    return case(model, x(7, 2, 5), macs=1344)


def recurrent_weights_dropped() -> Case:
    """The LSTM of AWD-LSTM, its weights given one by one."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        state = a.new_zeros(1, 2, 3)
        weights = [self.wi, F.dropout(self.wh, 0.5, self.training), self.bi, self.bh]
        return torch._VF.lstm(a, (state, state), weights, True, 1, 0.0, self.training, False, False)[0]

    return case(Written(forward, wi=x(12, 5), wh=x(12, 3), bi=x(12), bh=x(12)), x(7, 2, 5), macs=1344)


def mapped_rows() -> Case:
    """vmap of a matrix by a vector over 2*6 of them: 12 * 20."""
    model = Written(lambda self, a: vmap(vmap(lambda row: self.w @ row))(a), w=x(4, 5))
    return case(model, x(2, 6, 5), macs=240)


def mapped_dots() -> Case:
    return case(Written(lambda _, a: vmap(torch.dot)(a, a)), x(6, 5), macs=30)


def mapped_weights() -> Case:
    """One input by three matrices."""
    return case(Written(lambda self, a: vmap(lambda w: a @ w)(self.w), w=x(3, 5, 4)), x(6, 5), macs=360)


def mapped_convolutions() -> Case:
    """Each of two images with filters of its own: 2 * 36*4*27."""
    model = Written(lambda self, a: vmap(lambda i, w: F.conv2d(i[None], w))(a, self.w), w=x(2, 4, 3, 3, 3))
    return case(model, x(2, 3, 8, 8), macs=2 * 36 * 108)


def mapped_attention() -> Case:
    """2*4 heads, n = m = 6, d 3: 8*36*6."""
    model = Written(lambda _, q: vmap(lambda part: F.scaled_dot_product_attention(part, part, part))(q))
    return case(model, x(2, 4, 6, 3), macs=1728)


def ensemble() -> Case:
    """Three linear layers with their weights stacked."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        stacked = {
            name: torch.stack([member.get_parameter(name) for member in self.members])
            for name in ("weight", "bias")
        }
        return vmap(lambda weights: functional_call(self.members[0], weights, (a,)))(stacked)

    members = nn.ModuleList([nn.Linear(5, 4) for _ in range(3)])
    return case(Written(forward, members=members), x(6, 5), macs=360)


def gradient_by_torch_func() -> Case:
    """y = sum(x W): 120 forwards, and as many for the gradient of x."""
    return case(Written(lambda self, a: grad(lambda b: (b @ self.w).sum())(a), w=x(5, 4)), x(6, 5), macs=240)


def gradient_inside_the_forward_pass() -> Case:
    """An energy model: 120 + 120."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            a = a.requires_grad_()
            (force,) = torch.autograd.grad((a @ self.w).tanh().sum(), a)
        return force

    return case(Written(forward, w=x(5, 4)), x(6, 5), macs=240)


def tangent() -> Case:
    """x W, x' W, and x by a tangent of W that torch makes of zeros: 3 * 120."""
    return case(
        Written(lambda self, a: jvp(lambda b: b @ self.w, (a,), (a,))[1], w=x(5, 4)), x(6, 5), macs=360
    )


def checkpointed() -> Case:
    """Both ways; without a backward pass nothing runs twice."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        first = checkpoint(self.part, a, use_reentrant=False)
        return first + checkpoint(self.part, a, use_reentrant=True)

    return case(Written(forward, part=nn.Linear(5, 4)), x(6, 5), macs=240)


def compiled_function() -> Case:
    compiled = torch.compile(lambda a, w: F.relu(a @ w), backend="eager")
    return case(Written(lambda self, a: compiled(a, self.w), w=x(5, 4)), x(6, 5), macs=120)


def compiled_part() -> Case:
    return case(
        Written(lambda self, a: self.part(a), part=torch.compile(nn.LSTM(5, 3), backend="eager")),
        x(7, 2, 5),
        macs=1344,
    )


class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return a @ w

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return g, g


def function_with_a_backward_of_its_own() -> Case:
    return case(Written(lambda self, a: Product.apply(a, self.w), w=x(5, 4)), x(6, 5), macs=120)


def spectral_norm_of_a_convolution() -> Case:
    """W as [4, 27]: sigma = u . (W v), 4*27 + 4, beside 36*4*27."""
    model = parametrizations.spectral_norm(nn.Conv2d(3, 4, 3))
    return case(model, x(1, 3, 8, 8), macs=36 * 108 + 108 + 4)


def weight_norm_of_a_recurrent_layer() -> Case:
    """Norms are vector work: 1344 as without."""
    return case(parametrizations.weight_norm(nn.LSTM(5, 3), "weight_hh_l0"), x(7, 2, 5), macs=1344)


def pruned() -> Case:
    """A mask leaves the product dense."""
    return case(prune.l1_unstructured(nn.Linear(5, 4), "weight", 0.5), x(6, 5), macs=120)


def batch_norm_folded() -> Case:
    """36*4*27, nothing for the norm."""
    model = fusion.fuse_conv_bn_eval(nn.Conv2d(3, 4, 3).eval(), nn.BatchNorm2d(4).eval())
    return case(model, x(1, 3, 8, 8), macs=36 * 108)
