"""Traces of ready-made models kept in the user's cache folder, so that a second look needs no torch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from hwcost import tracefile
from hwcost.errors import TraceFileError
from hwcost.graph import Trace

KEPT_AT_MOST: Final = 200
"""Traces in the folder; the oldest go first."""

_SOURCES: Final = ("models", "tracing", "training", "orders")
"""Rooms whose code decides what a trace holds."""


def folder() -> Path:
    """Where traces are kept: $HWCOST_CACHE_DIR, else the user's cache folder."""
    if chosen := os.environ.get("HWCOST_CACHE_DIR"):
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("hwcost", appauthor=False) / "traces"


def key(
    name: str,
    *,
    seq_len: int | None,
    batch: int | None,
    settings: Mapping[str, object],
    order: str = "offline",
    optimizer: str | None = None,
) -> str:
    """What a trace depends on, as one word: model, arguments, versions, and the code that made it."""
    root = Path(__file__).parent
    sources = [
        (path.name, stat.st_size, stat.st_mtime_ns)
        for room in _SOURCES
        for path in sorted((root / room).glob("*.py"))
        for stat in [path.stat()]
    ]
    facts = {
        "schema": tracefile.SCHEMA,
        "model": name,
        "seq_len": seq_len,
        "batch": batch,
        "order": order,
        "optimizer": optimizer,
        "settings": {key: str(value) for key, value in sorted(settings.items())},
        "versions": [_version("hwcost"), _version("torch")],
        "sources": sources,
    }
    return f"{name}-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def find(word: str) -> Trace | None:
    """The trace kept under this key, or None; a damaged file counts as none."""
    path = folder() / f"{word}.json"
    try:
        return tracefile.read(path) if path.is_file() else None
    except TraceFileError:
        return None


def keep(word: str, trace: Trace) -> None:
    """Keep a trace. A folder that cannot be written is no error: the next look traces again."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        tracefile.write(trace, folder() / f"{word}.json")
        kept = sorted(folder().glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-KEPT_AT_MOST]:
            path.unlink(missing_ok=True)
    except (OSError, TraceFileError):
        return
