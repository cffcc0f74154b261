"""What a model is named by, and what it is given beside: errors that say how to mend them."""

from __future__ import annotations

from pathlib import Path

import pytest

import hwcost
from hwcost.errors import ModelError, UsageError
from hwcost.load import load_subject, load_trace


@pytest.mark.parametrize("colon", ["", ":"])
def test_a_file_without_a_callable_says_how_to_name_one(tmp_path: Path, colon: str) -> None:
    file = tmp_path / "m.py"
    file.write_text("raise SystemExit('not imported before it is clear what to call')")
    with pytest.raises(ModelError) as error:
        load_trace(f"{file}{colon}")
    assert str(error.value) == f"{file}: which of its callables makes the model?; name it: {file}:NAME"


@pytest.mark.parametrize("size", ["seq_len", "batch"])
def test_sizes_are_no_settings(size: str) -> None:
    """A report tells the length that it was given; one hidden in the settings would not reach it."""
    message = rf"settings\['{size}'\]: has an argument of its own; give {size}=N"
    for refused in (hwcost.analyze, load_trace, load_subject):
        with pytest.raises(UsageError, match=message):
            refused("lstm", settings={size: 5})
    assert hwcost.analyze("lstm", seq_len=5).trace.seq_len == 5
