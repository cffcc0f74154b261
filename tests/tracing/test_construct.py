"""Models of a user are made without weights, whatever their constructor does."""

import pytest
import torch
from torch import nn
from torch.nn.init import trunc_normal_

from hwcost.errors import ModelError
from hwcost.tracing.construct import built, example_inputs, made
from hwcost.tracing.tracer import trace


class Eager(nn.Module):
    """Reads numbers out of tensors, draws weights and keeps buffers while it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.rates = [rate.item() for rate in torch.linspace(0, 0.1, 4)]
        self.linear = nn.Linear(8, 8)
        self.old = nn.Parameter(torch.FloatTensor(8, 8))
        for initialise in (
            trunc_normal_,
            nn.init.xavier_uniform_,
            nn.init.kaiming_normal_,
            nn.init.orthogonal_,
            nn.init.normal_,
        ):
            initialise(self.linear.weight)
        trunc_normal_(self.old, std=0.02)
        self.register_buffer("mask", torch.tril(torch.ones(8, 8)).bool())
        self.register_buffer("frequencies", 1.0 / 10000 ** (torch.arange(0, 8, 2) / 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = int(self.mask.sum().item())
        return self.linear(x[:kept]).masked_fill(self.mask, 0) @ self.old


def test_a_constructor_that_computes() -> None:
    state = torch.random.get_rng_state()
    module = built(Eager)
    assert torch.equal(state, torch.random.get_rng_state())
    assert module.linear.weight.is_meta
    assert not module.mask.is_meta
    assert module.rates == pytest.approx([0, 0.1 / 3, 0.2 / 3, 0.1])
    assert trace(module, torch.randn(8, 8)).parameters == 8 * 8 + 8 + 8 * 8


def test_a_large_model_gets_no_weights() -> None:
    module = built(lambda: nn.Sequential(*(nn.Linear(50_000, 50_000) for _ in range(20))))
    assert all(parameter.is_meta for parameter in module.parameters())


def test_what_fails_is_told_in_one_line() -> None:
    def fails() -> None:
        raise ValueError("two\nlines")

    with pytest.raises(ModelError, match=r"x\.py:f: building the model failed: ValueError: two lines"):
        made(fails, where="x.py:f")


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.LSTM(6, 8), (7, 2, 6)),
        (nn.GRU(6, 8, batch_first=True), (2, 7, 6)),
        (nn.Embedding(10, 4), (2, 7)),
        (nn.Conv1d(3, 4, 3), (2, 3, 7)),
        (nn.Conv2d(3, 4, 3), (2, 3, 224, 224)),
        (nn.Linear(5, 4), (2, 7, 5)),
        (nn.Sequential(nn.ReLU(), nn.Linear(5, 4)), (2, 7, 5)),
    ],
)
def test_inputs_of_a_module_that_came_without(module: nn.Module, shape: tuple[int, ...]) -> None:
    (x,) = example_inputs(module, seq_len=7, batch=2)
    assert tuple(x.shape) == shape


def test_a_module_that_does_not_say_what_it_takes() -> None:
    with pytest.raises(ModelError, match="no layer of it says"):
        example_inputs(nn.ReLU(), seq_len=None, batch=None)
