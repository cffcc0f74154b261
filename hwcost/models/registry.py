"""Finds the ready-made models of this folder; importing it, and reading cards, needs no torch."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hwcost.errors import ModelError
from hwcost.models import stated
from hwcost.models.card import ModelCard
from hwcost.models.settings import nearest, parsed, word

if TYPE_CHECKING:
    from torch import Tensor, nn

FOLDER: Final = Path(__file__).parent


def model_names() -> tuple[str, ...]:
    """Names of the models: the files of this folder that state a CITATION."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.py") if "CITATION" in stated.constants(path)))


def source_path(name: str) -> Path:
    """The file that makes a model.

    Raises:
        ModelError: There is no such model.
    """
    if name not in model_names():
        mend = nearest(name, model_names(), otherwise="see hwcost models")
        raise ModelError(f"no ready-made model is called {name!r}", mend=mend)
    return FOLDER / f"{name}.py"


def card(name: str) -> ModelCard:
    """What a model's file says of itself.

    Raises:
        ModelError: There is no such model.
    """
    path = source_path(name)
    constants = stated.constants(path)
    parameters = constants.get("PARAMETERS")
    return ModelCard(
        name=name,
        summary=_first_sentence(ast.get_docstring(stated.tree(path)) or ""),
        citation=str(constants["CITATION"]),
        parameters=parameters if isinstance(parameters, int) else None,
        settings={setting.name: word(setting.default) for setting in stated.settings(path)},
        scaling=stated.scaling(path),
    )


def build(
    name: str, *, seq_len: int | None, batch: int | None, settings: Mapping[str, str | object]
) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """A model on the meta device, and its example inputs.

    seq_len, batch: None leaves the model's default. settings: its other hyper-parameters, as words
    or as values; checked against the signature of the file's `build` before torch is imported.

    Raises:
        ModelError: No such model or setting, a value of the wrong type or out of range, or a
            seq_len for a model without a time axis.
    """
    known = {setting.name: setting for setting in stated.settings(source_path(name))}
    sizes = {"seq_len": seq_len, "batch": batch}
    given = dict(settings) | {key: size for key, size in sizes.items() if size is not None}
    if "seq_len" in given and "seq_len" not in known:
        raise ModelError("has no time axis", where=name, mend="leave the sequence length out")
    for key in given:
        if key not in known:
            raise ModelError(f"no setting is called {key!r}", where=name, mend=nearest(key, tuple(known)))
    arguments = {key: parsed(known[key], value, model=name) for key, value in given.items()}
    return _built(name, arguments)


def _built(name: str, arguments: Mapping[str, object]) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Call the `build` of a model's file."""
    file = importlib.import_module(f"{__package__}.{name}")
    try:
        model, inputs = file.build(**arguments)
    except ModelError as error:
        raise ModelError(error.what, where=name, mend=error.mend) from error
    except (RuntimeError, OverflowError, TypeError) as error:
        # Torch reports sizes beyond 64 bits as any of these, and with a dump below the first line.
        first = str(error).partition("\n")[0]
        raise ModelError(f"cannot be built: {first}", where=name, mend="take smaller sizes") from error
    return model, inputs


def _first_sentence(text: str) -> str:
    """Up to the first full stop that ends a line or stands before a space."""
    return " ".join(text.split()).partition(". ")[0].rstrip(".")
