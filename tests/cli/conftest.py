"""One cache of traces for all commands of a test run, so that torch is imported once."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell import Shell


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def shell(tmp_path: Path, cache: Path) -> Shell:
    return Shell(folder=tmp_path, cache=cache)


@pytest.fixture(scope="session")
def traced(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Shell:
    """A shell whose cache holds the models of the commands below."""
    shell = Shell(folder=tmp_path_factory.mktemp("work"), cache=cache)
    shell.out(
        "compare-models", "lstm", "tcn", "transformer_encoder", "--seq-len", "1000", "--device", "echo_arm"
    )
    return shell
