"""The command `roofline`: models, or their layers, under the roofline of a device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwcost.cli.options import (
    ActivationsOption,
    BatchOption,
    DeviceOption,
    DtypeOption,
    FusionOption,
    KvOption,
    ModelsArgument,
    OrderOption,
    SeqLenOption,
    SetOption,
    StrictOption,
    WeightsOption,
)
from hwcost.cli.output import check_folder, deliver, deliver_file, page
from hwcost.cli.run import reports_of, run_of

EXAMPLES = """\b
Examples:
  hwcost roofline lstm tcn transformer_encoder --seq-len 1000 -o roofline.html
  hwcost roofline resnet50 --layers --device a100_sxm_80 -o layers.pdf
  hwcost roofline lstm tcn --dtype int8       (the roof of the int8 unit)
  hwcost roofline lstm tcn                    (the dots as a table)
"""

ChartOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Draw to .html, .svg, .png or .pdf; default: print the dots."
    ),
]
LayersOption = Annotated[bool, typer.Option("--layers", help="One dot per layer instead of one per model.")]


def roofline(
    models: ModelsArgument,
    seq_len: SeqLenOption = None,
    batch: BatchOption = None,
    dtype: DtypeOption = None,
    weights: WeightsOption = None,
    activations: ActivationsOption = None,
    kv: KvOption = None,
    device: DeviceOption = "echo_arm",
    settings: SetOption = None,
    fusion: FusionOption = None,
    order: OrderOption = "offline",
    strict: StrictOption = False,
    layers: LayersOption = False,
    output: ChartOption = None,
) -> None:
    """Draw models under the roofline of a device."""
    from hwcost.render.chart_file import chart_suffix

    suffix = "" if output is None else chart_suffix(output)
    check_folder(output)
    run = run_of(locals())
    reports = reports_of(models, run)
    if output is None:
        from hwcost.render.terminal import dots_text

        width, colour = page(output)
        deliver(dots_text(reports, layers=layers, width=width, colour=colour), None)
        return
    from hwcost.render.chart_file import chart_content
    from hwcost.render.roofline import roofline as chart

    deliver_file(chart_content(chart(reports, layers=layers), suffix), output)
