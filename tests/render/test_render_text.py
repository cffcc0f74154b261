"""Reports in formats that people read: golden, added up again, within their width."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from golden import check
from reports import all_reports, assumed, lstm, small_kernels, tcn, tiny

from hwcost.render.entries import Entry, entries_text
from hwcost.render.markdown import comparison_markdown, report_markdown
from hwcost.render.terminal import comparison_text, dots_text, report_text
from hwcost.report import Report
from hwcost.units import PREFIXES

ESCAPE = "\x1b"

by_model = pytest.mark.parametrize("one", all_reports(), ids=lambda one: one.trace.model)


def number(cell: str) -> float:
    """The number that a cell shows: "8.4 GB" is 8.4e9, "95 %" is 0.95."""
    match = re.fullmatch(r"≥? ?<?([\d.,]+) ?([a-zA-Z%]*)", cell.strip())
    assert match is not None, cell
    value, unit = float(match[1].replace(",", "")), match[2]
    if unit == "%":
        return value / 100
    return value * PREFIXES[unit.removesuffix("B").removesuffix("s")]


def markdown_table(text: str, title: str) -> list[dict[str, str]]:
    """The rows of the Markdown table below a heading."""
    _, _, below = text.partition(f"## {title}")
    (lines, *_) = [block.splitlines() for block in below.split("\n\n") if block.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_golden_terminal() -> None:
    check(report_text(lstm()), "lstm.txt")
    check(report_text(tcn()), "tcn.txt")
    check(report_text(assumed()), "odd.txt")
    check(comparison_text([lstm(), tcn(), tiny()]), "comparison.txt")


def test_golden_markdown() -> None:
    check(report_markdown(tcn()), "tcn.md")
    check(comparison_markdown([lstm(), tcn(), tiny()]), "comparison.md")


@pytest.mark.parametrize("one", [lstm(), tcn(), tiny()], ids=lambda one: one.trace.model)
def test_shown_layers_add_up_to_the_totals(one: Report) -> None:
    """Each cell is rounded to three digits, or to a whole per cent."""
    rows = markdown_table(report_markdown(one), "Layers")
    totals = one.totals
    for column, total in (("FLOPs", totals.flops), ("DRAM", totals.bytes), ("time", totals.expected_s)):
        cells = [number(row[column]) for row in rows]
        assert sum(cells) == pytest.approx(total, rel=0.005), column
    shares = [number(row["share"].replace("\\", "")) for row in rows]
    assert sum(shares) == pytest.approx(1, abs=0.005 * len(rows) + 0.01)
    assert sum(int(row["calls"].replace(",", "")) for row in rows) == sum(
        layer.sum.calls for layer in one.layers
    )


def test_of_many_layers_the_longest_are_shown_in_order_and_the_rest_in_one_row() -> None:
    rows = markdown_table(report_markdown(tcn()), "Layers (of 48")
    names = [row["layer"] for row in rows]
    assert len(names) == 21
    assert names[-1] == "28 others"
    assert all("convolution" in name for name in names[:-1])  # 16 ms each, an activation 1.5 ms
    places = [int(name.split(".")[2]) for name in names[:-1]]
    assert places == sorted(places)


@by_model
@pytest.mark.parametrize("width", [60, 80, 120])
def test_terminal_fits_and_is_plain(one: Report, width: int) -> None:
    for text in (report_text(one, width=width), comparison_text([one] * 5, width=width)):
        assert ESCAPE not in text
        assert max(map(len, text.splitlines())) <= width
        assert not any(line != line.rstrip() for line in text.splitlines())


def test_long_names_fit() -> None:
    costs = tuple(
        replace(
            cost,
            traffic=replace(
                cost.traffic,
                work=replace(
                    cost.traffic.work,
                    op=replace(cost.traffic.work.op, module="a_very_long_name_indeed." * 6 + str(place)),
                ),
            ),
        )
        for place, cost in enumerate(lstm().costs)
    )
    text = report_text(replace(lstm(), costs=costs))
    assert max(map(len, text.splitlines())) <= 80
    assert "addmm" in text


def test_colour_only_adds_escape_codes() -> None:
    coloured = report_text(lstm(), colour=True)
    assert ESCAPE in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == report_text(lstm()).splitlines()


def test_a_lower_bound_is_marked_wherever_a_total_is_shown() -> None:
    lines = report_text(assumed()).splitlines()
    for quantity in ("MACs", "FLOPs", "FLOP/byte", "time  "):
        (line,) = [line for line in lines if line.startswith(quantity)]
        assert "≥" in line
        assert "lower bound" in line
    assert "≥ 2 M" in comparison_text([assumed()])
    assert "odd: The totals are a lower bound" in comparison_text([assumed(), lstm()])


def test_names_mean_nothing_to_the_formats() -> None:
    odd = replace(lstm(), trace=replace(lstm().trace, model="[red]a|b_*c*"))
    assert "[red]a|b_*c*" in report_text(odd)
    assert "\\|" in report_markdown(odd)
    assert "a|b" not in report_markdown(odd)
    assert "\\*c\\*" in report_markdown(odd)
    within = replace(lstm(), trace=replace(lstm().trace, model="snake_case"))
    assert "# snake_case on edge" in report_markdown(within)


def test_models_side_by_side_are_all_there() -> None:
    """Seven models need two tables in 80 letters, each with every quantity."""
    text = comparison_text([lstm(), tcn(), tiny(), lstm(), tcn(), tiny(), lstm()])
    assert text.count("sequential depth") == 2
    assert text.count("3.27 s") == 3


def test_the_comparison_says_who_is_how_much_slower_and_why() -> None:
    text = " ".join(comparison_text([lstm(), tcn()]).split())
    assert "On edge, lstm is bound by DRAM bandwidth, tcn by compute." in text
    # 3.274 s / 0.5357 s, 8.274 / 12.825 GFLOP, 2.53 and 23.9 of 40 GFLOP/s
    assert (
        "lstm takes 6.1x the time of tcn for 0.65x its FLOPs: it reaches 6 % of the peak, tcn 60 %." in text
    )


def test_a_model_without_a_sequence_is_no_yardstick_for_those_with_one() -> None:
    text = " ".join(comparison_text([lstm(), tcn(), small_kernels()]).split())
    assert "the time of tcn" in text
    assert "the time of mlp" not in text  # it takes 2 ms, but for another task
    assert "No sequence in mlp: the time is that of one pass." in text


def test_dots_in_numbers() -> None:
    text = dots_text([lstm(), tcn(), tiny()], width=100)
    (row,) = [line for line in text.splitlines() if line.startswith("lstm ")]
    # 0.981 * 6.4 GB/s = 6.28 GFLOP/s, 8.274 GFLOP / 3.274 s = 2.53
    assert " ".join(row.split()) == "lstm 0.981 6.28 GFLOP/s 2.53 GFLOP/s 40 % 100 % DRAM"
    assert "so not shown: tiny." in text


def test_models_without_dots_are_named() -> None:
    assert "so not shown: tiny." in dots_text([tiny()])


def test_entries_are_wrapped() -> None:
    text = entries_text("A headline.", [Entry(head="name  1 GB", lines=("word " * 40, ""))], width=60)
    assert text.startswith("A headline.\n\nname  1 GB\n    word word")
    assert max(map(len, text.splitlines())) <= 60
