"""The shape of a profile: which keys a mapping may have, and what a text or a word is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from hwcost.devices.document import Node
from hwcost.errors import ProfileError

Word = TypeVar("Word", bound=str)


def fields(
    node: Node, path: str, *, required: Collection[str] = (), optional: Collection[str] = ()
) -> Mapping[str, Node]:
    """The entries of a mapping that has all required keys, and no other than these two groups."""
    entries, known = mapping(node, path), (*required, *optional)
    for key, value in entries.items():
        if key not in known:
            what = f"unknown key {key!r} in {path}"
            raise ProfileError(what, where=value.where, mend=suggestion(key, known))
    for key in required:
        if key not in entries:
            raise ProfileError(f"{path} has no {key!r}", where=node.where, mend=f"add '{key}:'")
    return entries


def mapping(node: Node, path: str) -> Mapping[str, Node]:
    """The entries of a mapping with at least one."""
    if not isinstance(node.value, Mapping) or not node.value:
        mend = "put 'key: value' lines under it, indented"
        raise ProfileError(f"{path} is no mapping of keys to values", where=node.where, mend=mend)
    return node.value


def text(node: Node, path: str) -> str:
    """A text that is not empty."""
    if not isinstance(node.value, str) or not node.value or node.value in ("null", "~"):
        raise ProfileError(f"{path} is no text", where=node.where, mend="write it in quotes")
    return node.value


def word(node: Node, path: str, known: tuple[Word, ...]) -> Word:
    """One of the known words."""
    for choice in known:
        if node.value == choice:
            return choice
    shown = repr(node.value) if isinstance(node.value, str) else "no word"
    mend = suggestion(node.value if isinstance(node.value, str) else "", known)
    raise ProfileError(f"{path} is {shown}", where=node.where, mend=mend)


def suggestion(word: str, known: Iterable[str]) -> str:
    """The nearest of the known words, one that begins so before others; or all of them."""
    # Only errors need it, and a loaded profile should not pay for it.
    from difflib import get_close_matches

    words = list(known)
    longer = [other for other in words if word and other.startswith(word.lower())]
    near = longer or get_close_matches(word.lower(), words, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"take one of {', '.join(words)}" if words else "there are none"
