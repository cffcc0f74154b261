"""Trace a module: copy it without weights, run the copy once on meta, fold what repeats."""

from __future__ import annotations

import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from types import GeneratorType
from typing import Any

import torch
from torch import nn
from torch.distributions import Distribution
from torch.overrides import _pop_mode, _push_mode

from hwcost.errors import HwcostError, TraceError
from hwcost.graph import Trace
from hwcost.tracing.capture import Capture, has_values, tensors_in
from hwcost.tracing.causal_bias import causal_biases_made
from hwcost.tracing.function_mode import FunctionMode
from hwcost.tracing.op_mode import OpMode
from hwcost.tracing.python import device_claims, rewrites
from hwcost.tracing.roll import rolled
from hwcost.tracing.training import backward, one_kernel_dropout, require_trainable, step
from hwcost.tracing.weightless import copied, weightless
from hwcost.tracing.whole import handlers, transparent
from hwcost.training.optimisers import optimiser

_ONE_AT_A_TIME = threading.RLock()
"""A run changes settings of the whole process for its length, so threads take turns."""

RECURSION = 3
"""Calls of ours and of torch's hooks for each of the model's, at most."""

GIVEN = "integer and boolean inputs without values were taken as ones"


def trace(module: nn.Module, *inputs: Any, **keywords: Any) -> Trace:
    """Record what one forward pass of `module` on these inputs does.

    The module may live on any device, in any mode, with real, fake or meta tensors. It is not
    touched: a copy without weights runs on the meta device, in evaluation mode. Inputs may be real or
    meta; the values of small ones (ids, masks, lengths) are used where the model's code asks.

    Raises:
        TraceError: the forward pass fails, or asks for values that depend on weights.
    """
    return _traced(module, inputs, keywords, None)


def trace_training(
    module: nn.Module, inputs: tuple[Any, ...], keywords: Mapping[str, Any], *, optimizer: str
) -> Trace:
    """Record one training iteration: the forward pass, the backward pass and the step of an optimiser.

    As `trace`, but the copy runs in training mode, and autograd follows it. The backward pass begins at
    the loss, where the model returns one by that name, else at each output that depends on a weight;
    then the arithmetic of the loss is left out. Parameters that require no gradient
    get none, and inputs get one only if they require it.

    Raises:
        TraceError: no parameter requires a gradient, no output depends on one that does, a pass fails, or
            asks for values that depend on weights.
        UsageError: there is no such optimiser.
    """
    optimiser(optimizer)
    return _traced(module, inputs, keywords, optimizer)


def _traced(
    module: nn.Module, inputs: tuple[Any, ...], keywords: Mapping[str, Any], optimizer: str | None
) -> Trace:
    """optimizer: that of a training iteration, None for one forward pass."""
    if not isinstance(module, nn.Module):
        raise TraceError(
            f"{type(module).__name__} is not a torch.nn.Module", mend="pass a module, then its inputs"
        )
    capture, is_training = Capture(), optimizer is not None
    with _ONE_AT_A_TIME, _on_our_own():
        twin = weightless(module, lambda tensor: _weight(tensor, capture), capture.device).train(is_training)
        parameters = _name_weights(twin, capture)
        if is_training:
            require_trainable(twin)

        def given(tensor: torch.Tensor) -> torch.Tensor:
            return _input(tensor, capture, is_training=is_training)

        positional, named = copied((inputs, dict(keywords)), given, capture.device)
        with _paths(twin, capture), _restored(), torch.set_grad_enabled(is_training):
            result = _run(twin, positional, named, capture, is_training=is_training)
        for tensor in tensors_in(_plain(result)):
            _name_output(tensor, capture)
        if optimizer is not None:
            ours = set(map(id, parameters))
            step([pair for pair in twin.named_parameters() if id(pair[1]) in ours], capture, optimizer)
    return Trace(
        model=type(module).__name__,
        parameters=sum(parameter.numel() for parameter in parameters),
        weight_bytes=sum(parameter.numel() * parameter.element_size() for parameter in parameters),
        dtype=_commonest(parameters),
        items=rolled(capture.recorder.finished()),
        assumptions=tuple(capture.recorder.notes),
        made_by={"hwcost": version("hwcost"), "torch": str(torch.__version__)},
    )


def _commonest(parameters: list[nn.Parameter]) -> str:
    """The dtype that most parameter elements have."""
    elements: Counter[str] = Counter()
    for parameter in parameters:
        elements[str(parameter.dtype).removeprefix("torch.")] += parameter.numel()
    return max(elements, key=lambda name: elements[name], default="float32")


def _weight(tensor: torch.Tensor, capture: Capture) -> torch.Tensor:
    """A weight on meta; buffers (masks, positions, frequencies) keep their values."""
    return capture.to_meta(tensor, learn=not isinstance(tensor, nn.Parameter))


def _name_weights(twin: nn.Module, capture: Capture) -> list[nn.Parameter]:
    """Name the storages of weights and buffers; the distinct parameters."""
    for name, tensor in (*twin.named_parameters(), *twin.named_buffers()):
        capture.recorder.name(tensor, "weight", name)
    distinct: dict[tuple[int, torch.Size, int], nn.Parameter] = {}
    for parameter in twin.parameters():
        key = (capture.recorder.storage(parameter), parameter.shape, int(parameter.storage_offset()))
        distinct.setdefault(key, parameter)
    return list(distinct.values())


