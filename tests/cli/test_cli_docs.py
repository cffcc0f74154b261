"""The outputs in docs/cli.md are those of the commands (HWCOST_WRITE_GOLDEN=1 writes them)."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from shell import Shell

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
BLOCK = re.compile(r"```console\n\$ hwcost (?P<words>[^\n]*)\n(?P<output>.*?)```\n", re.DOTALL)

EXACT = re.compile(r"\d+\.\d{6,}(?:e[-+]\d+)?")
"""Numbers with all their digits, of which the last may differ between platforms."""

EXAMPLES = [match["words"] for match in BLOCK.finditer(PAGE.read_text())]


@pytest.mark.parametrize("words", EXAMPLES)
def test_output_is_that_of_the_command(traced: Shell, words: str) -> None:
    output = traced.out(*shlex.split(words))
    if os.environ.get("HWCOST_WRITE_GOLDEN"):
        written = f"```console\n$ hwcost {words}\n{output}```\n"
        page = PAGE.read_text()
        (old,) = [match[0] for match in BLOCK.finditer(page) if match["words"] == words]
        PAGE.write_text(page.replace(old, written))
    (shown,) = [m["output"] for m in BLOCK.finditer(PAGE.read_text()) if m["words"] == words]
    assert EXACT.sub("#", shown) == EXACT.sub("#", output)
    assert [float(n) for n in EXACT.findall(shown)] == pytest.approx(
        [float(n) for n in EXACT.findall(output)]
    )
