"""The table of rules: which function counts which op."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import TypeVar

from hwcost.graph import Op, Tree, Work

Rule = Callable[[Op], Work | Tree[Op]]
"""From an op to its work, or to the simpler ops that it amounts to."""

Counted = TypeVar("Counted", bound=Rule)

FOREACH = "_foreach_"


class Registry:
    """Rules by the name of the op; a name is registered once."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}

    def add(self, *names: str) -> Callable[[Counted], Counted]:
        """A decorator that registers a rule under these names.

        Raises ValueError where a name has a rule already.
        """

        def register(rule: Counted) -> Counted:
            for name in names:
                if name in self._rules:
                    raise ValueError(f"{name} has a rule already: {self._rules[name].__qualname__}")
                self._rules[name] = rule
            return rule

        return register

    def find(self, name: str) -> Rule | None:
        """The rule of this name itself, or None."""
        return self._rules.get(name)

    def __iter__(self) -> Iterator[tuple[str, Rule]]:
        return iter(self._rules.items())


RULES = Registry()


def aten(names: str) -> tuple[str, ...]:
    """Names of torch's own ops, written in one line without `aten.`."""
    return tuple(f"aten.{name}" for name in names.split())


@cache
def filled() -> Registry:
    """RULES after every file of this folder had its say."""
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(import_module(package).__path__):
        import_module(f"{package}.{module.name}")
    return RULES


def rule_for(name: str) -> Rule | None:
    """The rule of an op: its own, else that of the plain op that it does in place or on a list.

    `aten.add_` and `aten._foreach_add` do the arithmetic of `aten.add`.
    """
    rules = filled()
    return rules.find(name) or rules.find(plain(name))


def plain(name: str) -> str:
    """The name without what says that it works in place or on a list of tensors."""
    library, _, op = name.rpartition(".")
    if op.endswith("_") and not op.endswith("__"):
        op = op.removesuffix("_")
    return f"{library}.{op.removeprefix(FOREACH)}"


def is_in_place(op: Op) -> bool:
    """Whether an op's name says that it writes into its first tensor."""
    return op.name.endswith("_") and not op.name.endswith("__")
