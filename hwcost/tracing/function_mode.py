"""The mode above torch's ops: catches whole what torch would take apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from hwcost.tracing.capture import Capture, tensors_in

WholeFunction = Callable[[Capture, tuple[Any, ...], dict[str, Any]], Any]
Rewrite = Callable[[Capture, tuple[Any, ...], dict[str, Any]], tuple[tuple[Any, ...], dict[str, Any]]]

AUTOCAST = "autocast was ignored: dtypes are those of the weights and inputs"


class FunctionMode(TorchFunctionMode):
    """Hands the functions that must be caught whole to their handlers, and lets the others pass.

    rewrites: functions whose arguments change before they are called as ever.
    transparent: Python functions of torch which call some that must be caught, each with a twin that
    runs under this mode (torch would otherwise take the mode off for the length of the call).
    """

    def __init__(
        self,
        capture: Capture,
        handlers: Mapping[Any, WholeFunction],
        rewrites: Mapping[Any, Rewrite],
        transparent: Mapping[Any, Callable[..., Any]],
    ) -> None:
        super().__init__()
        self.rewrites = rewrites
        self.capture = capture
        self.handlers = handlers
        self.transparent = transparent

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if self.capture.is_paused:
            return func(*args, **(kwargs or {}))
        if torch._C._is_any_autocast_enabled():
            self.capture.recorder.notes[AUTOCAST] = None
        if func in self.handlers and not _is_transformed(args):
            result = self._paused(self.handlers[func], args, kwargs or {})
            if result is not NotImplemented:
                return result
        if func in self.rewrites:
            args, kwargs = self._paused(self.rewrites[func], args, kwargs or {})
        if func in self.transparent:
            with self:
                return self.transparent[func](*args, **(kwargs or {}))
        return func(*args, **kwargs) if kwargs else func(*args)

    def _paused(self, call: Callable[..., Any], *arguments: Any) -> Any:
        self.capture.is_paused = True
        try:
            return call(self.capture, *arguments)
        finally:
            self.capture.is_paused = False


def _is_transformed(args: tuple[Any, ...]) -> bool:
    """Whether an argument is one of torch.func's (vmap, grad, jvp), whose calls torch takes apart."""
    if torch._C._functorch.peek_interpreter_stack() is None:
        return False
    return any(torch._C._functorch.is_functorch_wrapped_tensor(tensor) for tensor in tensors_in(args))
