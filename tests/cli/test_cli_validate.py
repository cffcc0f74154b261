"""The command `validate` from end to end."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from shell import Shell


def test_tables(shell: Shell) -> None:
    text = shell.out("validate", "deepbench_rnn", "--device", "titan_xp")
    assert text.startswith("Held-out error 1.13 over 61 measurements, of the plain roofline 5.15;")
    assert "Titan Xp fp32  held out      61" in text
    assert "farthest off is rnn_relu hidden 1760, batch 16," in text
    assert max(map(len, text.splitlines())) <= 80


def test_statements(shell: Shell) -> None:
    text = shell.out("validate", "tpu_v1")
    assert text.startswith("6 of 6 published statements hold.")


def test_chips_that_compute_in_memory(shell: Shell) -> None:
    text = shell.out("validate", "cim_chips")
    assert text.startswith("15 of 15 published statements hold, 10 of them by consistency alone.")
    assert "ISAAC             40.9 TOP/s  41.3 TOP/s   +1 %  prediction   simulation  yes" in text
    assert "PUMA              52.3 TOP/s  52.3 TOP/s    0 %  consistency  simulation  yes" in text
    assert max(map(len, text.splitlines())) <= 80


def test_one_chip(shell: Shell) -> None:
    text = shell.out("validate", "--device", "isaac")
    assert text.startswith("2 of 2 published statements hold, 1 of them by consistency alone.")
    assert "measured times" not in text  # what the columns of times mean


def test_what_does_not_hold_is_shown(shell: Shell) -> None:
    found = json.loads(shell.out("validate", "puma_workloads", "--format", "json"))["statements"]
    holding = sum(one["holds"] for one in found)
    text = shell.out("validate", "puma_workloads")
    assert text.startswith(f"{holding} of {len(found)} published statements hold.")
    assert sum(line.endswith("  no") for line in text.splitlines()) == len(found) - holding
    assert max(map(len, text.splitlines())) <= 80


def test_formats_by_name_and_by_suffix(shell: Shell) -> None:
    rows = list(csv.DictReader(StringIO(shell.out("validate", "hermes_lstm", "--format", "csv"))))
    assert [(row["unit"], row["published"]) for row in rows] == [("s", "1.43e-06"), ("J", "5.24e-06")]
    shell.out("validate", "hermes_lstm", "-o", "step.md")
    assert (shell.folder / "step.md").read_text() == shell.out(
        "validate", "hermes_lstm", "--format", "markdown"
    )
    every = list(csv.DictReader(StringIO(shell.out("validate", "deepbench_gemm", "--format", "csv"))))
    assert len(every) == 4 * 160 + 13
    assert {row["kind"] for row in every} == {"fitted", "held out"}


def test_chart_of_numbers(shell: Shell) -> None:
    shell.out("validate", "cim_chips", "-o", "chips.svg")
    content = (shell.folder / "chips.svg").read_bytes()
    assert b"Ours over what is published" in content
    assert content.count(b'aria-roledescription="point"') == 15


def test_json_adds_up(shell: Shell) -> None:
    whole = json.loads(shell.out("validate", "deepbench_gemm", "--format", "json"))
    assert whole["schema"] == "hwcost.validation/1"
    assert sum(group["points"] for group in whole["groups"]) == len(whole["points"]) == 4 * 160 + 13
    assert all(p["roofline_s"] <= p["fast_s"] * (1 + 1e-9) for p in whole["points"])


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("html", b"<!DOCTYPE")])
def test_chart(shell: Shell, suffix: str, start: bytes) -> None:
    shell.out("validate", "deepbench_rnn", "-o", f"chart.{suffix}")
    content = (shell.folder / f"chart.{suffix}").read_bytes().lstrip()
    assert content.startswith(start)
    if suffix == "svg":
        assert b"Predicted against measured time" in content
        assert content.count(b'aria-roledescription="point"') == 53 * 3 + 122


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("validate nothing", "no dataset is named 'nothing'; take one of deepbench_gemm,"),
        (
            "validate --device echo_arm",
            "nothing was measured on 'echo_arm'; take one of a100_pcie_40,",
        ),
        ("validate --device m4", "no device is named 'm4'; take one of a100_pcie_40,"),
        (
            "validate tpu_v1 -o chart.svg",
            "there is no number to draw; take a dataset of times or numbers, or leave out -o",
        ),
        ("validate -o chart.doc", "chart.doc: a report cannot be a .doc file; end the name in one of .html,"),
        ("validate -o chart.svg --format json", "a chart has no --format; leave out --format, or -o"),
    ],
)
def test_errors_in_one_line(shell: Shell, words: str, line: str) -> None:
    done = shell.run(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"hwcost: {line}")
    assert done.stderr.count("\n") == 1
    assert not list(shell.folder.iterdir())