def _input(tensor: torch.Tensor, capture: Capture, *, is_training: bool) -> torch.Tensor:
    """A tensor among the inputs, on meta."""
    twin = capture.to_meta(tensor, learn=True)
    if is_training and tensor.requires_grad:
        twin = twin.detach().requires_grad_()
    if not has_values(tensor) and not (tensor.is_floating_point() or tensor.is_complex()):
        ones = torch.ones(tensor.shape, dtype=tensor.dtype, device="cpu")
        capture.values.learn(twin, ones, reason=GIVEN)
    capture.recorder.name(twin, "input")
    return twin


def _name_output(tensor: torch.Tensor, capture: Capture) -> None:
    """Name the storage of an output; one that holds numbers of Python's (a length, a flag) costs nothing.

    Raises:
        TraceError: no recorded call made it, so that another thread must have.
    """
    if not capture.has_seen(tensor):
        if has_values(tensor) or capture.values.of(tensor) is not None:
            return
        raise TraceError(
            "an output was made where a trace does not see it, such as in a thread of the model's own",
            mend="let the forward pass run in one thread",
        )
    capture.recorder.name(tensor, "output")


def _plain(result: Any) -> Any:
    """A result as lists and tensors: model outputs are dictionaries, dataclasses or tuples."""
    if hasattr(result, "to_tuple"):
        result = result.to_tuple()
    if isinstance(result, dict):
        return [_plain(item) for item in result.values()]
    if isinstance(result, list | tuple):
        return [_plain(item) for item in result]
    if hasattr(result, "__dataclass_fields__"):
        return [_plain(getattr(result, name)) for name in result.__dataclass_fields__]
    return result


def _run(
    twin: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], capture: Capture, *, is_training: bool
) -> Any:
    twins = transparent() | (one_kernel_dropout() if is_training else {})
    modes = OpMode(capture), FunctionMode(capture, handlers() | device_claims(), rewrites(), twins)
    with causal_biases_made(), modes[0], modes[1]:
        with _failures_told("forward", capture):
            result = twin(*inputs, **named)
            result = list(result) if isinstance(result, GeneratorType) else result
        if is_training:
            with _failures_told("backward", capture):
                backward(twin, result, _plain(result), capture)
    return result


@contextmanager
def _failures_told(direction: str, capture: Capture) -> Iterator[None]:
    """What a pass raises as errors that say where it did."""
    try:
        yield
    except TraceError as error:
        where = _users_line(error) or _module(capture)
        raise TraceError(error.what, where=where, mend=error.mend) from error
    except HwcostError:
        raise
    except (Exception, SystemExit) as error:
        text = str(error).strip().splitlines()
        what = f"the model's {direction} pass failed: {type(error).__name__}: {text[0] if text else ''}"
        where = _users_line(error) or _module(capture)
        raise TraceError(what, where=where, mend="check the inputs' shapes and types") from error


def _module(capture: Capture) -> str:
    """The module that failed, where no line of the user's did."""
    return f"module {capture.failed_in!r}" if capture.failed_in else ""


def _users_line(error: BaseException) -> str:
    """file:line of the innermost call that is neither torch's nor ours."""
    ours = (str(Path(torch.__file__).parent), str(Path(__file__).parents[1] / "tracing"))
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if not frame.filename.startswith((*ours, "<")):
            return f"{frame.filename}:{frame.lineno}"
    return ""


@contextmanager
def _paths(twin: nn.Module, capture: Capture) -> Iterator[None]:
    """Keep the recorder's path at the module that is running."""
    recorder = capture.recorder

    def entering(name: str) -> Callable[..., None]:
        def enter(*_: Any) -> None:
            recorder.enter(name)

        return enter

    def leave(*_: Any) -> None:
        recorder.leave()

    for name, module in twin.named_modules():
        module.register_forward_pre_hook(entering(name), prepend=True)
        module.register_forward_hook(leave, always_call=True)
    yield


@contextmanager
def _restored() -> Iterator[None]:
    """Restore what a run changes for the whole process.

    The random state moves. Transformer layers are kept off the fused path, which hides its calls, and
    distributions from checking the values of their parameters, which are not there.
    """
    state, fast = torch.random.get_rng_state(), torch.backends.mha.get_fastpath_enabled()
    checks = Distribution._validate_args
    torch.backends.mha.set_fastpath_enabled(False)
    Distribution._validate_args = False
    try:
        yield
    finally:
        Distribution._validate_args = checks
        torch.backends.mha.set_fastpath_enabled(fast)
        torch.random.set_rng_state(state)


@contextmanager
def _on_our_own() -> Iterator[None]:
    """Leave the modes of the caller (a device, a FakeTensorMode) and of compiled code while we run.

    Recursion may go deeper than the caller's limit allows, since our calls lie between the model's.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(RECURSION * limit)
    functions = [_pop_mode() for _ in range(torch._C._len_torch_function_stack())]  # type: ignore[no-untyped-call]
    try:
        with _without_dispatch_modes(), _without_compiling(), torch.inference_mode(mode=False):
            yield
    finally:
        for mode in reversed(functions):
            _push_mode(mode)  # type: ignore[no-untyped-call]
        sys.setrecursionlimit(limit)


def _without_dispatch_modes() -> AbstractContextManager[Any]:
    if torch._C._len_torch_dispatch_stack() == 0:
        return nullcontext()
    from torch.utils._python_dispatch import _disable_current_modes

    return _disable_current_modes()


def _without_compiling() -> AbstractContextManager[Any]:
    """Let compiled functions run as they were written; none are compiled before torch._dynamo is loaded."""
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    return torch.compiler.set_stance("force_eager")  # type: ignore[no-any-return]
