"""One pass over an ONNX graph: each node in order, constants folded, calls under their modules' names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

import torch
from torch.nn import functional
from torch.overrides import _get_current_function_mode_stack

from hwcost.errors import HwcostError, ModelError
from hwcost.sources.onnx_model import constants
from hwcost.sources.onnx_model.call import Call
from hwcost.sources.onnx_model.expansion import expansion
from hwcost.sources.onnx_model.frame import Frame, shapes_of
from hwcost.sources.onnx_model.graph import Function, Key, Node, Reference, Weight
from hwcost.sources.onnx_model.names import cleaned
from hwcost.sources.onnx_model.registry import Replay, filled
from hwcost.sources.onnx_model.unknown import unknown
from hwcost.sources.onnx_model.values import Dequantised, Value
from hwcost.tracing.capture import META, Capture, tensors_in
from hwcost.tracing.function_mode import FunctionMode
from hwcost.tracing.values import VALUE_LIMIT

CALLS: Final = 300_000
"""Nodes that one pass replays at most, rounds of loops included."""

DEPTH: Final = 64
"""Functions and graphs inside each other."""

FAILURES: Final = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
)
"""What torch raises for arguments that do not fit (NotImplementedError and RecursionError included)."""

MEND: Final = "check the model with onnx.checker.check_model(path, full_check=True)"
MEND_SIZES: Final = "the file may be right for the sizes alone that it was exported with: set those"


class Run:
    """One pass. weights: tensors of the file by their keys. sizes, rounds: what the user has set."""

    def __init__(
        self,
        where: str,
        weights: Mapping[str, torch.Tensor],
        functions: Mapping[Key, Function],
        sizes: Mapping[str, int],
        rounds: Mapping[str, int],
        device: torch.device,
    ) -> None:
        self.where = where
        self.weights = weights
        self.functions = functions
        self.sizes = sizes
        self.rounds = rounds
        self.calls = 0
        self.is_whole = True
        self.capture = self._capture()
        self.device = META if self.capture else device

    def _capture(self) -> Capture | None:
        """The state of the trace that this pass is run for, None where no trace is made.

        `is_whole`: that trace catches functions whole (an audit lets them be taken apart).
        """
        for mode in reversed(_get_current_function_mode_stack()):  # type: ignore[no-untyped-call]
            if isinstance(mode, FunctionMode):
                self.is_whole = functional.scaled_dot_product_attention in mode.handlers
                return mode.capture
        return None

    @property
    def recorder(self) -> Any:
        """Where calls are recorded, None where they are not (outside a trace, or of constants)."""
        if self.capture is None or not self.is_whole or self.capture.is_paused:
            return None
        return self.capture.recorder

    def note(self, sentence: str) -> None:
        """Say what was assumed."""
        if self.capture is not None:
            self.capture.recorder.notes[sentence] = None

    def paused(self) -> AbstractContextManager[None]:
        """Call torch without a trace of it."""
        return nullcontext() if self.capture is None else self.capture.paused()

    def real(self, value: Value | Dequantised) -> torch.Tensor | None:
        """The values of a tensor, None where they are not known."""
        if isinstance(value, Dequantised):
            return None
        if value.real is not None:
            return value.real
        if self.capture is None:
            return None if value.tensor.is_meta else value.tensor
        with self.paused():
            found = self.capture.values.of(value.tensor)
            if found is not None and (reason := self.capture.values.reason([value.tensor])):
                self.note(reason)
        return found

    def is_guess(self, value: Value | Dequantised) -> bool:
        """Whether the values of a tensor are made up, since the model's inputs have none."""
        if self.capture is None or isinstance(value, Dequantised):
            return False
        return bool(self.capture.values.reason([value.tensor]))

    def weight(self, weight: Weight) -> Value:
        """A tensor of the file."""
        real = None
        if weight.values is not None and weight.values.size <= VALUE_LIMIT:
            with self.paused():
                real = constants.real(weight)
        tensor = self.weights.get(weight.key)
        if real is not None and (tensor is None or (tensor.is_meta and self.device != META)):
            return self.known(real)  # a constant in the definition of an op, or a pass on real tensors
        if tensor is None:
            with self.paused():
                tensor = torch.empty(weight.shape, dtype=weight.dtype, device=self.device)
        return Value(tensor=tensor, is_fixed=True, real=real)

    def known(self, real: torch.Tensor) -> Value:
        """A constant."""
        if self.capture is not None:
            with self.paused():
                tensor = self.capture.to_meta(real, learn=True)
        else:
            tensor = real.to(self.device)
        return Value(tensor=tensor, is_fixed=True, real=real)

    def numbers(self, numbers: Any, dtype: torch.dtype = torch.int64) -> Value:
        """A constant of plain numbers."""
        with self.paused():
            return self.known(torch.tensor(numbers, dtype=dtype))

    def graph(self, frame: Frame) -> None:
        """Replay a graph whose inputs are in the frame; its results are there afterwards."""
        if frame.depth > DEPTH:
            raise ModelError(
                f"functions and graphs lie more than {DEPTH} deep", where=self.where, mend="flatten them"
            )
        frame.values |= {name: self.weight(weight) for name, weight in frame.graph.weights.items()}
        for node in frame.graph.nodes:
            with self._at(node, frame):
                self._node(node, frame)

    @contextmanager
    def _at(self, node: Node, frame: Frame) -> Iterator[None]:
        """Be in a node's module, and name the node where it fails."""
        where = f"{self.where}: {node.label}"
        path = self.capture.recorder.path if self.capture else []
        path.append(_joined(frame.path, node.path))
        try:
            yield
        except HwcostError as error:
            if error.where.startswith(self.where):
                raise
            raise ModelError(error.what, where=where, mend=error.mend) from error
        except FAILURES as error:
            text = " ".join(str(error).split())[:200]
            what = f"cannot be computed on {shapes_of(node, frame)}: {type(error).__name__}: {text}"
            raise ModelError(what, where=where, mend=MEND_SIZES if self.sizes else MEND) from error
        finally:
            path.pop()

    def _node(self, node: Node, frame: Frame) -> None:
        self.calls += 1
        if self.calls > CALLS:
            raise ModelError(
                f"more than {CALLS:,} nodes are run, rounds of loops included", mend="set a smaller --seq-len"
            )
        inputs = [frame.of(name) if name else None for name in node.inputs]
        attributes = {name: _given(value, frame) for name, value in node.attributes.items()}
        call = Call(node, self, frame, inputs, attributes)
        key = (node.domain, node.op)
        replay = filled().find(key)
        if replay is None:
            results = self._otherwise(call)
        elif key not in filled().lasting and all(
            isinstance(v, Value) and v.is_fixed for v in inputs if v is not None
        ):
            results = self._folded(replay, call)
        else:
            results = _listed(replay(call))
        for name, result in zip(node.outputs, results, strict=False):
            if name:
                frame.values[name] = Value(tensor=result) if isinstance(result, torch.Tensor) else result

    def _otherwise(self, call: Call) -> list[Any]:
        """An op that no function replays: a function of the model's or of the standard's, or unknown."""
        node = call.node
        function = self.functions.get((node.domain, node.op))
        if function is not None:
            return self.function(function, call)
        found = expansion(call, self.where)
        if found is not None:
            return self.function(found, call)
        return unknown(call)

    def function(self, function: Function, call: Call) -> list[Any]:
        """The results of a function's body."""
        body = function.body
        given = [*call.inputs, *[None] * len(body.inputs)]
        frame = Frame(
            graph=body,
            values=dict(zip(body.inputs, given, strict=False)),
            attributes={**function.defaults, **call.attributes},
            path=_joined(call.frame.path, call.node.path),
            depth=call.frame.depth + 1,
        )
        self.graph(frame)
        return [frame.values.get(name) for name in body.outputs]

    def _folded(self, replay: Replay, call: Call) -> list[Any]:
        """The results of an op on constants, which a runtime works out when it loads the model."""
        known = [self.real(value) for value in call.inputs if isinstance(value, Value)]
        are_known = all(value is not None for value in known)
        real: list[Any] = []
        with self.paused():
            results = _listed(replay(call))
            sizes = [tensor.numel() for tensor in tensors_in(results)]
            if are_known and sum(sizes) <= VALUE_LIMIT:
                again = Call(call.node, self, call.frame, call.inputs, call.attributes, is_real=True)
                real = _listed(replay(again))
            real += [None] * (len(results) - len(real))
            for result, value in zip(results, real, strict=True):
                if isinstance(result, torch.Tensor):
                    self._keep(result, value, call.node)
        return [
            Value(tensor=result, is_fixed=True, real=value) if isinstance(result, torch.Tensor) else result
            for result, value in zip(results, real, strict=False)
        ]

    def _keep(self, tensor: torch.Tensor, real: torch.Tensor | None, node: Node) -> None:
        """Take the result of constants for a weight, whose values are known where it is small."""
        if self.capture is None or not tensor.is_meta:
            return
        self.capture.recorder.name(tensor, "weight", cleaned(node.outputs[0]))
        is_whole = tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes
        if real is not None and is_whole and self.capture.values.of(tensor) is None:
            self.capture.values.learn(tensor, real)


def _given(value: Any, frame: Frame) -> Any:
    """An attribute, that of the function's caller where it refers to one."""
    return frame.attributes.get(value.name) if isinstance(value, Reference) else value


def _listed(results: Any) -> list[Any]:
    return list(results) if isinstance(results, tuple) else [results]


def _joined(outer: str, inner: str) -> str:
    return f"{outer}.{inner}" if outer and inner else outer or inner
