"""Golden output: text that changes only in a commit that says why (HWCOST_WRITE_GOLDEN=1 writes it)."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def check(text: str, name: str) -> None:
    path = FOLDER / name
    if os.environ.get("HWCOST_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
