"""Values as words of the command line."""

from __future__ import annotations

from ast import literal_eval


def value_of(word: object) -> object:
    """A word of the command line as the Python literal that it spells, else as the word itself."""
    if not isinstance(word, str):
        return word
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    try:
        return literal_eval(word)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return word
