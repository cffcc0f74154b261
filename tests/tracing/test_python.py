"""What a model's own Python sees: constants, devices, numbers read, and objects of any kind."""

import dataclasses
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

import hwcost
from hwcost.errors import TraceError
from hwcost.graph import Op, Trace, leaves
from hwcost.rules.count import count

X = torch.ones(5, 8)
LINEAR = 5 * 8 * 8


class Function(nn.Module):
    """A linear layer and a function that uses it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.function = function

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        return self.function(self.linear, *inputs, **keywords)


def macs(trace: Trace) -> int:
    return sum(work.macs * calls for work, calls in leaves(count(trace.items)))


def ops(trace: Trace) -> list[Op]:
    return [op for op, _ in leaves(trace.items)]


def traced(function: Callable[..., Any], *inputs: Any, **keywords: Any) -> Trace:
    return hwcost.trace(Function(function), *inputs, **keywords)


def constant_written(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    index = torch.tensor([1, 2, 3])
    index[0] = 4
    index.add_(1)
    old = torch.LongTensor([1, 2])
    old.add_(1)
    assert index.tolist() == [5, 3, 4]
    assert list(index.numpy()) == [5, 3, 4]
    assert 5 in index
    assert old.tolist() == [2, 3]
    return linear(x[: index[1]])


def constant_of_constants(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    first = torch.tensor([torch.tensor(1), torch.tensor(2)])
    return linear(x[torch.tensor([first[0], first[1], 3])])


def numbers_read_in_cpp(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    ids = torch.arange(3, device=x.device)
    assert torch.allclose(ids, ids)
    assert torch.equal(ids, ids)
    assert bool(torch.any(ids == 2))
    return linear(x[: torch.max(ids) + 1])


def split_at_a_tensor(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    return linear(torch.tensor_split(x, torch.tensor([1, 4]))[1])


def resized(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    out = torch.empty(0, device=x.device)
    torch.add(x, 1, out=out)
    return linear(out[:3])


def random_from_a_generator(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    return linear(x[:3] + torch.randn(8, device=x.device, generator=torch.Generator(x.device)))


@pytest.mark.parametrize(
    "function",
    [
        constant_written,
        constant_of_constants,
        numbers_read_in_cpp,
        split_at_a_tensor,
        resized,
        random_from_a_generator,
    ],
)
def test_values_reach_python(function: Callable[..., Any]) -> None:
    Function(function)(X)  # right without us too
    assert macs(traced(function, X)) == 3 * 64  # three rows are chosen


def test_what_grows_is_as_large_as_it_grew() -> None:
    trace = traced(resized, X)
    product = next(op for op in ops(trace) if op.name == "aten.addmm")
    assert product.inputs[1].storage.elements == X.numel()


def asks_for_a_device(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    if x.device.type not in ("cpu", "cuda") or x.is_meta or not x.is_cpu:
        raise RuntimeError("no such device")
    made = (torch.tensor([1.0], device=x.device), x.new_tensor([1.0]), torch.LongTensor([1]).to(x.device))
    assert {tensor.device for tensor in (*made, linear.weight)} == {x.device}
    assert x.type() == "torch.FloatTensor"
    with torch.autocast(device_type=x.device.type, enabled=False):
        return linear(x.to(x.device).cpu().type_as(x).type("torch.FloatTensor"))


def test_tensors_say_that_they_are_on_a_cpu_and_moves_cost_nothing() -> None:
    with torch.device("meta"):
        bare = Function(asks_for_a_device)
    for module in (Function(asks_for_a_device), bare):
        assert [op.name for op in ops(hwcost.trace(module, X))] == ["aten.addmm"]


@functools.lru_cache
def remembered(device: torch.device) -> torch.Tensor:
    return torch.arange(5, device=device)


def test_what_functions_remember_by_device_stays_in_its_run() -> None:
    module = Function(lambda linear, x: linear(x[remembered(x.device)]))
    first, second = hwcost.trace(module, X), hwcost.trace(module, X)
    assert module(X).device.type == "cpu"
    assert first.items == second.items == hwcost.trace(module, X).items
    assert not module(X).is_meta


class Cache:
    """An object that grows: not a container, not a module."""

    __slots__ = ("keys", "length")

    def __init__(self) -> None:
        self.keys = [torch.ones(3, 8)]
        self.length = torch.tensor(3)

    def grown(self, more: torch.Tensor) -> torch.Tensor:
        self.keys[0] = torch.cat([self.keys[0], more])
        self.length += len(more)
        return self.keys[0][: int(self.length)]


class LockedCache(Cache):
    """One that cannot be deep-copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Batch:
    x: torch.Tensor
    mask: torch.Tensor


