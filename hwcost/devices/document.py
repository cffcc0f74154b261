"""The text of a profile becomes a tree of nodes that know their line, and nothing that can run."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from hwcost.errors import ProfileError

SIZE_LIMIT_BYTES: Final = 2**20
"""The largest profile that is read; shipped ones take about 4 KiB."""

DEPTH_LIMIT: Final = 8
"""Lists and mappings inside each other; a profile needs 4."""

TEXT_LIMIT: Final = 2000
"""Characters of one text; a citation is a sentence or two."""

# The C parser is ten times faster, and not in every build of PyYAML.
LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

OPENINGS: Final = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
CLOSINGS: Final = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value in a profile: a text, a tuple, or a mapping. where: "file.yaml:12", its key's line."""

    value: str | tuple[Node, ...] | Mapping[str, Node]
    where: str


def read(path: Path) -> Node:
    """The tree of a profile.

    Raises ProfileError for what is no small UTF-8 file of one plain YAML document.
    """
    return tree(text_of(path), str(path))


def text_of(path: Path) -> str:
    """The text of a file; its size is looked at before any of it is read."""
    file = str(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise ProfileError(f"is {kind}", where=file, mend="give the path of one YAML profile")
        if status.st_size > SIZE_LIMIT_BYTES:
            size = f"{status.st_size / SIZE_LIMIT_BYTES:.1f} MiB"
            raise ProfileError(f"a file of {size}", where=file, mend="a profile has at most 1 MiB")
        with path.open("rb") as stream:
            content = stream.read(SIZE_LIMIT_BYTES)
    except FileNotFoundError:
        raise ProfileError("no such file", where=file, mend="check the path") from None
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise ProfileError(f"cannot be read ({cause})", where=file, mend="check the path") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ProfileError("not UTF-8", where=f"{file}:{line}", mend="save the file as UTF-8") from None
    before, tab, _ = text.partition("\t")
    if tab:
        line = before.count("\n") + 1
        raise ProfileError("a tab", where=f"{file}:{line}", mend="use spaces instead")
    return text


def tree(text: str, file: str) -> Node:
    """The root node of a YAML text: texts, lists and mappings only, each key once."""
    root: Node | None = None
    opened: list[_Opened] = []
    for event, where in _events(text, file):
        if root is not None:
            _refuse("a second document", where, "keep one profile per file")
        if isinstance(event, OPENINGS):
            if len(opened) == DEPTH_LIMIT:
                _refuse("nested too deep", where, f"a profile is at most {DEPTH_LIMIT} levels deep")
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            opened.append(_Opened(where=where, is_mapping=is_mapping, children=[]))
            continue
        if isinstance(event, CLOSINGS):
            node = _closed(opened.pop())
        else:
            node = Node(value=_plain_text(event.value, where), where=where)
        if opened:
            opened[-1].children.append(node)
        else:
            root = node
    if root is None or not isinstance(root.value, Mapping):
        what = "is empty" if root is None or not root.value else "is no mapping of keys to values"
        _refuse(what, f"{file}:1", "start with the keys title, kind and compute")
    return root


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    where: str
    is_mapping: bool
    children: list[Node]


def _events(text: str, file: str) -> Iterator[tuple[Any, str]]:
    """Starts and ends of lists and mappings, and texts, each with its place.

    They are read one at a time, so that what is too deep is refused before it costs anything
    (the C parser's own tree overflows the stack), and so is every anchor, alias and tag.
    """
    try:
        events: Iterator[Any] = yaml.parse(text, Loader=LOADER)
        for event in events:
            where = f"{file}:{event.start_mark.line + 1}"
            if isinstance(event, yaml.NodeEvent):
                if event.anchor is not None:
                    mend = "write the value out wherever it is used"
                    _refuse(f"the anchor or alias {event.anchor!r}", where, mend)
                tag = getattr(event, "tag", None)
                if tag is not None:
                    mend = "leave it out: a profile holds plain values only"
                    _refuse(f"the tag {tag!r}", where, mend)
            if isinstance(event, (*OPENINGS, *CLOSINGS, yaml.ScalarEvent)):
                yield event, where
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
        where = f"{file}:{mark.line + 1}" if mark else file
        _refuse(f"not YAML: {problem}", where, "quote a text that holds ': ' or ' #'")


def _refuse(what: str, where: str, mend: str) -> NoReturn:
    raise ProfileError(what, where=where, mend=mend)


def _plain_text(text: str, where: str) -> str:
    """The text with each run of white space as one space, so that it shows as one line."""
    plain = " ".join(text.split())
    if len(plain) > TEXT_LIMIT:
        _refuse(f"a text of {len(plain)} characters", where, f"write at most {TEXT_LIMIT}")
    if not plain.isprintable():
        _refuse(f"a character that cannot be shown in {plain[:40]!r}", where, "remove it")
    return plain


def _closed(opened: _Opened) -> Node:
    if not opened.is_mapping:
        return Node(value=tuple(opened.children), where=opened.where)
    entries: dict[str, Node] = {}
    for key, value in zip(opened.children[::2], opened.children[1::2], strict=True):
        if not isinstance(key.value, str):
            _refuse("a key that is no text", key.where, "take a plain word as key")
        if key.value in entries:
            line = entries[key.value].where.rpartition(":")[2]
            _refuse(f"the key {key.value!r} again, first in line {line}", key.where, "keep one of them")
        entries[key.value] = Node(value=value.value, where=key.where)
    return Node(value=entries, where=opened.where)
