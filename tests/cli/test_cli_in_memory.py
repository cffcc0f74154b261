"""The commands on devices that compute in memory, and those that compare devices, as a user types them."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from shell import ESCAPE, Shell

PROFILES = Path(__file__).parents[2] / "device_profiles"

DEVICES = "echo_arm,jetson_nano,v100_sxm2,cim_edge,ibm_hermes"
SHORT = ("--seq-len", "100")
TWO = ("--devices", "echo_arm,cim_edge")
RANGE = ("--devices", "cim_edge,v100_sxm2", "--over", "batch=1:64")


def flat(text: str) -> str:
    return " ".join(text.split())


def test_analyze_tells_what_lies_where(traced: Shell) -> None:
    text = flat(traced.out("analyze", "lstm", "--seq-len", "1000", "--device", "cim_edge"))
    assert "Weights take 128 of 512 arrays, 100% of whose cells they fill: none moves" in text
    assert "Accuracy is not modelled, and a weight is good for about 6 bit" in text
    assert "Evidence: it is a model of ours: no such chip exists." in text


def test_analyze_tells_what_does_not_fit(traced: Shell) -> None:
    words = ("analyze", "lstm", *SHORT, "--device", "cim_edge", "--set", "hidden_size=4096")
    assert "Weights do not fit: they take 6,400 arrays, 12.5 times the 512" in flat(traced.out(*words))


def test_roofline_has_the_roofs_of_the_chip(traced: Shell) -> None:
    traced.out("roofline", "lstm", *SHORT, "--device", "cim_edge", "-o", "roof.svg")
    drawn = (traced.folder / "roof.svg").read_text()
    for name in ("arrays int8", "arrays without ADC int8", "writes", "network", "vector int8"):
        assert name in drawn


def test_devices_show(traced: Shell) -> None:
    text = traced.out("devices", "show", "isaac")
    assert "arrays.geometry.count  16128  (derived)" in text


def test_compare_devices(traced: Shell) -> None:
    text = traced.out("compare-devices", "lstm", *SHORT, "--devices", DEVICES)
    assert text.startswith("lstm takes the least time on ")
    assert max(map(len, text.splitlines())) <= 80
    assert ESCAPE not in text
    rows = [line.split("  ")[0] for line in text.splitlines()]
    assert [name for name in rows if name in DEVICES.split(",")] == DEVICES.split(",")
    (own,) = [line for line in text.splitlines() if line.startswith("cim_edge  ")]
    assert own.endswith("100 %")


def test_compare_devices_for_programs(traced: Shell) -> None:
    words = ("compare-devices", "lstm", *SHORT, "--devices", DEVICES)
    whole = json.loads(traced.out(*words, "--format", "json"))
    assert whole["schema"] == "hwcost.devices/1"
    by_name = {report["device"]["name"]: report for report in whole["reports"]}
    assert by_name["cim_edge"]["weights_kept"] == 1.0
    assert by_name["cim_edge"]["figures_of"] == "modelled"
    assert by_name["echo_arm"]["figures_of"] is None
    assert by_name["ibm_hermes"]["findings"]
    rows = list(csv.DictReader(StringIO(traced.out(*words, "--format", "csv"))))
    assert [row["device"] for row in rows] == DEVICES.split(",")
    assert float(rows[0]["expected_s"]) == by_name["echo_arm"]["totals"]["expected_s"]
    assert traced.out(*words, "--format", "markdown").startswith("**lstm takes the least time on ")


def test_breakeven_of_several(traced: Shell) -> None:
    words = ("breakeven", "lstm", *SHORT, "--over", "batch=1:64", "--devices", DEVICES)
    text = flat(traced.out(*words))
    said = "lstm on echo_arm, jetson_nano, v100_sxm2, cim_edge and ibm_hermes, over batch: "
    assert text.startswith(f"{said}cim_edge takes the least time up to batch = ")
    rows = list(csv.DictReader(StringIO(traced.out(*words, "--format", "csv"))))
    ahead = {int(row["value"]): row["device"] for row in rows if row["least_time"] == "true"}
    assert (ahead[1], ahead[64]) == ("cim_edge", "v100_sxm2")


def test_breakeven(traced: Shell) -> None:
    text = traced.out("breakeven", "lstm", *SHORT, *RANGE)
    assert flat(text).startswith("lstm on cim_edge and v100_sxm2, over batch: cim_edge takes less time up to")
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("name", "start"),
    [
        *(("b.svg", "<svg"), ("b.html", "<!DOCTYPE html>"), ("b.json", "{"), ("b.md", "**lstm on")),
        *(("b.csv", "over,value,device,expected_s,"), ("b.txt", "lstm on cim_edge and v100_sxm2")),
    ],
)
def test_breakeven_to_a_file(traced: Shell, name: str, start: str) -> None:
    done = traced.run("breakeven", "lstm", *SHORT, *RANGE, "-o", name)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"wrote {name}\n")
    assert (traced.folder / name).read_text().startswith(start)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("compare-devices", "lstm", "--devices", "echo_arm"),
            "--devices echo_arm: fewer than two devices; write --devices echo_arm,cim_edge",
        ),
        (
            ("compare-devices", "lstm", "--devices", "echo_arm,echo_arm"),
            "--devices echo_arm,echo_arm: a device is there twice; keep one of them",
        ),
        (
            ("compare-devices", "lstm", "--devices", "echo_arm,cim_egde"),
            "no device is named 'cim_egde'; did you mean 'cim_edge'? (a profile of one's own: give its path)",
        ),
        (
            ("breakeven", "lstm", "--devices", "echo_arm", "--over", "batch"),
            "--devices echo_arm: fewer than two devices; write --devices echo_arm,cim_edge",
        ),
        (
            ("breakeven", "lstm", "--devices", "cim_edge,echo_arm,cim_edge", "--over", "batch"),
            "--devices cim_edge,echo_arm,cim_edge: a device is there twice; keep one of them",
        ),
        (
            ("breakeven", "lstm", "--devices", "echo_arm,cim_egde", "--over", "batch"),
            "no device is named 'cim_egde'; did you mean 'cim_edge'? (a profile of one's own: give its path)",
        ),
        (
            ("breakeven", "lstm", "--devices", "a,b,c,d,e,f,g,h,i", "--over", "batch"),
            "--devices a,b,c,d,e,f,g,h,i: 9 devices; keep 8 of them or fewer",
        ),
        (
            ("breakeven", "lstm", "--devices", "echo_arm,cim_edge", "--over", "batch=8:2"),
            "--over batch=8:2: an empty range; write the lower end first",
        ),
        (
            ("breakeven", "lstm", "--devices", "echo_arm,cim_edge", "--over", "batch=0:2"),
            "--over batch=0:2: no range from 0; begin at 1",
        ),
        (
            ("breakeven", "lstm", "--devices", "echo_arm,cim_edge", "--over", "hidden_sice=8:16"),
            "lstm: no setting is called 'hidden_sice'; did you mean hidden_size? there are seq_len, batch,"
            " input_size, hidden_size, num_layers, bidirectional, proj_size",
        ),
        (
            ("breakeven", "bilstm", *TWO, "--over", "batch=1:2", "--order", "streaming"),
            "bilstm: `torch.lstm` in `lstm` reads the sequence backwards: it has no streaming form; take"
            " --order offline, or a layer of one direction",
        ),
        (
            ("breakeven", "lstm", *TWO, "--over", "batch", "--format", "csv", "-o", "b.png"),
            "b.png: a .png file is a chart, not csv; leave --format out, or give the file another suffix",
        ),
        (
            ("breakeven", "lstm", "--devices", "echo_arm,cim_edge", "--over", "batch", "-o", "b.bmp"),
            "b.bmp: a report cannot be a .bmp file; end the name in one of .html, .svg, .png, .pdf, .txt,"
            " .json, .csv, .md, or give --format",
        ),
        (
            ("breakeven", "lstm", "--devices", "echo_arm,cim_edge", "--over", "hidden_size"),
            "--over hidden_size: no range of 'hidden_size'; write hidden_size=LOW:HIGH",
        ),
        (
            ("breakeven", "lstm", "--devices", "echo_arm,cim_edge", "--over", "batch", "--batch", "3"),
            "--over batch: batch is varied and given; leave one of them out",
        ),
    ],
)
def test_what_a_user_can_mend(shell: Shell, words: tuple[str, ...], said: str) -> None:
    done = shell.run(*words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"hwcost: {said}\n")
    assert not list(shell.folder.iterdir())


@pytest.mark.parametrize("words", [("compare-devices", "lstm"), ("breakeven", "lstm", "--over", "batch")])
def test_profiles_of_ones_own_beside_others(shell: Shell, words: tuple[str, ...]) -> None:
    shipped = {name: (PROFILES / f"{name}.yaml").read_text() for name in ("echo_arm", "cim_edge")}
    (shell.folder / "echo_arm.yaml").write_text(shipped["echo_arm"])
    (shell.folder / "narrow.yaml").write_text(shipped["cim_edge"].replace("columns: [256,", "columns: [1,"))
    before = sorted(shell.folder.iterdir())
    for own, said in (
        ("echo_arm.yaml", "two devices are named 'echo_arm'; keep one, or rename the file of one\n"),
        ("narrow.yaml", "a weight takes 2 cells and an array has 1 columns; make the array wider\n"),
    ):
        done = shell.run(*words, "--devices", f"echo_arm,{own}", "-o", "found.json")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("hwcost: ")
        assert done.stderr.endswith(said)
        assert done.stderr.count("\n") == 1
    assert sorted(shell.folder.iterdir()) == before