@pytest.mark.parametrize("kind", [Cache, LockedCache])
def test_objects_as_inputs_are_traced_and_left_alone(kind: type[Cache]) -> None:
    cache = kind()
    trace = traced(lambda linear, x, cache: x @ cache.grown(linear(x)).T, X, cache=cache)
    assert macs(trace) == LINEAR + 5 * 8 * (3 + 5)
    assert cache.keys[0].shape == (3, 8)
    assert cache.length == 3
    joined = next(op for op in ops(trace) if op.name == "aten.cat")
    assert joined.inputs[0].storage.role == "input"


def test_objects_as_attributes_are_traced_and_left_alone() -> None:
    def forward(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        assert module_cache(linear).length.device == x.device
        return x @ module_cache(linear).grown(linear(x)).T

    def module_cache(linear: nn.Linear) -> Cache:
        return linear.cache  # type: ignore[return-value]

    module = Function(forward)
    module.linear.cache = cache = LockedCache()  # type: ignore[assignment]
    assert macs(hwcost.trace(module, X)) == LINEAR + 5 * 8 * (3 + 5)
    assert cache.keys[0].shape == (3, 8)
    assert not cache.keys[0].is_meta


def test_dataclasses_as_inputs() -> None:
    batch = Batch(X, torch.tensor([True, False, True, True, True]))
    assert macs(traced(lambda linear, batch: linear(batch.x[batch.mask]), batch)) == 4 * 64


def test_inputs_stay_as_they_are() -> None:
    def writes(linear: nn.Linear, given: dict[str, Any]) -> torch.Tensor:
        given["y"] = given["x"].add_(1)
        given["list"].append(3)
        return linear(given["x"])

    given = {"x": X.clone(), "list": [1, 2]}
    assert macs(traced(writes, given)) == LINEAR
    assert set(given) == {"x", "list"}
    assert given["list"] == [1, 2]
    assert torch.equal(given["x"], X)  # type: ignore[arg-type]


def test_numpy_takes_part() -> None:
    def forward(linear: nn.Linear, x: torch.Tensor, rows: Any) -> torch.Tensor:
        return linear(x[: int(np.sqrt(np.asarray(rows).sum()))]) * np.float64(2)

    assert macs(traced(forward, X, torch.tensor([4, 5]))) == 3 * 64
    assert macs(traced(forward, X, np.array([4, 5]))) == 3 * 64


class Slotted(nn.Module):
    __slots__ = ("scale",)

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.scale = torch.ones(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x) * self.scale


def test_slots_are_copied() -> None:
    assert [op.name for op in ops(hwcost.trace(Slotted(), X))] == ["aten.addmm", "aten.mul"]


def test_generators_are_run_to_their_end() -> None:
    def three(linear: nn.Linear, x: torch.Tensor) -> Iterator[torch.Tensor]:
        for _ in range(3):
            yield linear(x)

    assert macs(traced(three, X)) == 3 * LINEAR


@pytest.mark.parametrize("result", [None, "text", 3, Batch(X, X), {"a": [(X, None)]}])
def test_outputs_of_any_kind(result: Any) -> None:
    assert macs(traced(lambda linear, x: (linear(x), result)[1], X)) == LINEAR


def test_deep_nesting_needs_no_higher_limit_than_the_model_does() -> None:
    module: nn.Module = nn.Linear(8, 8)
    depth = sys.getrecursionlimit() // 3 - 100  # three frames a level: what the model itself can do here
    for _ in range(depth):
        module = nn.Sequential(module)
    limit = sys.getrecursionlimit()
    assert macs(hwcost.trace(module, X)) == LINEAR
    assert sys.getrecursionlimit() == limit


class Passing(TorchFunctionMode):
    """A mode of the caller, which must not see our products."""

    def __torch_function__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func not in (nn.functional.linear, torch.lstm)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "mode",
    [
        Passing(),
        FlopCounterMode(display=False),
        torch.device("meta"),
        torch.inference_mode(),
        torch.enable_grad(),
    ],
    ids=lambda mode: type(mode).__name__,
)
def test_modes_of_the_caller_change_nothing(mode: Any) -> None:
    module = nn.Sequential(nn.Linear(8, 8), nn.LSTM(8, 8))
    expected = hwcost.trace(module, X)
    with mode:
        trace = hwcost.trace(module, X)
    assert trace.items == expected.items
    assert not isinstance(mode, FlopCounterMode) or mode.get_total_flops() == 0


