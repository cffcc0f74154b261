"""The op reference, docs/ops.md, made from the rules: `python -m hwcost.rules.reference > docs/ops.md`."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module

from hwcost.rules import defaults
from hwcost.rules.elementwise_table import SECTIONS
from hwcost.rules.registry import Rule, filled

HEAD = """# What each op counts

Made from the rules' docstrings by `python -m hwcost.rules.reference > docs/ops.md`.
[counting.md](counting.md) says what macs, vector ops, special ops and bytes are.

An op in place (`aten.add_`) or on a list of tensors (`aten._foreach_add`) takes the rule of the plain
one where it has none of its own. What is not said to be read or written otherwise is read once, or
written once. A result beyond the first is written only where something reads it, or where it is a
result of the model."""


def reference() -> str:
    """The whole of docs/ops.md."""
    fallbacks = (defaults.view, defaults.pointwise, defaults.assumed)
    parts = [HEAD, f"## {_sentence(defaults.__name__)}", *(_entry(rule, ()) for rule in fallbacks)]
    for module, rules in sorted(_by_module().items()):
        parts.append(f"## {_sentence(module)}")
        parts.extend(_entry(rule, tuple(names)) for rule, names in rules.items())
        if module.endswith(".elementwise"):
            parts.extend(_table(title) for title in SECTIONS)
    return "\n\n".join(parts) + "\n"


def _by_module() -> dict[str, dict[Rule, list[str]]]:
    """Rules and the names that they are registered under, by the file that they stand in."""
    modules: dict[str, dict[Rule, list[str]]] = {}
    for name, rule in filled():
        modules.setdefault(rule.__module__, {}).setdefault(rule, []).append(name)
    return modules


def _sentence(module: str) -> str:
    """The first docstring of a file, as a heading."""
    return (inspect.getdoc(import_module(module)) or module).splitlines()[0].removesuffix(".")


def _entry(rule: Rule, names: tuple[str, ...]) -> str:
    title = rule.__name__.replace("_", " ")
    code = f"```text\n{inspect.getdoc(rule)}\n```"
    if not names:
        return f"### {title}\n\n{code}"
    shown = "the names of the table below" if rule.__name__ == "elementwise" else _listed(names)
    return f"### {title}\n\n{shown}\n\n{code}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(title: str) -> str:
    """The rows of one section of the elementwise table."""
    lines = [f"### {title}", "", "| `aten.` | counted | vector | special |", "|:--|:--|--:|--:|"]
    for row in SECTIONS[title]:
        names = ", ".join(f"`{name}`" for name in row.names.split())
        formula = row.formula.replace("|", "\\|")
        vector = f"{row.vector_ops} (+1 where {row.scale} is not 1)" if row.scale else str(row.vector_ops)
        lines.append(f"| {names} | {formula} | {vector} | {row.special_ops} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(reference())
