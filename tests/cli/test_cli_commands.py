"""Every command from end to end, as a user types it."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

from shell import ESCAPE, Shell

TITLE = ("--seq-len", "1000", "--device", "echo_arm")
MODELS = ("lstm", "tcn", "transformer_encoder")


def test_analyze(traced: Shell) -> None:
    text = traced.out("analyze", "lstm", *TITLE)
    assert text.startswith("lstm on echo_arm is bound by DRAM bandwidth: 1 step moves ")
    assert max(map(len, text.splitlines())) <= 80
    assert ESCAPE not in text
    for title in ("totals", "layers", "levels of memory", "steps in time (1,000 steps)", "notes"):
        assert f"\n{title}" in text


def test_analyze_as_json(traced: Shell) -> None:
    """One object on standard output and nothing else; 4H(I + H) multiply-accumulates per step."""
    done = traced.run("analyze", "lstm", *TITLE, "--format", "json")
    whole = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert whole["schema"] == "hwcost.report/1"
    assert whole["totals"]["bound"] == "dram"
    assert whole["totals"]["macs"] == 1000 * 2 * 4 * 512 * (512 + 512)  # steps * layers * 4H(I + H)
    assert whole["steps"]["count"] == 1000
    assert sum(layer["macs"] for layer in whole["layers"]) == whole["totals"]["macs"]


def test_analyze_to_a_file_whose_name_says_the_format(traced: Shell) -> None:
    done = traced.run("analyze", "lstm", *TITLE, "-o", "report.md")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "wrote report.md\n")
    assert (traced.folder / "report.md").read_text().startswith("# lstm on echo_arm\n")


def test_compare_models(traced: Shell) -> None:
    text = traced.out("compare-models", *MODELS, *TITLE)
    assert (
        "On echo_arm, lstm is bound by DRAM bandwidth, tcn and transformer_encoder by compute."
        in " ".join(text.split())
    )
    assert max(map(len, text.splitlines())) <= 80
    rows = [line.split("  ")[0] for line in text.splitlines()]
    for quantity in ("parameters", "MACs", "FLOPs", "DRAM bytes", "FLOP/byte", "ridge point", "bound"):
        assert quantity in rows
    for quantity in ("expected time", "time per step", "energy", "sequential depth"):
        assert quantity in rows


def test_compare_models_for_programs(traced: Shell) -> None:
    both = json.loads(traced.out("compare-models", *MODELS, *TITLE, "--format", "json"))
    assert both["schema"] == "hwcost.compare/1"
    rows = list(csv.DictReader(StringIO(traced.out("compare-models", *MODELS, *TITLE, "--format", "csv"))))
    for report, row in zip(both["reports"], rows, strict=True):
        assert report["model"]["name"] == row["model"]
        assert report["totals"]["expected_s"] == float(row["expected_s"])


def test_roofline(traced: Shell) -> None:
    done = traced.run("roofline", *MODELS, *TITLE, "-o", "roofline.html")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "wrote roofline.html\n")
    page = (traced.folder / "roofline.html").read_text()
    assert page.lstrip().startswith("<!DOCTYPE html>")
    assert all(f'"model": "{model}"' in page for model in MODELS)


def test_roofline_in_numbers(traced: Shell) -> None:
    assert "lstm.step l0" in traced.out("roofline", "lstm", *TITLE, "--layers")


def test_devices(shell: Shell) -> None:
    text = shell.out("devices")
    names = {line.split()[0] for line in text.splitlines() if line}
    assert {"echo_arm", "jetson_orin_nano_8gb", "h100_sxm", "tpu_v1"} <= names
    assert max(map(len, text.splitlines())) <= 80


def test_devices_show(shell: Shell) -> None:
    text = shell.out("devices", "show", "echo_arm")
    assert text.startswith("echo_arm: ")
    assert "(unverified)" in text
    assert "memory.dram.size  512 MiB" in text


def test_models(shell: Shell) -> None:
    text = shell.out("models")
    for name in ("lstm", "gru", "rnn", "tcn", "transformer_encoder", "resnet50"):
        assert f"\n{name}  " in text
    assert "hidden_size=512" in text


def test_a_saved_trace_is_analyzed_without_torch(traced: Shell) -> None:
    """A `torch` that cannot be imported stands before the real one."""
    assert traced.run("trace", "lstm", "--seq-len", "1000", "-o", "lstm.json").stderr == "wrote lstm.json\n"
    (traced.folder / "torch.py").write_text("raise ImportError('torch was imported')\n")
    try:
        text = traced.out("analyze", "lstm.json", "--device", "echo_arm", "--format", "json")
    finally:
        (traced.folder / "torch.py").unlink()
    direct = traced.out("analyze", "lstm", *TITLE, "--format", "json")
    assert json.loads(text) == json.loads(direct)


def test_settings_and_dtype_reach_the_model(traced: Shell) -> None:
    def analyzed(*words: str) -> Any:
        return json.loads(traced.out("analyze", "lstm", *TITLE, "--format", "json", *words))

    half = analyzed("--dtype", "fp16")
    assert half["model"]["dtype"] == "float16"
    assert 2 * half["model"]["weight_bytes"] == analyzed()["model"]["weight_bytes"]
    shallow = analyzed("--set", "num_layers=1")
    assert 2 * shallow["totals"]["macs"] == analyzed()["totals"]["macs"]
