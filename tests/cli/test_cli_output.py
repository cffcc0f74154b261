"""Where the text of a command goes."""

from __future__ import annotations

import sys
from time import sleep

import pytest

from hwcost.cli import output


def test_what_takes_long_is_said_and_wiped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "PATIENCE_S", 0.01)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with output.progress("tracing lstm"):
        sleep(0.2)
    assert capsys.readouterr() == ("", "tracing lstm ...\r                \r")


def test_what_is_quick_is_not_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with output.progress("tracing lstm"):
        pass
    assert capsys.readouterr() == ("", "")


def test_nothing_is_said_into_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "PATIENCE_S", 0.01)
    with output.progress("tracing lstm"):
        sleep(0.1)
    assert capsys.readouterr() == ("", "")
