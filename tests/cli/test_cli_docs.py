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
    assert shown == output
