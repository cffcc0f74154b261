"""What a user can mend is told in one line, with exit status 2; what is no error leaves no trace."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from shell import ESCAPE, Shell

from hwcost.cli import app
from hwcost.cli.output import chosen_format
from hwcost.cli.run import distinct_names, settings_for
from hwcost.errors import UsageError


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("analyse lstm", "no such command 'analyse'. Did you mean 'analyze'? (see hwcost --help)"),
        ("analyze", "missing argument 'MODEL' (see hwcost analyze --help)"),
        ("analyze lstn", "did you mean lstm?"),
        ("analyze lstm --device echo_arn", "did you mean 'echo_arm'?"),
        ("devices show echo_arn", "did you mean 'echo_arm'?"),
        ("analyze lstm --device none.yaml", "none.yaml"),
        ("analyze lstm --batch 0", "--batch"),
        ("analyze lstm --seq-len x", "--seq-len"),
        ("analyze lstm --dtype float17", "unknown dtype 'float17'"),
        ("analyze lstm --fusion half", "'half' is not one of 'eager', 'fused'"),
        ("analyze lstm --order stream", "unknown order 'stream'; take offline, streaming, or chunk:N"),
        ("analyze lstm --order chunk:0", "unknown order 'chunk:0'"),
        ("analyze lstm --order offline,streaming", "several orders are compared, not analyzed"),
        ("compare-models lstm --order streaming,chunk:2,streaming", "an order is there twice"),
        (
            "trace bilstm --order streaming -o x.json",
            "bilstm: `torch.lstm` in `lstm` reads the sequence backwards",
        ),
        ("analyze resnet18 --order streaming", "resnet18: has no time axis; take --order offline"),
        ("analyze lstm --set hidden", "write it as --set hidden_size=1024"),
        ("analyze lstm --set hiden_size=3", "did you mean hidden_size?"),
        ("analyze lstm --bacth 2", "--batch"),
        ("analyze lstm -o no/where.txt", "no/where.txt: its folder does not exist"),
        ("analyze lstm -o report.docx", "a report cannot be a .docx file"),
        ("roofline lstm -o roofline.gif", "end the name in .html, .svg, .png or .pdf"),
        ("roofline lstm -o no/where.png", "no/where.png: its folder does not exist"),
        ("trace lstm -o no/where.json", "no/where.json: its folder does not exist"),
        ("trace lstm -o lstm.txt", "lstm.txt: a saved trace is known by its suffix; end the name in .json"),
        ("analyze lstm --set seq_len=5", "has an option of its own; write --seq-len N"),
        ("compare-models lstm gru --set gru.batch=5", "has an option of its own; write --batch N"),
        ("analyze missing.json", "missing.json"),
        ("analyze missing.py:build", "missing.py"),
    ],
)
def test_one_line_and_exit_status_2(shell: Shell, words: str, message: str) -> None:
    done = shell.run(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"hwcost: [^\n]+\n", done.stderr), done.stderr
    assert message in done.stderr
    assert list(shell.folder.iterdir()) == []


def test_debug_shows_where(shell: Shell) -> None:
    words = ("devices", "show", "echo_arn")
    for done in (shell.run("--debug", *words), shell.run(*words, env={"HWCOST_DEBUG": "1"})):
        assert done.returncode == 1
        assert "Traceback" in done.stderr
        assert "did you mean 'echo_arm'?" in done.stderr


def test_help_needs_nothing_heavy(shell: Shell) -> None:
    """Neither help nor its errors import what only an analysis needs."""
    check = (
        "import sys; sys.argv = ['hwcost', 'analyze', '--help']\n"
        "from hwcost.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'rich', 'altair', 'yaml', 'hwcost.api'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Examples:" in done.stdout


def test_without_words_there_is_help(shell: Shell) -> None:
    assert shell.out().startswith("Usage: hwcost")
    assert re.fullmatch(r"hwcost \S.*\n", shell.out("--version"))


def test_a_reader_that_leaves_is_no_error(shell: Shell) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "hwcost", "devices"],
            env=shell.environment(),
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")


def test_interrupted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(*_words: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "app", stop)
    with pytest.raises(SystemExit) as leaving:
        app.main()
    assert leaving.value.code == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo terminal")
@pytest.mark.parametrize(
    ("env", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_on_terminals_only(shell: Shell, env: dict[str, str], is_coloured: bool) -> None:
    import pty

    leader, follower = pty.openpty()
    words = [sys.executable, "-m", "hwcost", "devices", "show", "echo_arm"]
    with (
        os.fdopen(follower, "wb") as terminal,
        subprocess.Popen(
            words, stdout=terminal, stderr=terminal, env=shell.environment(**{"TERM": "xterm", **env})
        ),
    ):
        text = os.read(leader, 100_000)
    os.close(leader)
    assert (ESCAPE.encode() in text) is is_coloured


def test_terminals_without_unicode(shell: Shell) -> None:
    text = shell.out("devices", env={"PYTHONIOENCODING": "ascii"})
    assert text.isascii()
    assert "-----" in text


def test_settings_are_pairs_for_all_models_or_for_one() -> None:
    pairs = ("hidden_size=64", "lstm.num_layers=3")
    assert settings_for("lstm", pairs, ("lstm", "gru")) == {"hidden_size": "64", "num_layers": "3"}
    assert settings_for("gru", pairs, ("lstm", "gru")) == {"hidden_size": "64"}
    with pytest.raises(UsageError, match="'tcn' is none of the models"):
        settings_for("lstm", ("tcn.levels=3",), ("lstm",))
    with pytest.raises(UsageError, match="set twice"):
        settings_for("lstm", ("a=1", "lstm.a=2"), ("lstm",))


def test_the_format_is_named_or_follows_from_the_file() -> None:
    assert chosen_format(None, None) == "table"
    assert chosen_format(None, Path("report.CSV")) == "csv"
    assert chosen_format("json", Path("report.anything")) == "json"


GUEST = """
print("hello from the import")
import os, sys
from torch import nn
def build(fails=False):
    print("hello from the function")
    os.system("echo hello from a child")
    if fails:
        sys.exit(3)
    return nn.Linear(4, 4)
