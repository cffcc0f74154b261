"""What does not depend on weights is known: masks, positions, lengths; the rest is a clear error."""

import warnings

import pytest
import torch
from torch import nn

import hwcost
from hwcost.errors import TraceError
from hwcost.graph import leaves
from hwcost.rules.count import count


def macs(module: nn.Module, *inputs: object) -> int:
    return sum(work.macs * calls for work, calls in leaves(count(hwcost.trace(module, *inputs).items)))


class Function(nn.Module):
    def __init__(self, function: object) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> object:
        return self.function(self, *inputs)  # type: ignore[operator]


def branch_on_mask(self: Function, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return self.linear(x) if mask.all() else x


def select_by_mask(self: Function, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return self.linear(x[mask])


def positions_in_a_buffer(self: Function, x: torch.Tensor) -> torch.Tensor:
    ids = torch.zeros(x.shape[0], dtype=torch.int64, device=x.device)
    ids[1:] = torch.arange(1, x.shape[0], device=x.device)
    ids[[0, -1]] += 1
    return self.linear(x[: int(ids.max().item())])


def routed(self: Function, x: torch.Tensor) -> torch.Tensor:
    chosen = self.linear(x).topk(2, dim=-1).indices
    out = torch.zeros_like(x)
    for expert in range(8):
        rows, _ = torch.where(chosen == expert)
        out[rows] += self.linear(x[rows])
    return out


def reads_a_weight(self: Function, x: torch.Tensor) -> torch.Tensor:
    return self.linear(x) * self.linear.weight.sum().item()


def test_a_branch_on_a_mask() -> None:
    x = torch.randn(5, 8)
    assert macs(Function(branch_on_mask), x, torch.ones(5, dtype=torch.bool)) == 5 * 64
    assert macs(Function(branch_on_mask), x, torch.zeros(5, dtype=torch.bool)) == 0


def test_selecting_by_a_mask() -> None:
    mask = torch.tensor([True, False, True, True, False])
    assert macs(Function(select_by_mask), torch.randn(5, 8), mask) == 3 * 64


def test_values_pass_through_in_place_writes_and_views() -> None:
    # ids become [1, 1, 2, 3, 5]; the maximum is 5, so all 5 rows are taken
    assert macs(Function(positions_in_a_buffer), torch.randn(5, 8)) == 5 * 64


def test_routing_is_taken_as_even_and_said_so() -> None:
    trace = hwcost.trace(Function(routed), torch.randn(12, 8))
    total = sum(work.macs * calls for work, calls in leaves(count(trace.items)))
    assert total == 12 * 64 + 12 * 2 * 64  # the router, then two experts for each row
    assert any("evenly spread" in note for note in trace.assumptions)


def test_a_value_that_depends_on_weights_is_an_error_with_the_line() -> None:
    with pytest.raises(TraceError, match=r"test_values\.py:\d+.*not known without weights"):
        hwcost.trace(Function(reads_a_weight), torch.randn(5, 8))


def test_a_wrong_shape_is_an_error_with_the_line() -> None:
    with pytest.raises(TraceError, match=r"test_values\.py:\d+.*RuntimeError"):
        hwcost.trace(Function(branch_on_mask), torch.randn(5, 7), torch.ones(5, dtype=torch.bool))


def test_masks_without_values_are_taken_as_ones_and_said_so() -> None:
    mask = torch.empty(5, dtype=torch.bool, device="meta")
    trace = hwcost.trace(Function(branch_on_mask), torch.randn(5, 8), mask)
    assert any("taken as ones" in note for note in trace.assumptions)


@pytest.mark.parametrize("what", [3, "lstm", torch.randn(2)])
def test_what_is_no_module_is_an_error(what: object) -> None:
    with pytest.raises(TraceError, match=r"is not a torch\.nn\.Module"):
        hwcost.trace(what)  # type: ignore[arg-type]


def test_lazy_and_scripted_modules_are_errors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lazy = nn.LazyLinear(4)
        scripted = torch.jit.script(nn.Linear(2, 2))
    with pytest.raises(TraceError, match="not initialised"):
        hwcost.trace(lazy, torch.randn(2, 3))
    for module in (scripted, nn.Sequential(scripted)):
        with pytest.raises(TraceError, match="TorchScript"):
            hwcost.trace(module, torch.randn(2, 2))


def test_what_meta_and_cpu_shape_differently_is_not_known() -> None:
    class Model(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            known = torch.arange(8.0).reshape(2, 4)
            return x + nn.functional.batch_norm(known, torch.zeros(4), torch.ones(4), training=False)

    names = [op.name for op, _ in leaves(hwcost.trace(Model(), torch.zeros(2, 4)).items)]
    assert names[-2:] == ["aten.native_batch_norm", "aten.add"]
