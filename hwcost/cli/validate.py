"""The command `validate`: predicted against published measurements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli.options import Format, FormatOption
from hwcost.cli.output import check_folder, chosen_format, deliver, deliver_file, page, progress
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.validation.result import Point, Statement

EXAMPLES = """\b
Examples:
  hwcost validate
  hwcost validate deepbench_rnn --device titan_xp
  hwcost validate cim_chips
  hwcost validate --device isaac
  hwcost validate deepbench_gemm -o chart.html
  hwcost validate --format json
  hwcost validate -o validation.csv
"""

DatasetArgument = Annotated[
    str | None, typer.Argument(metavar="[DATASET]", help="One of the tables; default: all.")
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", "-d", metavar="NAME", help="Only what is published of it.")
]
ChartOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Draw to .html, .svg, .png or .pdf, or write .json, .csv, .md or .txt; default: print.",
    ),
]


def validate(
    dataset: DatasetArgument = None,
    device: DeviceOption = None,
    form: FormatOption = None,
    output: ChartOption = None,
) -> None:
    """Set predictions beside published measurements and other published figures of devices."""
    from hwcost.render.chart_file import SUFFIXES, chart_content
    from hwcost.validation import validated

    suffix = "" if output is None else output.suffix.lower()
    is_chart = suffix in SUFFIXES
    if is_chart and form is not None:
        raise UsageError("a chart has no --format", mend="leave out --format, or -o")
    check_folder(output)
    chosen = "table" if is_chart else chosen_format(form, output, also=SUFFIXES)
    with progress("predicting what was published"):
        points, statements = validated(dataset, device)
    if is_chart and output is not None:
        from hwcost.render.validation_chart import validation_chart

        deliver_file(chart_content(validation_chart(points, statements), suffix), output)
        return
    deliver(_text(points, statements, chosen, output), output)


def _text(points: Sequence[Point], statements: Sequence[Statement], form: Format, output: Path | None) -> str:
    from hwcost.render import validation, validation_data

    if form == "json":
        return validation_data.validation_json(points, statements)
    if form == "csv":
        return validation_data.validation_csv(points, statements)
    if form == "markdown":
        return validation.validation_markdown(points, statements)
    width, colour = page(output)
    return validation.validation_text(points, statements, width=width, colour=colour)
