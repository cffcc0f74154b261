"""Families of devices: their files, what a member leaves to them, and what it says itself."""

from __future__ import annotations

from pathlib import Path

import pytest

import hwcost
from hwcost.devices import load_device
from hwcost.devices.families import load_family
from hwcost.devices.shipped import family_names
from hwcost.errors import ProfileError
from hwcost.validation import operators, traces

PROFILE = """
title: A card
kind: gpu
family: {family}
compute:
  vector:
    float32: [10 TFLOP/s, "measured: made up for the test"]
memory:
{registers}
  l2:
    size: [3 MiB, "measured: made up for the test"]
    policy: random
  dram:
    policy: lru
    peak_bandwidth: [400 GB/s, "measured: made up for the test"]
{more}
runtime:
  fusion: eager
"""
REGISTERS = """  registers:
    size: [256 KiB, "measured: made up for the test"]
    instances: [28, "measured: made up for the test"]
    policy: pinned"""


def write(folder: Path, *, family: str = "pascal", registers: str = REGISTERS, more: str = "") -> str:
    path = folder / "card.yaml"
    path.write_text(PROFILE.format(family=family, registers=registers, more=more))
    return str(path)


@pytest.mark.parametrize("name", family_names())
def test_every_family_loads_with_sources(name: str) -> None:
    family = load_family(name, "")
    assert family.kernels
    assert all(number.source and number.text for number in family.numbers)
    paths = [number.path for number in family.numbers]
    assert len(paths) == len(set(paths))


def test_numbers_of_the_data_sheet_are_enough(tmp_path: Path) -> None:
    device = load_device(write(tmp_path))
    assert device.family is not None
    assert (device.cores, device.family.name, device.own_classes) == (28, "pascal", frozenset())
    assert device.kernel_s == device.family.kernel_s
    report = hwcost.analyze(traces.linear(4096, 4096, 4096, "float32"), device=device)
    reached = report.totals.flops / report.totals.expected_s
    assert 0.75 < reached / 10e12 < 0.841  # the family's share of endless tiles


def test_own_gemm_is_what_the_largest_products_reach(tmp_path: Path) -> None:
    own = 'efficiency:\n  gemm: [0.6, "measured: made up for the test"]'
    device = load_device(write(tmp_path, more=own))
    report = hwcost.analyze(traces.linear(8192, 8192, 8192, "float32"), device=device)
    assert report.totals.flops / report.totals.expected_s == pytest.approx(0.6 * 10e12, rel=0.02)


def test_own_conv_leaves_the_family(tmp_path: Path) -> None:
    own = 'efficiency:\n  conv: [0.25, "measured: made up for the test"]'
    device = load_device(write(tmp_path, more=own))
    trace = traces.convolution(64, 256, 256, (56, 56), (3, 3), (1, 1), (1, 1), "float32")
    report = hwcost.analyze(trace, device=device)
    assert report.totals.compute_s == pytest.approx(report.totals.flops / (0.25 * 10e12))


def test_winograd_lowers_the_bound_as_well(tmp_path: Path) -> None:
    trace = traces.convolution(64, 256, 256, (56, 56), (3, 3), (1, 1), (1, 1), "float32")
    totals = hwcost.analyze(trace, device=load_device(write(tmp_path))).totals
    direct_s = totals.flops / 10e12
    assert totals.roofline_s == pytest.approx(direct_s / 2.25)  # 9 * 4 / 16 multiplications fewer
    assert totals.roofline_s < totals.expected_s < direct_s
    strided = traces.convolution(64, 256, 256, (56, 56), (3, 3), (1, 1), (2, 2), "float32")
    totals = hwcost.analyze(strided, device=load_device(write(tmp_path))).totals
    assert totals.roofline_s == pytest.approx(totals.flops / 10e12)


def test_a_family_that_was_taken_over_is_unverified() -> None:
    volta, hopper = load_family("volta", ""), load_family("hopper", "")
    taken = [number for number in hopper.numbers if not number.path.startswith("attention.")]
    assert {number.evidence for number in taken} == {"unverified"}
    assert hopper.depthwise == volta.depthwise
    assert "fitted" in next(n.source for n in hopper.numbers if n.path == "vector.products.kernel")
    assert hopper.kernels["vector"].products.peak_share == volta.kernels["vector"].products.peak_share
    assert hopper.kernels["vector"].products.strided_share == 1


def test_a_family_that_was_taken_over_may_have_attention_of_its_own() -> None:
    volta, ampere, hopper = (load_family(name, "") for name in ("volta", "ampere", "hopper"))
    assert volta.attention is None
    assert ampere.attention is not None
    assert hopper.attention is not None
    assert ampere.attention.peak_share.evidence == hopper.attention.peak_share.evidence == "derived"
    assert ampere.attention.peak_share > hopper.attention.peak_share  # FlashAttention-2 has no wgmma


def test_own_depthwise_and_attention_leave_the_family(tmp_path: Path) -> None:
    own = 'efficiency:\n  depthwise: [0.25, "measured: made up for the test"]'
    trace = operators.depthwise(batch=32, channels=64, side=56, kernel=3, stride=1, dtype="float32")
    device = load_device(write(tmp_path, family="volta", more=own))
    totals = hwcost.analyze(trace, device=device).totals
    assert totals.compute_s == pytest.approx(totals.flops / (0.25 * 10e12))
    by_family = hwcost.analyze(trace, device=load_device(write(tmp_path, family="volta"))).totals
    assert by_family.compute_s == pytest.approx(totals.flops / (0.05 * 10e12))  # volta's peak_share


def test_what_a_member_must_have(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="did you mean 'pascal'"):
        load_device(write(tmp_path, family="pascl"))
    with pytest.raises(ProfileError, match="a family without registers"):
        load_device(write(tmp_path, registers=""))


def test_the_example_of_the_docs_loads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "devices.md").read_text()
    (example,) = [text for text in page.split("```yml\n") if text.startswith('title: "NVIDIA GeForce GTX')]
    path = tmp_path / "card.yaml"
    path.write_text(example.split("```")[0])
    assert load_device(path).cores == 28