"""


def test_what_a_model_prints_goes_to_the_error_stream(shell: Shell) -> None:
    (shell.folder / "guest.py").write_text(GUEST)
    done = shell.run("analyze", "guest.py:build", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["totals"]["macs"] == 16
    assert [f"hello from {who}" in done.stderr for who in ("the import", "the function", "a child")] == [
        True
    ] * 3
    traced = shell.run("trace", "guest.py:build")
    assert json.loads(traced.stdout)["model"] == "build"


def test_a_model_cannot_end_the_command(shell: Shell) -> None:
    (shell.folder / "guest.py").write_text(GUEST)
    done = shell.run("analyze", "guest.py:build", "--set", "fails=true")
    assert (done.returncode, done.stdout) == (2, "")
    assert "hwcost: guest.py:build: its code ends the program (exit status 3)" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_standard_output_is_told(shell: Shell) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hwcost", "devices"],
            env=shell.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        2,
        b"hwcost: standard output cannot be written: no space left on device\n",
    )


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_closed_standard_output_is_told(shell: Shell) -> None:
    done = subprocess.run(
        f"{sys.executable} -m hwcost devices >&-",
        shell=True,
        env=shell.environment(),
        stderr=subprocess.PIPE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, b"hwcost: standard output is closed; give a file with -o\n")


def test_models_of_one_name_are_told_apart() -> None:
    assert distinct_names(["lstm", "tcn"], ["lstm", "tcn"]) == ["lstm", "tcn"]
    assert distinct_names(["lstm", "lstm"], ["lstm", "small/wide.json"]) == ["lstm", "wide"]
    assert distinct_names(["build", "build"], ["a.py:build", "x/b.py:build"]) == ["a.py:build", "b.py:build"]
    assert distinct_names(["lstm"] * 3, ["lstm"] * 3) == ["lstm", "lstm 2", "lstm 3"]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "analyze",
        "compare-models",
        "compare-devices",
        "breakeven",
        "roofline",
        "devices",
        "devices show",
        "trace",
        "validate",
    ],
)
def test_help_fits_a_terminal(shell: Shell, words: str) -> None:
    assert max(map(len, shell.out(*words.split(), "--help").splitlines())) <= 80


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_closed_error_stream_is_no_error(shell: Shell) -> None:
    done = subprocess.run(
        f"{sys.executable} -m hwcost devices 2>&-",
        shell=True,
        env=shell.environment(),
        stdout=subprocess.PIPE,
        check=False,
    )
    assert (done.returncode, done.stdout[:2].isdigit()) == (0, True)
