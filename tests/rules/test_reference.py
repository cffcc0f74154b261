"""docs/ops.md is what the rules' docstrings make of it."""

from pathlib import Path

from hwcost.rules.reference import reference
from hwcost.rules.registry import filled

PAGE = Path(__file__).parents[2] / "docs" / "ops.md"


def test_the_page_is_current() -> None:
    hint = "run: python -m hwcost.rules.reference > docs/ops.md"
    assert PAGE.read_text() == reference(), hint


def test_every_rule_says_what_it_counts() -> None:
    for name, rule in filled():
        text = rule.__doc__ or ""
        counts = any(f"\n    {word} " in text for word in ("macs", "vector_ops", "special_ops"))
        says_bytes = "\n    bytes " in text
        amounts_to = "\n    amounts to " in text and "\n    source " in text
        assert amounts_to or (counts and says_bytes), name
