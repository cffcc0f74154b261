"""What the file of a model states, read without running it: constants, settings, and how it scales."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TypeGuard

from hwcost.models.card import Scaling, Setting


def constants(path: Path) -> dict[str, object]:
    """Top-level names of a file that are bound to plain values."""
    values: dict[str, object] = {}
    for statement in tree(path).body:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or not _is_plain(statement.value):
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            values[ast.unparse(target)] = ast.literal_eval(statement.value)
    return values


def settings(path: Path, make: str = "build") -> tuple[Setting, ...]:
    """The parameters with plain defaults of a function of a file, or of a class that makes the model.

    Those without an annotation are of the type of their default. Empty where there is no such function.
    """
    arguments = _arguments(path, make)
    if arguments is None:
        return ()
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(reversed(positional), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return tuple(
        Setting(
            name=argument.arg,
            type=ast.unparse(argument.annotation) if argument.annotation else type(default.value).__name__,
            default=default.value,
        )
        for argument, default in pairs
        if isinstance(default, ast.Constant) and isinstance(default.value, (bool, int, float, str))
    )


def scaling(path: Path) -> Scaling:
    """The constants WIDTH, WIDTH_MULTIPLE_OF, REACH and REACH_BY of a file; empty where it has none."""
    found = constants(path)
    multiple_of, reach = found.get("WIDTH_MULTIPLE_OF", ""), found.get("REACH", "")
    return Scaling(
        width=_names(found.get("WIDTH")),
        width_multiple_of=multiple_of if isinstance(multiple_of, str) else "",
        reach=reach if isinstance(reach, str) else "",
        reach_by=_names(found.get("REACH_BY")),
    )


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _is_plain(value: ast.expr | None) -> TypeGuard[ast.expr]:
    """Whether it is a constant, or a tuple or list of constants."""
    parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value]
    return all(isinstance(part, ast.Constant) for part in parts)


def _names(value: object) -> tuple[str, ...]:
    """One name, or several, as a tuple."""
    several = value if isinstance(value, (tuple, list)) else (value,)
    return tuple(name for name in several if isinstance(name, str))


def _arguments(path: Path, make: str) -> ast.arguments | None:
    """The parameters of a function, or of the __init__ of a class."""
    for statement in tree(path).body:
        if isinstance(statement, ast.FunctionDef) and statement.name == make:
            return statement.args
        if isinstance(statement, ast.ClassDef) and statement.name == make:
            inner = (part for part in statement.body if isinstance(part, ast.FunctionDef))
            return next((part.args for part in inner if part.name == "__init__"), None)
    return None
