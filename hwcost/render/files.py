"""Write a file whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from hwcost.errors import UsageError


def write(path: Path, content: bytes) -> None:
    """Put the content where a reader sees the old file or the new one, never a part of it.

    Raises UsageError where the folder is missing or closed, or the path is a folder.
    """
    target = path.resolve()
    if target.is_dir():
        raise UsageError("is a folder", where=str(path), mend="give the name of a file")
    if not target.parent.is_dir():
        raise UsageError("its folder does not exist", where=str(path), mend=f"make {target.parent} first")
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(content)
        else:
            _replace(target, content)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot be written: {reason}", where=str(path)) from error


def _replace(target: Path, content: bytes) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
