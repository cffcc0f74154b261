"""Lines of output that docs/thesis.md cuts out are those of the commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from shell import Shell

PAGE = (Path(__file__).parents[2] / "docs" / "thesis.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```shell\n\$ hwcost (?P<words>[^\n]*)\n(?P<lines>.*?)```\n", re.DOTALL)

EXAMPLES = [(match["words"], match["lines"].splitlines()) for match in BLOCK.finditer(PAGE)]


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == PAGE.count("$ hwcost ")
    assert all(lines for _, lines in EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize(("words", "lines"), EXAMPLES, ids=[words for words, _ in EXAMPLES])
def test_lines_are_those_of_the_command(traced: Shell, words: str, lines: list[str]) -> None:
    printed = iter(traced.out(*shlex.split(words)).splitlines())
    missing = [line for line in lines if line not in printed]  # each after the one before it
    assert not missing
