"""Formats on the command line: what is asked for arrives, and what stands in is said, in each command."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

import pytest
from shell import Shell

TITLE = ("--seq-len", "1000", "--device", "echo_arm")


def analyzed(shell: Shell, *words: str) -> Any:
    return json.loads(shell.out("analyze", "lstm", *TITLE, "--format", "json", *words))


def test_the_report_holds_the_formats(traced: Shell) -> None:
    model = analyzed(traced, "--dtype", "fp16", "--weights", "int4")["model"]
    assert model["formats"] == {
        "weights": "int4",
        "activations": "float16",
        "kv": "float16",
        "computed_in": "float32",
        "unit": "vector",
        "stand_ins": ["echo_arm has no float16 unit: priced as float32, at 48 GFLOP/s"],
    }
    # 2 layers of w_ih and w_hh, each 2048 x 512, in 4.125 bits; 4 biases of 2048 in 2 bytes
    assert model["weight_bytes"] == 4 * 2048 * 512 * 33 // 64 + 4 * 2048 * 2
    plain = analyzed(traced)["model"]
    assert plain["formats"]["weights"] == plain["dtype"] == "float32"
    assert plain["formats"]["stand_ins"] == []


def test_a_saved_trace_takes_formats(traced: Shell) -> None:
    traced.out("trace", "lstm", "--seq-len", "1000", "-o", "formats.json")
    words = ("--weights", "int8", "--activations", "int8", "--format", "json")
    saved = json.loads(traced.out("analyze", "formats.json", "--device", "echo_arm", *words))
    assert saved == analyzed(traced, *words[:4])
    assert saved["model"]["formats"]["computed_in"] == "int8"


def test_the_text_says_what_is_stored_how(traced: Shell) -> None:
    text = " ".join(
        traced.out("analyze", "lstm", *TITLE, "--dtype", "fp16", "--weights", "int4", "--kv", "int8").split()
    )
    assert "1,000 steps, batch 1, int4 weights, float16 activations, int8 K and V, offline, fused" in text
    assert "parameters 4.2 M 2.18 MB as int4 and float16" in text
    assert "are stored in int4 with a float16 scale per 128 weights of a channel (as GPTQ and AWQ)" in text
    assert "products of float16 with int4 weights are computed in float16" in text
    assert "no attention op reads K and V, so nothing is stored in int8 for them" in text


STAND_IN = "echo_arm has no bfloat16 unit: priced as float32, at 48 GFLOP/s"


@pytest.mark.parametrize(
    "words",
    [
        ("analyze", "lstm"),
        ("compare-models", "lstm", "tcn"),
        ("roofline", "lstm", "tcn"),
        ("roofline", "lstm", "--layers"),
        ("analyze", "lstm", "--format", "markdown"),
        ("compare-models", "lstm", "tcn", "--format", "markdown"),
    ],
)
def test_no_command_is_silent_about_a_stand_in(traced: Shell, words: tuple[str, ...]) -> None:
    text = " ".join(traced.out(*words, *TITLE, "--dtype", "bf16").replace("\\", "").split())
    assert text.count(STAND_IN) == 1
    assert STAND_IN not in " ".join(traced.out(*words, *TITLE).split())


def test_a_comparison_in_numbers_names_the_formats(traced: Shell) -> None:
    words = ("--weights", "int8", "--activations", "fp16", "--format", "csv")
    rows = list(csv.DictReader(StringIO(traced.out("compare-models", "lstm", "tcn", *TITLE, *words))))
    assert [(row["weights"], row["activations"], row["kv"]) for row in rows] == [
        ("int8", "float16", "float16")
    ] * 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--weights int3", "--weights int3: unknown dtype 'int3'; did you mean 'int8'?"),
        ("--activations zebra", "--activations zebra: unknown dtype 'zebra'; take one of fp32, tf32"),
        ("--kv fp7", "--kv fp7: unknown dtype 'fp7'; did you mean 'fp"),
        ("--dtype int64", "--dtype int64: 'int64' holds no weights or activations; take one of fp32"),
        ("--dtype fp16 --weights fp17", "did you mean 'fp16'?"),
    ],
)
@pytest.mark.parametrize("command", ["analyze", "compare-models", "roofline"])
def test_other_names_are_refused(shell: Shell, command: str, words: str, message: str) -> None:
    done = shell.run(command, "lstm", *words.split())
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert message in line


@pytest.mark.parametrize("command", ["analyze", "compare-models", "roofline"])
def test_help_names_the_options(shell: Shell, command: str) -> None:
    text = shell.out(command, "--help")
    assert all(option in text for option in ("--dtype", "--weights", "--activations", "--kv"))


def test_the_examples_of_the_help_run(traced: Shell) -> None:
    assert "--weights int4 --kv int8 --device t4" in traced.out("analyze", "--help")
    assert "compare-models lstm tcn --weights int8 --activations fp16" in traced.out(
        "compare-models", "--help"
    )
    text = traced.out("compare-models", "lstm", "tcn", "--weights", "int8", "--activations", "fp16")
    assert "int8 weights, float16 activations" in text
    assert "roofline lstm tcn --dtype int8" in traced.out("roofline", "--help")
    assert "ridge point 15 FLOP/byte" in traced.out("roofline", "lstm", "tcn", "--dtype", "int8")
