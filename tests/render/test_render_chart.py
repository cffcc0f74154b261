"""The roofline chart: where its dots and lines lie, and the files that it becomes."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from math import log10
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports import CARD, EDGE, all_reports, empty, lstm, tcn, tiny, too_large

from hwcost.errors import UsageError
from hwcost.render.chart_file import chart_content, chart_suffix
from hwcost.render.frame import Box, Frame, placed, powers_of_ten, text_box
from hwcost.render.lines import lines_of
from hwcost.render.roofline import roofline
from hwcost.report import Report

FRAME = Frame(x_low=0.1, x_high=1000.0, y_low=1e6, y_high=1e12, width=800, height=600)


def marks(spec: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The rows of data of every mark of a kind."""
    layers = [layer for layer in spec["layer"] if layer["mark"]["type"] == kind]
    rows = []
    for layer in layers:
        data = layer["data"]
        rows += data["values"] if "values" in data else spec["datasets"][data["name"]]
    return rows


def texts(spec: dict[str, Any]) -> str:
    return str([layer["mark"].get("text") for layer in spec["layer"]])


def test_dots_lie_at_intensity_and_rate() -> None:
    dots = {dot["model"]: dot for dot in marks(roofline([lstm(), tcn()]).to_dict(), "point")}
    assert dots["lstm"]["x"] == pytest.approx(8.274e9 / 8.432e9)
    assert dots["lstm"]["y"] == pytest.approx(8.274e9 / lstm().totals.expected_s)
    assert dots["tcn"]["x"] == pytest.approx(12.824576e9 / 224e6)


def test_a_dot_per_layer_with_its_share() -> None:
    dots = marks(roofline([lstm()], layers=True).to_dict(), "point")
    assert [dot["name"] for dot in dots] == ["lstm addmm", "lstm lstm.step l0", "head addmm"]
    assert sum(dot["share"] for dot in dots) == pytest.approx(1)


def test_no_dot_lies_above_what_the_device_can_do() -> None:
    for dot in marks(roofline([lstm(), tcn()]).to_dict(), "point"):
        assert dot["y"] <= min(40e9, 6.4e9 * dot["x"])


def test_lines_are_the_roofs_and_slopes_of_the_device() -> None:
    lines = lines_of(lstm(), FRAME)
    slopes = {line.name: line for line in lines if line.is_slope and line.name}
    assert set(slopes) == {"L2 20 GB/s", "DRAM 6.4 GB/s"}
    for name, rate in (("L2 20 GB/s", 20e9), ("DRAM 6.4 GB/s", 6.4e9)):
        assert slopes[name].y == pytest.approx(rate * slopes[name].x)
        assert slopes[name].y2 == pytest.approx(40e9)  # up to the highest roof
    roofs = {line.name: line for line in lines if not line.is_slope and line.name}
    assert {name: line.y for name, line in roofs.items()} == {
        "vector fp32 40 GFLOP/s": 40e9,
        "vector fp64 10 GFLOP/s": 10e9,
    }
    achieved = [line for line in lines if line.is_achieved]
    assert sorted(line.y2 for line in achieved) == [pytest.approx(25e9)] * 3  # two slopes and their roof


def test_roofs_of_one_height_are_one_line() -> None:
    twin = replace(CARD.roof, dtype="bfloat16")
    machine = replace(CARD, roofs=(*CARD.roofs, twin))
    names = [
        line.name for line in lines_of(replace(too_large(), machine=machine), FRAME) if not line.is_slope
    ]
    assert "matrix bf16 and fp16 312 TFLOP/s" in names


def test_the_slope_of_the_farthest_level_is_strong_up_to_the_models_own_roof() -> None:
    half = replace(EDGE, roof=EDGE.roofs[1])  # 10 GFLOP/s, under one of 40
    strong = [line for line in lines_of(replace(lstm(), machine=half), FRAME) if line.is_strong and line.name]
    (slope,) = [line for line in strong if line.is_slope]
    assert (slope.name, slope.y2) == ("DRAM 6.4 GB/s", pytest.approx(10e9))


