"""Callables of the user's own: `path/to/file.py:callable` and `package.module:callable`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from hwcost.errors import HwcostError, ModelError
from hwcost.sources.subject import Subject
from hwcost.sources.words import value_of


def subject(model: str, *, seq_len: int | None, batch: int | None, settings: Mapping[str, object]) -> Subject:
    """What a callable returns, built without its weights.

    Raises:
        ModelError: it cannot be found, takes no such argument, fails, or returns no module.
    """
    source, colon, name = model.rpartition(":")
    if not (colon and name):
        file = model.removesuffix(":")
        raise ModelError("which of its callables makes the model?", where=file, mend=f"name it: {file}:NAME")
    make = _member(_module(source), name, where=source)
    arguments = _arguments(make, model, seq_len, batch, settings)
    from hwcost.tracing.construct import made

    result = made(make, where=model, **arguments)
    module, inputs, keywords = module_and_inputs(result, where=model)
    return Subject(
        module=module,
        inputs=inputs,
        keywords=keywords,
        name=name,
        seq_len=seq_len or _size(make, "seq_len"),
        batch=batch or _size(make, "batch"),
    )


def takes_seq_len(model: str) -> bool:
    """Whether a callable says how long its sequence is, and can make another.

    Raises:
        ModelError: it cannot be found.
    """
    source, _, name = model.rpartition(":")
    try:
        parameters = inspect.signature(_member(_module(source), name, where=source)).parameters
    except (TypeError, ValueError):
        return False
    return "seq_len" in parameters


def module_and_inputs(result: Any, *, where: str) -> tuple[Any, tuple[Any, ...] | None, dict[str, Any]]:
    """(module, inputs, keywords) from what a callable returned: a module, or (module, inputs).

    Raises:
        ModelError: it returned neither.
    """
    inputs: Any = None
    if isinstance(result, tuple) and len(result) == 2:
        result, inputs = result
    if not is_module(result):
        raise ModelError(
            f"returned {type(result).__name__}",
            where=where,
            mend="it must return a module, or (module, inputs)",
        )
    if isinstance(inputs, Mapping):
        return result, (), dict(inputs)
    if inputs is None or isinstance(inputs, tuple):
        return result, inputs, {}
    return result, tuple(inputs) if isinstance(inputs, list) else (inputs,), {}


def is_module(value: Any) -> bool:
    """Whether a value is a torch.nn.Module, told without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def _module(source: str) -> ModuleType:
    """Import a Python file by its path, or a module by its name."""
    try:
        if source.endswith(".py"):
            return _imported_file(Path(source))
        if str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(source)
    except HwcostError:
        raise
    except ModuleNotFoundError as error:
        raise ModelError(
            f"cannot import it: {error}", where=source, mend="check the name, and that it is installed"
        ) from error
    except Exception as error:
        text = " ".join(str(error).split())
        raise ModelError(f"importing it failed: {type(error).__name__}: {text}", where=source) from error


def _imported_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ModelError("there is no such file", where=str(path), mend="check the path before the colon")
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = f"hwcost_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModelError("is no Python file", where=str(path), mend="name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _member(module: ModuleType, name: str, *, where: str) -> Callable[..., Any]:
    member = getattr(module, name, None)
    if not callable(member):
        from difflib import get_close_matches

        public = [key for key in vars(module) if not key.startswith("_")]
        near = get_close_matches(name, public, n=1)
        raise ModelError(
            f"has no callable {name!r}",
            where=where,
            mend=f"did you mean {near[0]!r}?" if near else "check the name",
        )
    return member  # type: ignore[no-any-return]


NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
"""Parameters that can be given by name."""


def _arguments(
    make: Callable[..., Any],
    model: str,
    seq_len: int | None,
    batch: int | None,
    settings: Mapping[str, object],
) -> dict[str, object]:
    """What to call a user's callable with: sizes where it takes them, and every setting."""
    try:
        parameters = inspect.signature(make).parameters
    except (TypeError, ValueError):
        parameters = {}  # type: ignore[assignment]
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    unknown = [key for key in settings if key not in parameters and not takes_any]
    if unknown:
        names = ", ".join(key for key in parameters if key != "self") or "none"
        raise ModelError(f"takes no argument {unknown[0]!r}", where=model, mend=f"it takes {names}")
    sizes = {"seq_len": seq_len, "batch": batch}
    arguments: dict[str, object] = {
        key: size for key, size in sizes.items() if size is not None and key in parameters
    }
    arguments |= {key: value_of(word) for key, word in settings.items()}
    needed = [key for key, p in parameters.items() if p.default is p.empty and p.kind in NAMED]
    for key in needed:
        if key not in arguments:
            option = {"seq_len": "--seq-len N", "batch": "--batch N"}.get(key, f"--set {key}=VALUE")
            raise ModelError(f"needs {key!r}, which has no default", where=model, mend=f"give {option}")
    return arguments


def _size(make: Callable[..., Any], key: str) -> int | None:
    """The default of a user's callable for seq_len or batch, where it has one."""
    try:
        default = inspect.signature(make).parameters[key].default
    except (TypeError, ValueError, KeyError):
        return None
    return default if isinstance(default, int) else None
