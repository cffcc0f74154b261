"""Formulas of a model's settings, as its file states them: `1 + 2 * (kernel_size - 1) * (2**levels - 1)`."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from hwcost.errors import ModelError

Value: TypeAlias = bool | int | float | str

FARTHEST: Final = 2**62
"""What a power is cut off at: more steps than any sequence has, and still a small number to compute with."""


def _power(base: int, exponent: int) -> int:
    """base^exponent, cut off; a huge exponent takes no time."""
    if abs(base) > 1 and exponent * (abs(base).bit_length() - 1) >= FARTHEST.bit_length():
        return FARTHEST
    return int(base**exponent)


def _quotient(a: int, b: int) -> int:
    """Floor of a / b; 0 for b = 0, of which nothing comes."""
    return a // b if b else 0


ARITHMETIC: Final[Mapping[type, Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: _quotient,
    ast.Pow: _power,
}

COMPARISONS: Final[Mapping[type, Callable[[Value, Value], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluated(formula: str, values: Mapping[str, Value]) -> Value:
    """What a formula comes to; it has names of settings, whole numbers, + - * // **, and `a if b else c`.

    Raises:
        ModelError: it has anything else, or a name that is no setting.
    """
    try:
        return _value(ast.parse(formula.strip(), mode="eval").body, values)
    except (SyntaxError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"REACH = {formula!r} is no formula of its settings",
            mend="take names of settings, whole numbers, + - * // **, and `a if b else c`",
        ) from error


def _value(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=bool() | int() | str() as value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right):
            return ARITHMETIC[type(op)](_whole(left, values), _whole(right, values))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _value(body if _value(test, values) else orelse, values)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return COMPARISONS[type(op)](_value(left, values), _value(right, values))
        case ast.BoolOp(op=op, values=parts):
            truths = (bool(_value(part, values)) for part in parts)
            return any(truths) if isinstance(op, ast.Or) else all(truths)
    raise TypeError(ast.unparse(node))


def _whole(node: ast.expr, values: Mapping[str, Value]) -> int:
    value = _value(node, values)
    if not isinstance(value, int):
        raise TypeError(ast.unparse(node))
    return value
