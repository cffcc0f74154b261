"""`--match` and `--reach` from end to end: what is printed, in every format, and what is refused."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from shell import Shell

FAIR = ("compare-models", "lstm", "tcn", "hierarchical_attention", "resnet18")
FAIR_OPTIONS = ("--reach", "5000", "--seq-len", "1000")


def test_reach_in_text(shell: Shell) -> None:
    text = " ".join(shell.out(*FAIR, *FAIR_OPTIONS).split())
    # 1 + 4 (2^11 - 1) = 8,189; 70^2 = 4,900, 71^2 = 5,041
    assert " reach any 8,189 5,041 - " in text
    assert "- tcn: levels 4 -> 11, which looks back over 8,189 steps." in text
    assert "- hierarchical_attention: window 100 -> 71, which looks back over 5,041 steps." in text
    assert "- resnet18: it has no time axis, and so no reach." in text
    assert "- lstm carries a state: no limit to the reach." in text
    assert (
        "- 1,000 steps of lstm, tcn and hierarchical_attention are fewer than the reach that was asked for:"
        " nothing lies as far back." in text
    )


def test_both_in_csv(shell: Shell) -> None:
    output = shell.out(*FAIR, *FAIR_OPTIONS, "--match", "params=1M", "--format", "csv")
    rows = list(csv.DictReader(StringIO(output)))
    assert [row["reach"] for row in rows] == ["any", "8189", "5041", "-"]
    # 16 h (h + 1); 22 convolutions of 3 h^2 + h; 2 layers of 12 d^2 + 13 d
    assert [row["changes"] for row in rows[:3]] == [
        "hidden_size=249 input_size=249",
        "levels=11 hidden_size=123 input_size=123",
        "window=71 d_model=200 d_ff=800",
    ]
    assert [row["parameters"] for row in rows[:3]] == [
        str(16 * 249 * 250),
        str(22 * (3 * 123**2 + 123)),
        str(2 * (12 * 200**2 + 13 * 200)),
    ]
    assert abs(int(rows[3]["parameters"]) / 1e6 - 1) < 0.05


def test_both_in_json(shell: Shell) -> None:
    command = ("analyze", "tcn", "--reach", "300", "--match", "macs=1G", "--format", "json")
    report = json.loads(shell.out(*command))
    changes = [{"setting": name, "before": 600, "after": 154} for name in ("hidden_size", "input_size")]
    # 1 + 4 (2^7 - 1) = 509; 1000 steps of 14 convolutions of 3 * 154^2
    assert report["fit"] == {
        "reach": {
            "asked": 300,
            "how": "window",
            "steps": 509,
            "is_met": True,
            "changes": [{"setting": "levels", "before": 4, "after": 7}],
        },
        "match": {"quantity": "macs", "asked": 10**9, "found": 42_000 * 154**2, "changes": changes},
    }
    assert report["totals"]["macs"] == 42_000 * 154**2


def test_a_size_that_is_off_is_said(shell: Shell) -> None:
    text = " ".join(shell.out("analyze", "transformer_encoder", "--match", "params=10M").split())
    assert "scaled d_model 512 -> 376, d_ff 2048 -> 1504 (10.2 M parameters, 2 % more than asked)." in text
    markdown = shell.out("analyze", "lstm", "--match", "params=10M", "--format", "markdown")
    assert "- lstm: scaled hidden_size and input_size 512 -> 790 (10 M parameters)." in markdown


def test_nothing_is_said_where_nothing_was_asked_for(shell: Shell) -> None:
    assert "fit" not in json.loads(shell.out("analyze", "lstm", "--format", "json"))
    header = shell.out("compare-models", "lstm", "--format", "csv").splitlines()[0]
    assert "changes" not in header


def test_what_cannot_be_met_is_said(shell: Shell) -> None:
    text = " ".join(
        shell.out("compare-models", "lstm", "tcn", "--set", "tcn.levels=3", "--reach", "100").split()
    )
    # 1 + 4 (2^3 - 1) = 29
    assert "- tcn: looks back over 29 steps, not 100, since levels is given." in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("analyze", "resnet50", "--reach", "10"),
            "resnet50: --reach 10: it has no time axis; leave --reach out",
        ),
        (
            ("analyze", "tcn", "--set", "kernel_size=1", "--reach", "5"),
            "tcn: --reach 5: it cannot look back as far; leave out what --set gives, or --reach",
        ),
        (("analyze", "lstm", "--match", "10M"), "--match 10M: no params=N or macs=N; write it as params=10M"),
        (
            ("compare-models", "lstm", "captioning", "--match", "params=1M"),
            "captioning: cannot have 1,000,000 parameters: with hidden_size=1 it has 20,846,984; ask for"
            " another size, or --set its other settings",
        ),
        (
            ("analyze", "lstm", "--set", "hidden_size=8", "--match", "params=1M"),
            "lstm: hidden_size is given, and --match scales it; leave out --match, or --set hidden_size",
        ),
    ],
)
def test_refuses(shell: Shell, words: tuple[str, ...], message: str) -> None:
    done = shell.run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"hwcost: {message}\n"
