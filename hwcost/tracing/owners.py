"""Which module a node of autograd's graph belongs to: the one that ran when the node was made."""

from __future__ import annotations

from bisect import bisect_right

import torch
from torch.autograd import _get_sequence_nr  # type: ignore[attr-defined]


class Owners:
    """The modules that ran, by the numbers that autograd gives to the nodes of its graph.

    Nodes are numbered in the order in which they are made, so that a node belongs to the module that
    was entered, or returned to, last before its number. parameters: paths of the modules that own them,
    by the identity of the parameter; the node that stores its gradient has no number.
    """

    def __init__(self) -> None:
        self.parameters: dict[int, str] = {}
        self._numbers = [0]
        self._modules = [""]
        self._last = ""

    def mark(self, module: str) -> None:
        """From now on nodes belong to this module."""
        self._numbers.append(_get_sequence_nr())
        self._modules.append(module)

    def running(self) -> str:
        """The module of the node that autograd runs now, or ran last."""
        node = torch._C._current_autograd_node()
        if node is None:
            return self._last
        variable = getattr(node, "variable", None)
        if variable is not None:
            self._last = self.parameters.get(id(variable), self._last)
        else:
            self._last = self._modules[bisect_right(self._numbers, node._sequence_nr()) - 1]
        return self._last
