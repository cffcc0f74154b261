"""The command `breakeven`: where one device overtakes another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli.options import (
    ActivationsOption,
    BatchOption,
    DevicesOption,
    DtypeOption,
    FormatOption,
    FusionOption,
    KvOption,
    ModelArgument,
    OrderOption,
    SeqLenOption,
    SetOption,
    StrictOption,
    WeightsOption,
)
from hwcost.cli.output import check_folder, chosen_format, deliver, deliver_file, guest, page, progress
from hwcost.cli.run import devices_of, orders_of, settings_for
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.report.breakeven import Breakeven

EXAMPLES = """\b
Examples:
  hwcost breakeven lstm --devices cim_edge,echo_arm --over hidden_size=64:4096
  hwcost breakeven lstm --devices cim_edge,v100_sxm2 --over batch -o map.html
  hwcost breakeven tcn --devices cim_edge,jetson_nano --over seq_len
"""

OverOption = Annotated[
    str,
    typer.Option(
        "--over",
        metavar="seq_len|batch|KEY=LOW:HIGH",
        help="What to vary: the sequence, the batch, or a hyper-parameter, from LOW to HIGH.",
    ),
]
ChartOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Draw to .html, .svg, .png or .pdf, or write .json, .md or .txt; default: print.",
    ),
]


def breakeven(
    model: ModelArgument,
    devices: DevicesOption,
    over: OverOption,
    seq_len: SeqLenOption = None,
    batch: BatchOption = None,
    dtype: DtypeOption = None,
    weights: WeightsOption = None,
    activations: ActivationsOption = None,
    kv: KvOption = None,
    settings: SetOption = None,
    fusion: FusionOption = None,
    order: OrderOption = "offline",
    strict: StrictOption = False,
    form: FormatOption = None,
    output: ChartOption = None,
) -> None:
    """Vary a model and find where one of two devices overtakes the other, in time and in energy."""
    suffix = "" if output is None else _suffix(output)
    check_folder(output)
    chosen = "table" if suffix else chosen_format(form, output)
    if chosen == "csv":
        raise UsageError("no such format of this command: csv", mend="take json, markdown or table")
    names = devices_of(devices)
    if len(names) > 2:
        raise UsageError("more than two devices", where=f"--devices {devices}", mend="keep two of them")
    if len(orders_of(order)) > 1:
        raise UsageError("more than one order", where=f"--order {order}", mend="keep one of them")
    from hwcost.breakeven import breakeven as search

    with progress(f"analyzing {model} over {over}"), guest(model):
        found = search(
            model,
            devices=(names[0], names[1]),
            over=over,
            seq_len=seq_len,
            batch=batch,
            settings=settings_for(model, tuple(settings or ())),
            dtype=dtype,
            weights=weights,
            activations=activations,
            kv=kv,
            order=order,
            fusion=fusion,
            strict=strict,
        )
    if output is not None and suffix:
        from hwcost.render.breakeven_chart import breakeven_chart
        from hwcost.render.chart_file import chart_content

        deliver_file(chart_content(breakeven_chart(found), suffix), output)
        return
    deliver(_text(found, chosen, output), output)


def _suffix(output: Path) -> str:
    """The suffix of a chart; "" where the name asks for text."""
    from hwcost.render.chart_file import SUFFIXES

    suffix = output.suffix.lower()
    return suffix if suffix in SUFFIXES else ""


def _text(found: Breakeven, form: str, output: Path | None) -> str:
    if form == "json":
        from hwcost.render.json import breakeven_json

        return breakeven_json(found)
    if form == "markdown":
        from hwcost.render.markdown import breakeven_markdown

        return breakeven_markdown(found)
    from hwcost.render.terminal import breakeven_text

    width, colour = page(output)
    return breakeven_text(found, width=width, colour=colour)
