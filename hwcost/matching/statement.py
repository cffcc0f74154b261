"""What a model, ready-made or the user's own, states of its settings and of how it scales."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hwcost.errors import UsageError
from hwcost.matching.formula import Value
from hwcost.models import model_names, source_path, stated
from hwcost.models.card import Scaling, Setting
from hwcost.models.settings import KINDS, parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """How a model scales, and the values of its settings.

    model: as the user named it. values: name -> default, or what is given. given: the names of those that
    the user gave, which nothing changes. is_ready_made: whether the model is one of this package.
    """

    model: str
    scaling: Scaling = field(default_factory=Scaling)
    values: Mapping[str, Value] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    is_ready_made: bool = False

    def whole(self, name: str) -> int:
        """The value of a setting that must be a whole number from 1 on.

        Raises:
            UsageError: it is none, or there is no such setting.
        """
        value = self.values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UsageError(
                f"{name} is {value}, from which nothing can be scaled"
                if name in self.values
                # The file of a model of the user's own may name what is not there.
                else f"its WIDTH or REACH names {name}, which is no setting with a default",
                where=self.model,
                mend=f"let {name} be a whole number from 1 on",
            )
        return value


def statement(model: str, settings: Mapping[str, object], *, seq_len: int | None = None) -> Statement:
    """What the file of a model says; of a file that cannot be read, and of other sources, nothing.

    Raises:
        ModelError: there is no such ready-made model, or a setting is of the wrong type.
    """
    is_ready_made = ":" not in model and not model.endswith((".json", ".pt2"))
    path, _, make = model.rpartition(":")
    source = source_path(model) if is_ready_made else _file_of(path)
    if source is None:
        return Statement(model=model, given=frozenset(settings))
    known = stated.settings(source, "build" if is_ready_made else make)
    sizes = {} if seq_len is None else {"seq_len": seq_len}
    return Statement(
        model=model,
        scaling=stated.scaling(source),
        values={setting.name: _value(setting, {**settings, **sizes}, model=model) for setting in known},
        given=frozenset(settings),
        is_ready_made=is_ready_made and model in model_names(),
    )


def _value(setting: Setting, given: Mapping[str, object], *, model: str) -> Value:
    if setting.name not in given or setting.type not in KINDS:
        return setting.default
    return parsed(setting, given[setting.name], model=model)


def _file_of(source: str) -> Path | None:
    """The file of `path/to/file.py` or of `package.module`; None where there is none to read."""
    if source.endswith(".py"):
        path = Path(source)
    elif not source or source == "hf":
        return None
    else:
        if str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        try:
            found = importlib.util.find_spec(source)
        except (ImportError, ValueError):
            return None
        path = Path(found.origin or "") if found else Path()
    try:
        stated.tree(path)
    except (OSError, SyntaxError, ValueError):
        return None
    return path
