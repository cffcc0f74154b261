"""What the calls of an exported program stand for: ops of torch, and arithmetic on sizes. Nothing else."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch._ops import OpOverload
from torch.nn import functional

from hwcost.errors import ModelError

LIBRARIES: Final = ("aten", "prims", "quantized_decomposed")
"""Libraries whose ops compute tensors from tensors, and nothing beside."""

OP: Final = re.compile(rf"torch\.ops\.({'|'.join(LIBRARIES)})\.(\w+)\.(\w+)")

TOUCHES_FILES: Final = frozenset({"from_file"})
"""Ops of these libraries that read or write files."""

CHECKS: Final = re.compile(r"_assert_\w+|_check\w*|sym_constrain_\w+|_functional_assert_\w+")
"""Ops that check values and compute nothing."""

OPERATORS: Final = (
    *("add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "pos"),
    *("lt", "le", "gt", "ge", "eq", "ne", "and_", "or_", "not_", "getitem"),
)

ARITHMETIC: Final[dict[str, Callable[..., Any]]] = {
    **{f"_operator.{name}": getattr(operator, name) for name in OPERATORS},
    **{f"math.{name}": getattr(math, name) for name in ("ceil", "floor", "trunc")},
    **{
        f"torch.{name}": getattr(torch, name)
        for name in ("sym_int", "sym_float", "sym_max", "sym_min", "sym_not", "sym_ite")
    },
}
"""Functions of sizes. Powers are not among them, for a file could ask for one that never ends."""

_FUNCTIONS: Any = torch._C._VariableFunctions  # noqa: SLF001  where torch keeps functions without a public name

WHOLE: Final[dict[str, Callable[..., Any]]] = {
    "scaled_dot_product_attention": functional.scaled_dot_product_attention,
    "_pack_padded_sequence": _FUNCTIONS._pack_padded_sequence,  # noqa: SLF001
    "_pad_packed_sequence": _FUNCTIONS._pad_packed_sequence,  # noqa: SLF001
    "lstm": torch.lstm,
    "gru": torch.gru,
    "rnn_tanh": torch.rnn_tanh,
    "rnn_relu": torch.rnn_relu,
    "lstm_cell": torch.lstm_cell,
    "gru_cell": torch.gru_cell,
    "rnn_tanh_cell": torch.rnn_tanh_cell,
    "rnn_relu_cell": torch.rnn_relu_cell,
}
"""Ops that are called by their functions, as a model calls them, for a trace to catch them whole."""


def call(target: str, arguments: Mapping[str, Any]) -> Any:
    """Make one call of a graph.

    Raises:
        ModelError: it is neither an op of torch nor arithmetic on sizes.
    """
    if target in ARITHMETIC:
        return ARITHMETIC[target](*arguments.values())
    match = OP.fullmatch(target)
    if match is None or match[2] in TOUCHES_FILES:
        raise ModelError(
            f"calls {target}, which is not run", mend=f"export it with ops of {', '.join(LIBRARIES)} alone"
        )
    library, name, overload = match.groups()
    if CHECKS.fullmatch(name):
        return None
    op = getattr(getattr(getattr(torch.ops, library), name, None), overload, None)
    if not isinstance(op, OpOverload):
        raise ModelError(f"calls {target}, which this torch does not have", mend="export it with this torch")
    positional, named = [], {}
    for argument in op._schema.arguments:  # noqa: SLF001  torch has no public name for it
        value = arguments.get(argument.name, argument.default_value)
        if argument.kwarg_only:
            named[argument.name] = value
        else:
            positional.append(value)
    return WHOLE.get(name, op)(*positional, **named)
