"""The table of ONNX ops: which function replays which."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from hwcost.sources.onnx_model.graph import Key

if TYPE_CHECKING:
    from hwcost.sources.onnx_model.call import Call

Replay = Callable[["Call"], Any]
"""From a call to its result, or a tuple of results, by way of torch."""

MICROSOFT: Final = "com.microsoft"
"""The domain of onnxruntime's own ops."""


class Registry:
    """Functions by domain and name of the op. lasting: ops that are made anew at every inference."""

    def __init__(self) -> None:
        self._known: dict[Key, Replay] = {}
        self.lasting: set[Key] = set()

    def add(self, *names: str, domain: str = "", folds: bool = True) -> Callable[[Replay], Replay]:
        """A decorator that registers a function under these names.

        folds: of constants, it is worked out when the model is loaded.

        Raises ValueError where a name has a function already.
        """

        def register(function: Replay) -> Replay:
            for name in names:
                if (domain, name) in self._known:
                    raise ValueError(f"{domain}.{name} is replayed by another function already")
                self._known[domain, name] = function
                if not folds:
                    self.lasting.add((domain, name))
            return function

        return register

    def find(self, key: Key) -> Replay | None:
        """The function of an op, or None."""
        return self._known.get(key)


OPS: Final = Registry()


@cache
def filled() -> Registry:
    """OPS after every file of the folder had its say."""
    from hwcost.sources.onnx_model import ops

    for module in pkgutil.iter_modules(ops.__path__):
        import_module(f"{ops.__name__}.{module.name}")
    return OPS
