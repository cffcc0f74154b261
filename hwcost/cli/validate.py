"""The command `validate`: predicted against published measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwcost.cli.output import check_folder, deliver, deliver_file, page, progress
from hwcost.cli.plain_format import PlainFormatOption
from hwcost.errors import UsageError

EXAMPLES = """\b
Examples:
  hwcost validate
  hwcost validate deepbench_rnn --device titan_xp
  hwcost validate deepbench_gemm -o chart.html
  hwcost validate --format json
"""

DatasetArgument = Annotated[
    str | None, typer.Argument(metavar="[DATASET]", help="One of the tables; default: all.")
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", "-d", metavar="NAME", help="Only what was measured on it.")
]
ChartOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Draw predicted against measured to .html, .svg, .png, .pdf."
    ),
]


def validate(
    dataset: DatasetArgument = None,
    device: DeviceOption = None,
    form: PlainFormatOption = None,
    output: ChartOption = None,
) -> None:
    """Set predicted times beside published measurements, fitted and held-out ones apart."""
    from hwcost.render.chart_file import chart_content, chart_suffix
    from hwcost.render.validation import validation_json, validation_text
    from hwcost.validation import validated

    if form is not None and output is not None:
        raise UsageError("a chart has no --format", mend="leave out --format, or -o")
    suffix = "" if output is None else chart_suffix(output)
    check_folder(output)
    with progress("predicting what was measured"):
        points, checks = validated(dataset, device)
    if output is not None:
        from hwcost.render.scatter import scatter

        if not points:
            raise UsageError("there is no time to draw", mend="take a dataset of times, or leave out -o")
        deliver_file(chart_content(scatter(points), suffix), output)
        return
    if form == "json":
        deliver(validation_json(points, checks), None)
        return
    width, colour = page(None)
    deliver(validation_text(points, checks, width=width, colour=colour), None)
