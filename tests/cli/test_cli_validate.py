"""The command `validate` from end to end."""

from __future__ import annotations

import json

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
        ("validate --device echo_arm", "nothing was measured on 'echo_arm'; take one of a100_sxm_80,"),
        ("validate --device m4", "no device is named 'm4'; take one of a100_sxm_80,"),
        (
            "validate tpu_v1 -o chart.svg",
            "there is no time to draw; take a dataset of times, or leave out -o",
        ),
        ("validate -o chart.doc", "chart.doc: a chart cannot be a .doc file;"),
        ("validate -o chart.svg --format json", "a chart has no --format; leave out --format, or -o"),
    ],
)
def test_errors_in_one_line(shell: Shell, words: str, line: str) -> None:
    done = shell.run(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"hwcost: {line}")
    assert done.stderr.count("\n") == 1
    assert not list(shell.folder.iterdir())
