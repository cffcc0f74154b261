"""The command `audit` from end to end."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from shell import ESCAPE, Shell

NOISY = """
import logging, sys, warnings
import torch

class Noisy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 4)

    def forward(self, x):
        print("a model that prints")
        print("on both streams", file=sys.stderr)
        warnings.warn("and warns")
        logging.getLogger("fvcore").warning("and logs")
        return self.layer(x) if x.shape[0] else x

def build():
    return Noisy(), torch.zeros(2, 8)
"""


@pytest.fixture(scope="module")
def lstm(traced: Shell) -> str:
    return traced.out("audit", "lstm", "--seq-len", "10", "--set", "num_layers=1")


def test_counters_side_by_side(lstm: str) -> None:
    assert lstm.startswith("lstm: 21 M MACs by hwcost, by unrolled and torch meta as well, not by torch CPU")
    assert max(map(len, lstm.splitlines())) <= 80
    assert ESCAPE not in lstm
    assert re.search(r"^recurrent +21 M +21 M +21 M +0\* +0\*$", lstm, re.MULTILINE)


def test_each_difference_has_a_sentence(lstm: str) -> None:
    words = " ".join(lstm.split())
    assert "fvcore has no rule for aten::lstm and counts 0 (recurrent: 0, hwcost 21 M)." in words
    assert "torch CPU has no rule for aten.mkldnn_rnn_layer and counts 0" in words


def test_json_is_one_object_and_nothing_else(shell: Shell) -> None:
    (shell.folder / "noisy.py").write_text(NOISY)
    done = shell.run("audit", "noisy.py:build", "--format", "json")
    assert done.returncode == 0, done.stderr
    whole = json.loads(done.stdout)
    assert whole["schema"] == "hwcost.audit/1"
    assert {it["counter"]: it["total"] for it in whole["counts"]} == dict.fromkeys(
        ("hwcost", "unrolled", "torch meta", "torch CPU", "fvcore"), 2 * 8 * 4
    )
    assert whole["differences"] == []
    # Our own trace runs the model's code as it is; the counters run it quietly.
    for line in ("a model that prints", "on both streams", "and logs"):
        assert done.stderr.count(f"{line}\n") == 1


def test_a_model_of_transformers(shell: Shell) -> None:
    settings = ("hidden_size=32", "num_hidden_layers=1", "num_attention_heads=4", "intermediate_size=64")
    words = [word for setting in settings for word in ("--set", setting)]
    done = shell.run("audit", "hf:bert", "--seq-len", "10", *words, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    counts = {it["counter"]: it["macs"] for it in json.loads(done.stdout)["counts"]}
    linear, attention = 10 * (4 * 32 * 32 + 2 * 32 * 64) + 32 * 32, 10 * 2 * 10 * 32
    for counter in ("hwcost", "unrolled", "torch meta"):
        assert (counts[counter]["linear"], counts[counter]["attention"]) == (linear, attention)


def test_to_a_file(traced: Shell) -> None:
    done = traced.run("audit", "lstm", "--seq-len", "10", "--set", "num_layers=1", "-o", "audit.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "wrote audit.json\n")
    assert json.loads((traced.folder / "audit.json").read_text())["model"] == "lstm"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("saved.json", "saved.json: a saved trace holds no module that could be run again; name the model"),
        ("lstn", "did you mean lstm?"),
        ("lstm --format csv", "'csv' is not one of 'table', 'json'"),
        ("lstm -o audit.docx", "end the name in .txt or .json"),
        ("hf:bret", "did you mean 'bert'?"),
        ("none.pt2", "none.pt2: there is no such file"),
    ],
)
def test_refused_in_one_line(shell: Shell, words: str, message: str) -> None:
    done = shell.run("audit", *words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"hwcost: [^\n]+\n", done.stderr), done.stderr
    assert message in done.stderr
    assert not list(Path(shell.folder).iterdir())