def test_the_ridge_point_is_marked() -> None:
    spec = roofline([lstm()]).to_dict()
    assert any(row["x"] == row["x2"] == 6.25 for row in marks(spec, "rule"))
    assert "ridge point 6.25" in texts(spec)


def test_what_cannot_be_shown_is_said() -> None:
    assert "so not shown: tiny." in texts(roofline([lstm(), tiny()]).to_dict())
    assert "3 unverified numbers" in texts(roofline([lstm()]).to_dict())


@pytest.mark.parametrize("one", all_reports(), ids=lambda one: one.trace.model)
@pytest.mark.parametrize("layers", [False, True])
def test_every_report_has_a_chart(one: Report, layers: bool) -> None:
    assert roofline([one], layers=layers).to_dict()["layer"]


def test_a_device_without_figures_of_bandwidth_has_a_chart() -> None:
    bare = replace(lstm(), machine=replace(EDGE, slopes=()))
    assert roofline([bare]).to_dict()["layer"]


def test_svg_is_well_formed_and_names_its_models() -> None:
    root = ET.fromstring(chart_content(roofline([lstm(), tcn()]), ".svg"))
    written = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"lstm", "tcn", "DRAM 6.4 GB/s"} <= set(written)


def test_a_page_works_offline() -> None:
    page = chart_content(roofline([lstm()]), ".html").decode()
    assert not re.search(r"<(script|link)[^>]*\b(src|href)=", page)
    assert "6.25" in page
    assert len(page) > 500_000  # the scripts are inside


def test_pixels_and_pages_have_their_signatures() -> None:
    chart = roofline([empty()])
    png = chart_content(chart, ".png")
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") > 1400  # pixels across, two per pixel of the chart
    assert chart_content(chart, ".pdf").startswith(b"%PDF-")


@pytest.mark.parametrize("name", ["chart.gif", "chart", "chart.json"])
def test_unknown_suffixes_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"\.html, \.svg, \.png or \.pdf"):
        chart_suffix(Path(name))
    assert chart_suffix(Path("Chart.PNG")) == ".png"


@given(st.floats(0, 800), st.floats(0, 600))
def test_pixels_and_points_are_inverse(right: float, down: float) -> None:
    x, y = FRAME.point(right, down)
    assert FRAME.pixel(x, y) == pytest.approx((right, down), abs=1e-6)


def test_a_diagonal_is_as_steep_as_its_frame() -> None:
    """6 decades in 600 pixels up, 4 in 800 across: half as steep as 45 degrees in slope."""
    (left, bottom), (right, top) = FRAME.pixel(1, 1e7), FRAME.pixel(10, 1e8)
    assert (right - left, bottom - top) == (pytest.approx(200), pytest.approx(100))
    assert FRAME.diagonal_degrees == pytest.approx(26.565, abs=1e-3)  # atan(100 / 200)


@given(st.floats(1e-6, 1e6), st.floats(10, 1e6))
def test_powers_of_ten_are_all_that_lie_between(low: float, factor: float) -> None:
    powers = powers_of_ten(low, low * factor)
    assert low * (1 - 1e-9) <= powers[0] <= low * 10
    assert low * factor / 10 <= powers[-1] <= low * factor * (1 + 1e-9)
    assert all(log10(after / before) == pytest.approx(1) for before, after in pairwise(powers))


def test_labels_keep_clear_of_one_another() -> None:
    """Four dots in a heap: no two names touch."""
    labels = [(f"model number {n}", 400.0 + 5 * n, 300.0 + 4 * n, 6.0) for n in range(4)]
    middles = placed(labels, [], FRAME, size=12)
    boxes = [text_box(text, *middle, size=12) for (text, *_), middle in zip(labels, middles, strict=True)]
    for n, box in enumerate(boxes):
        assert not any(box.overlap(other) for other in boxes[:n])


def test_a_label_moves_away_from_what_is_taken() -> None:
    taken = Box(left=405, top=250, right=800, bottom=350)
    ((right, _),) = placed([("name", 400.0, 300.0, 4.0)], [taken], FRAME, size=12)
    assert right < 400
