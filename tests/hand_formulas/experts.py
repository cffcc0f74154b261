"""Mixtures of experts: 16 tokens of width 8, a router to 4 experts 8 -> 12 -> 8, 192 for each."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .case import Case, Written, case, x

ROUTER = 16 * 8 * 4
EXPERT = 8 * 12 + 12 * 8


def feed_forward() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 8))


def routed(forward: object, macs: int) -> Case:
    """A router, four experts, and what is called with them and the tokens."""
    experts = nn.ModuleList([feed_forward() for _ in range(4)])
    return case(Written(forward, router=nn.Linear(8, 4), experts=experts), x(16, 8), macs=macs)


def masked_best_two(self: Written, a: torch.Tensor) -> torch.Tensor:
    weights, chosen = self.router(a).softmax(-1).topk(2)
    result = torch.zeros_like(a)
    for number, expert in enumerate(self.experts):
        rows = (chosen == number).any(-1)
        if rows.any():
            result[rows] += expert(a[rows]) * weights[rows].sum(-1, keepdim=True)
    return result


def experts_by_masks() -> Case:
    """Two experts for each token."""
    return routed(masked_best_two, ROUTER + 32 * EXPERT)


def experts_beside_a_shared_one() -> Case:
    """And one that sees every token."""
    experts = nn.ModuleList([feed_forward() for _ in range(4)])
    model = Written(
        lambda self, a: self.shared(a) + masked_best_two(self, a),
        router=nn.Linear(8, 4),
        experts=experts,
        shared=feed_forward(),
    )
    return case(model, x(16, 8), macs=ROUTER + 48 * EXPERT)


def best_expert_by_positions() -> Case:
    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        chosen, result = self.router(a).argmax(-1), torch.zeros_like(a)
        for number, expert in enumerate(self.experts):
            rows = (chosen == number).nonzero().squeeze(-1)
            if rows.numel():
                result[rows] = expert(a[rows])
        return result

    return routed(forward, ROUTER + 16 * EXPERT)


def best_expert_by_masked_scatter() -> Case:
    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        chosen, result = self.router(a).topk(1).indices, torch.zeros_like(a)
        for number, expert in enumerate(self.experts):
            rows = chosen.eq(number)
            own = a.masked_select(rows).view(-1, 8)
            result.masked_scatter_(rows.expand_as(a), expert(own))
        return result

    return routed(forward, ROUTER + 16 * EXPERT)


def experts_over_sorted_tokens() -> Case:
    """Tokens sorted by expert, cut by how many each got."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        weights, chosen = self.router(a).softmax(-1).topk(2)
        order = chosen.view(-1).argsort()
        counts = torch.bincount(chosen.view(-1), minlength=4).tolist()
        parts = a[order // 2].split(counts)
        out = torch.cat([expert(part) for expert, part in zip(self.experts, parts, strict=True)])
        return torch.zeros_like(a).index_add_(0, order // 2, out * weights.view(-1, 1)[order])

    return routed(forward, ROUTER + 32 * EXPERT)


def experts_that_choose_tokens() -> Case:
    """Each of 4 takes its 8 best of 16 tokens, as products in a batch."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        weights, chosen = self.router(a).softmax(0).topk(8, dim=0)
        out = torch.bmm(torch.bmm(a[chosen.T], self.up).relu(), self.down) * weights.T[..., None]
        return torch.zeros_like(a).index_add_(0, chosen.T.reshape(-1), out.reshape(-1, 8))

    model = Written(forward, router=nn.Linear(8, 4), up=x(4, 8, 12), down=x(4, 12, 8))
    return case(model, x(16, 8), macs=ROUTER + 32 * EXPERT)


def experts_with_capacity() -> Case:
    """One-hot dispatch: 16 tokens to 4*4 places and back are products of 16*16*8 each, empty places count."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        gates = self.router(a).softmax(-1)
        own = F.one_hot(gates.argmax(-1), 4).float()
        place = ((own.cumsum(0) - 1) * own).long().clamp(0, 3)
        dispatch = own[:, :, None] * F.one_hot(place, 4)
        taken = torch.einsum("tec,td->ecd", dispatch, a)
        made = torch.einsum("ecf,efd->ecd", torch.einsum("ecd,edf->ecf", taken, self.up).relu(), self.down)
        return torch.einsum("tec,ecd->td", dispatch * gates[:, :, None], made)

    model = Written(forward, router=nn.Linear(8, 4), up=x(4, 8, 12), down=x(4, 12, 8))
    return case(model, x(16, 8), macs=ROUTER + 2 * 16 * 16 * 8 + 16 * EXPERT)


def expert_weights_gathered_by_token() -> Case:
    """Each token brings a matrix of its own: 16 * 12*8."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        return torch.bmm(self.w[self.router(a).argmax(-1)], a[:, :, None]).squeeze(-1)

    return case(Written(forward, router=nn.Linear(8, 4), w=x(4, 12, 8)), x(16, 8), macs=ROUTER + 16 * 96)


def experts_computed_and_thrown_away() -> Case:
    """`where` chooses among results: every token went through every expert."""

    def forward(self: Written, a: torch.Tensor) -> torch.Tensor:
        chosen, result = self.router(a).argmax(-1, keepdim=True), torch.zeros_like(a)
        for number, expert in enumerate(self.experts):
            result = torch.where(chosen == number, expert(a), result)
        return result

    return routed(forward, ROUTER + 64 * EXPERT)
