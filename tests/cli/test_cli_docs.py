"""The outputs in README.md and docs/ are those of the commands (HWCOST_WRITE_GOLDEN=1 writes them)."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from shell import Shell

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```console\n\$ hwcost (?P<words>[^\n]*)\n(?P<output>.*?)```\n", re.DOTALL)

EXACT = re.compile(r"\d+\.\d{6,}(?:e[-+]\d+)?")
"""Numbers with all their digits, of which the last may differ between platforms."""

EXAMPLES = [
    pytest.param(page, match["words"], marks=() if page.name == "README.md" else pytest.mark.slow)
    for page in PAGES
    for match in BLOCK.finditer(page.read_text())
]


@pytest.mark.parametrize(("page", "words"), EXAMPLES, ids=lambda value: getattr(value, "name", value))
def test_output_is_that_of_the_command(traced: Shell, page: Path, words: str) -> None:
    output = traced.out(*shlex.split(words))
    if os.environ.get("HWCOST_WRITE_GOLDEN"):
        written = f"```console\n$ hwcost {words}\n{output}```\n"
        text = page.read_text()
        (old,) = [match[0] for match in BLOCK.finditer(text) if match["words"] == words]
        page.write_text(text.replace(old, written))
    (shown,) = [m["output"] for m in BLOCK.finditer(page.read_text()) if m["words"] == words]
    assert EXACT.sub("#", shown) == EXACT.sub("#", output)
    assert [float(n) for n in EXACT.findall(shown)] == pytest.approx(
        [float(n) for n in EXACT.findall(output)]
    )
