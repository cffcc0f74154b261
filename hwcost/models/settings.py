"""Checks the settings of a model: words become values of the type that `build` asks for."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import Final

from hwcost.errors import ModelError
from hwcost.models.card import Setting

WORDS: Final = {
    "true": True, "yes": True, "on": True, "1": True,
    "false": False, "no": False, "off": False, "0": False,
}  # fmt: skip

KINDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a word",
}

SHOWN_AT_MOST: Final = 40
"""Characters of a wrong value that an error message repeats."""

PART_AT_LEAST: Final = 3
"""Letters of a name that are enough to stand for a longer one."""

LAYERS_AT_MOST: Final = 10_000
"""More layers than any published model has; beyond it, building takes minutes and means nothing."""


def parsed(setting: Setting, value: object, *, model: str) -> bool | int | float | str:
    """The value of a setting, given as a word of the command line or as a value of its own type.

    Raises:
        ModelError: The value is of another type, or is no finite number.
    """
    result = _converted(setting.type, value.strip() if isinstance(value, str) else value)
    if result is None:
        raise ModelError(
            f"{setting.name}={_shown(value)} is not {KINDS[setting.type]}",
            where=model,
            mend=f"it takes {setting.type}, as in {setting.name}={word(setting.default)}",
        )
    return result


def _converted(kind: str, value: object) -> bool | int | float | str | None:
    """The value as the type of that name, None where it is not one."""
    if kind == "str":
        return value if isinstance(value, str) and value else None
    if kind == "bool":
        return (
            value if isinstance(value, bool) else WORDS.get(value.lower()) if isinstance(value, str) else None
        )
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if kind == "int" and isinstance(value, float):
        return None
    try:
        number = int(value) if kind == "int" else float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _shown(value: object) -> str:
    """A value, cut where it is long."""
    text = str(value)
    return text if len(text) <= SHOWN_AT_MOST else f"{text[:SHOWN_AT_MOST]}..."


def word(value: object) -> str:
    """A value as one would write it on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def nearest(name: str, known: tuple[str, ...], *, otherwise: str = "") -> str:
    """How to mend an unknown name: the nearest known one, then all of them, or otherwise what says them.

    Near is a name spelled alike, in whatever case, or else one that holds the unknown name as a part.
    """
    lowered = name.lower()
    parts = (one for one in known if len(name) >= PART_AT_LEAST and lowered in one)
    close = get_close_matches(lowered, known, n=1) or list(parts)[:1]
    question = f"did you mean {close[0]}?" if close else ""
    if otherwise:
        return question or otherwise
    return f"{question} there are {', '.join(known)}".strip()


def at_least(minimum: int, /, **values: int) -> None:
    """Raise ModelError for the first value that is below the minimum."""
    for name, value in values.items():
        if value < minimum:
            raise ModelError(f"{name} is {value}", mend=f"it must be at least {minimum}")


def at_most(maximum: int, /, **values: int) -> None:
    """Raise ModelError for the first value that is above the maximum."""
    for name, value in values.items():
        if value > maximum:
            raise ModelError(f"{name} is {value}", mend=f"it must be at most {maximum}")


def is_share(**values: float) -> None:
    """Raise ModelError for the first value that is not from 0 to 1."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ModelError(f"{name} is {value}", mend="it must lie between 0 and 1")
