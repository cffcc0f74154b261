"""The commands `models` and `models show` from end to end."""

from __future__ import annotations

import json

import pytest
from shell import ESCAPE, Shell


def test_show(shell: Shell) -> None:
    text = shell.out("models", "show", "tcn", "--seq-len", "50", "--set", "levels=3")
    assert text.startswith("tcn: A temporal convolutional network")
    assert "hwcost/models/tcn.py" in text
    assert max(map(len, text.splitlines())) <= 80
    assert ESCAPE not in text
    rows = {tuple(line.split()) for line in text.splitlines()}
    assert ("levels", "3", "4") in rows  # setting, value, default
    (reach,) = (line for line in text.splitlines() if line.startswith("reach"))
    assert reach.split()[1:3] == ["29", "steps"]  # 1 + 2 * 2 * (1 + 2 + 4)
    (ahead,) = (line for line in text.splitlines() if line.startswith("looks ahead"))
    assert ahead.split()[2:] == ["nothing", "causal"]


def test_show_as_json_on_standard_output_alone(shell: Shell) -> None:
    done = shell.run("models", "show", "rnn", "--seq-len", "30", "--format", "json")
    value = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert value["along"][0]["paths"][0] == {"seq_len": 30, "hops": 31}  # 30 steps and a second layer


def test_show_to_a_file(shell: Shell) -> None:
    done = shell.run("models", "show", "resnet18", "-o", "card.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "wrote card.json\n")
    assert json.loads((shell.folder / "card.json").read_text())["along"] == []


def test_the_list_names_the_other_command(shell: Shell) -> None:
    assert "hwcost models show NAME" in " ".join(shell.out("models").split()[:30])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("lstmm",), "no ready-made model is called 'lstmm'; did you mean lstm?"),
        (("lstm", "--set", "depth=3"), "no setting is called 'depth'"),
        (("resnet18", "--seq-len", "5"), "has no time axis"),
        (("lstm", "--set", "hidden_size"), "no KEY=VALUE"),
        (("lstm", "-o", "card.csv"), "no format is known by .csv"),
    ],
)
def test_one_line_says_what_is_wrong(shell: Shell, words: tuple[str, ...], told: str) -> None:
    done = shell.run("models", "show", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
