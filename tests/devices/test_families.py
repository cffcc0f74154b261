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
    volta, turing = load_family("volta", ""), load_family("turing", "")
    own = {number.path for number in turing.numbers if number.evidence != "unverified"}
    assert own == {"elsewhere"}
    assert "fitted" in next(n.source for n in turing.numbers if n.path == "vector.products.kernel")
    assert turing.kernels["vector"].products.peak_share == volta.kernels["vector"].products.peak_share
    assert turing.kernels["vector"].products.strided_share == 1


def test_a_family_gives_some_numbers_itself() -> None:
    volta, hopper = load_family("volta", ""), load_family("hopper", "")
    ours, theirs = hopper.kernels["matrix"].products, volta.kernels["matrix"].products
    assert (ours.memory_share, theirs.memory_share) == pytest.approx((0.9, 0.78))
    assert ours.memory_share.evidence == "derived"
    assert ours.kernel_s == theirs.kernel_s
    assert hopper.kernels["matrix"].steps == volta.kernels["matrix"].steps
    paths = [number.path for number in hopper.numbers]
    assert len(paths) == len(set(paths))
    assert set(paths) >= {n.path for n in volta.numbers if "strided" not in n.path}


def test_the_numbers_of_a_family_that_has_its_own_are_handed_on() -> None:
    ada, rtx = load_family("ada", ""), load_family("blackwell_rtx", "")
    assert rtx.kernels["vector"].products.peak_share == ada.kernels["vector"].products.peak_share == 0.7
    assert next(n for n in rtx.numbers if n.path == "vector.products.peak_share").evidence == "unverified"
    assert (ada.fitted_on, rtx.fitted_on) == ("rtx4090", "")


def test_spreads_are_wider_off_the_fitted_card(tmp_path: Path) -> None:
    pascal = load_family("pascal", "")
    assert pascal.elsewhere is not None
    assert pascal.elsewhere > 1
    fitted, other = load_device("titan_xp"), load_device(write(tmp_path))
    assert fitted.family is not None
    assert other.family is not None
    narrow = fitted.family.kernels["vector"].spread["gemm"]
    wide = other.family.kernels["vector"].spread["gemm"]
    assert wide == pytest.approx(narrow * pascal.elsewhere)
    assert narrow == pascal.kernels["vector"].spread["gemm"]
    shown = next(n for n in other.numbers if n.path == "family.vector.spread.gemm")
    assert float(shown) == wide
    trace = traces.linear(512, 512, 512, "float32")
    ours, theirs = (hwcost.analyze(trace, device=one).totals for one in (fitted, other))
    assert theirs.slow_s / theirs.expected_s > ours.slow_s / ours.expected_s


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
