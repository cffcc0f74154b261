"""`--prompt N --generate M` from the command line to every format."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from shell import Shell

GENERATION = ("--prompt", "12", "--generate", "5")


def test_a_saved_generation_is_analyzed_as_it_is(shell: Shell) -> None:
    shell.out("trace", "awd_lstm", *GENERATION, "-o", "saved.json")
    told = json.loads(shell.out("analyze", "saved.json", "--format", "json"))
    again = json.loads(shell.out("analyze", "awd_lstm", *GENERATION, "--format", "json"))
    assert told == again
    generation = told["generation"]
    assert (generation["prompt"], generation["tokens"]) == (12, 5)
    assert told["totals"]["macs"] == generation["prefill"]["macs"] + generation["decode"]["macs"]
    assert told["totals"]["macs"] == 16 * 20_190_000 + 5 * 4_000_000  # layers per step, head per token


def test_rows_of_a_comparison(shell: Shell) -> None:
    rows = list(
        csv.DictReader(
            StringIO(shell.out("compare-models", "awd_lstm", "lstm", *GENERATION, "--format", "csv"))
        )
    )
    assert [row["model"] for row in rows] == ["awd_lstm", "lstm"]
    for row in rows:
        assert (row["prompt"], row["tokens"], row["seq_len"]) == ("12", "5", "16")
        assert float(row["tokens_per_s"]) == pytest.approx(1 / float(row["token_s"]))


def test_half_a_generation(shell: Shell) -> None:
    done = shell.run("analyze", "awd_lstm", "--prompt", "12")
    assert done.returncode == 2
    assert done.stderr == "hwcost: --prompt says half of a generation; add --generate M\n"
    assert done.stdout == ""