def test_inference_mode_inside_takes_products_apart_as_ever() -> None:
    def forward(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return linear(x)

    assert [op.name for op in ops(traced(forward, X))] == ["aten.addmm"]


def test_autocast_is_ignored_and_said_so() -> None:
    def forward(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return linear(x)

    assert any("autocast" in note for note in traced(forward, X).assumptions)
    assert not traced(lambda linear, x: linear(x), X).assumptions


def test_several_threads_trace_at_once() -> None:
    module = nn.Sequential(nn.Linear(8, 8), nn.GRU(8, 8))
    traces: list[Trace] = []
    limit = sys.getrecursionlimit()
    threads = [threading.Thread(target=lambda: traces.append(hwcost.trace(module, X))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(traces) == 3
    assert sys.getrecursionlimit() == limit
    assert torch.backends.mha.get_fastpath_enabled()
    assert traces[0].items == traces[1].items == traces[2].items


def test_distributions_do_not_check_what_is_not_known() -> None:
    def policy(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        return torch.distributions.Categorical(logits=linear(x)).entropy()  # type: ignore[no-untyped-call]

    before = torch.distributions.Distribution._validate_args
    torch.distributions.Distribution.set_default_validate_args(True)  # type: ignore[no-untyped-call]
    try:
        assert macs(traced(policy, X)) == LINEAR
        with pytest.raises(ValueError, match="probs"):
            torch.distributions.Categorical(probs=torch.tensor([-1.0, 2.0]))
    finally:
        torch.distributions.Distribution.set_default_validate_args(before)  # type: ignore[no-untyped-call]


def in_a_thread(linear: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    results: list[torch.Tensor] = []
    thread = threading.Thread(target=lambda: results.append(linear(x)))
    thread.start()
    thread.join()
    return results[0]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (in_a_thread, "one thread"),
        (lambda _linear, _x: sys.exit(3), r"test_python\.py:\d+.*SystemExit: 3"),
        (lambda linear, x: linear(x.to_sparse()), r"test_python\.py:\d+"),
        (lambda _linear, x: torch.sparse_coo_tensor([[0]], x[0, :1], (5,)), r"test_python\.py:\d+.*sparse"),
        (lambda _linear, x: torch.nested.nested_tensor([x, x[:2]]), r"test_python\.py:\d+.*nested"),
        (lambda linear, x: linear(x[:, :7]), r"test_python\.py:\d+.*cannot be multiplied \(5x7 and 8x8\)"),
    ],
)
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_what_cannot_be_traced_is_one_line(function: Callable[..., Any], words: str) -> None:
    with pytest.raises(TraceError, match=words) as caught:
        traced(function, X)
    assert "\n" not in str(caught.value)
