"""A list of things, each with a line of its own and sentences below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

INDENT = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """head: what it is, with its value. lines: what is to be said of it, one paragraph each."""

    head: str
    lines: tuple[str, ...] = ()


def entries_text(headline: str, entries: Sequence[Entry], *, width: int = 80, colour: bool = False) -> str:
    """A headline, then the entries; no line is longer than `width` unless a word is."""
    blocks = [_paragraph(headline, width, "", colour=colour)]
    for entry in entries:
        head = _paragraph(entry.head, width, "", colour=colour)
        lines = [_paragraph(line, width, INDENT) for line in entry.lines if line]
        blocks.append("\n".join([head, *lines]))
    return "\n\n".join(blocks) + "\n"


def _paragraph(text: str, width: int, indent: str, *, colour: bool = False) -> str:
    filled = fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"\x1b[1m{filled}\x1b[0m" if colour else filled
