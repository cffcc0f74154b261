"""Features of torch beside plain layers: scripts, transforms, control flow, parametrisations."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from torch.nn.utils import parametrizations, prune

import hwcost
from hwcost.errors import TraceError
from hwcost.graph import Trace, leaves
from hwcost.rules.count import count

X = torch.ones(5, 8)
LINEAR = 5 * 8 * 8


class Function(nn.Module):
    """A linear layer and a function that uses it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        return self.function(self.linear, *inputs)


def macs(trace: Trace) -> int:
    return sum(work.macs * calls for work, calls in leaves(count(trace.items)))


def traced(function: Callable[..., Any], *inputs: Any) -> Trace:
    return hwcost.trace(Function(function), *inputs)


def names(trace: Trace) -> list[str]:
    return [op.name for op, _ in leaves(trace.items)]


def test_scripted_helpers_are_seen_through() -> None:
    def helper(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x) * 2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.trace(helper, (X,))
    assert names(traced(lambda linear, x: scripted(linear(x)), X)) == ["aten.addmm", "aten.tanh", "aten.mul"]


class Clamp(torch.autograd.Function):
    @staticmethod
    def forward(_context: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(min=0)


def vmapped(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    ids = torch.arange(5, device=x.device)
    mask = torch.vmap(torch.vmap(lambda q, k: q >= k, in_dims=(None, 0)), in_dims=(0, None))(ids, ids)
    return torch.vmap(linear)(x) if mask[-1].all() else x


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda linear, x: Clamp.apply(linear(x)), LINEAR),
        (vmapped, LINEAR),
        (lambda linear, x: torch.func.grad(lambda y: linear(y).sum())(x), 2 * LINEAR),
        (lambda linear, x: torch.utils.checkpoint.checkpoint(linear, x, use_reentrant=False), LINEAR),
        (lambda linear, x: torch.view_as_complex(linear(x).view(5, 4, 2)).conj().abs(), LINEAR),
    ],
    ids=["autograd function", "vmap", "grad", "checkpoint", "complex"],
)
def test_functions_that_wrap_functions(function: Callable[..., Any], expected: int) -> None:
    assert macs(traced(function, X)) == expected


def test_control_flow_is_followed_where_values_are_known() -> None:
    def forward(linear: nn.Linear, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return torch.cond(mask.all(), lambda y: y @ linear.weight, lambda y: y + 1, (x,))  # type: ignore[no-any-return]

    assert macs(traced(forward, X, torch.ones(3, dtype=torch.bool))) == LINEAR
    assert macs(traced(forward, X, torch.zeros(3, dtype=torch.bool))) == 0


@pytest.mark.parametrize("is_masked", [False, True])
def test_flex_attention_counts_as_dense_attention(is_masked: bool) -> None:
    def forward(_linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        mask = None
        if is_masked:
            mask = create_block_mask(lambda _b, _h, q, k: q >= k, 1, 1, 128, 128, device=x.device)
        return flex_attention(x, x, x, block_mask=mask)  # type: ignore[return-value]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trace = traced(forward, torch.ones(1, 2, 128, 16))
    assert macs(trace) == 2 * 2 * 128 * 128 * 16  # two products for each of two heads
    assert any("flex_attention" in note for note in trace.assumptions)


@torch.library.custom_op("hwcost_tests::without_meta", mutates_args=())
def without_meta(x: torch.Tensor) -> torch.Tensor:
    return x.T.contiguous()


def test_an_op_without_a_meta_version_runs_on_zeros() -> None:
    trace = traced(lambda linear, x: linear(without_meta(x)), torch.ones(8, 5))
    assert macs(trace) == LINEAR
    assert "hwcost_tests.without_meta" in names(trace)


def parametrised(kind: Callable[[nn.Module], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(kind(nn.Linear(8, 8)))


@pytest.mark.parametrize(
    ("make", "least"),
    [
        (parametrised(parametrizations.weight_norm), LINEAR),
        (parametrised(parametrizations.spectral_norm), LINEAR),
        (parametrised(parametrizations.orthogonal), LINEAR),
        (parametrised(lambda layer: prune.l1_unstructured(layer, "weight", 0.3)), LINEAR),
    ],
    ids=["weight norm", "spectral norm", "orthogonal", "pruned"],
)
def test_parametrised_weights(make: Callable[[], nn.Module], least: int) -> None:
    trace = hwcost.trace(make(), X)
    assert sum(work.macs for work, _ in leaves(count(trace.items)) if work.op.name == "aten.addmm") == least


def test_modules_used_twice_count_twice_and_weigh_once() -> None:
    layer = nn.Linear(8, 8)
    trace = hwcost.trace(nn.Sequential(layer, nn.ReLU(), layer), X)
    assert macs(trace) == 2 * LINEAR
    assert trace.parameters == 72


def test_hooks_of_the_user_run() -> None:
    module = nn.Sequential(nn.Linear(8, 8))
    module[0].register_forward_hook(lambda _module, _inputs, output: output * 2)
    assert names(hwcost.trace(module, X)) == ["aten.addmm", "aten.mul"]


@pytest.mark.filterwarnings("ignore")
def test_quantised_modules_are_an_error_with_the_module() -> None:
    module = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(8, 8)), {nn.Linear})
    with pytest.raises(TraceError, match=r"module '0'.*before it is quantised"):
        hwcost.trace(module, X)
