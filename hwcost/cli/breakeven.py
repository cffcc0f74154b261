"""The command `breakeven`: where one device overtakes others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli.formats import in_format
from hwcost.cli.options import (
    ActivationsOption,
    BatchOption,
    DevicesOption,
    DtypeOption,
    Format,
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
from hwcost.cli.output import check_folder, chosen_format, deliver, deliver_file, guest, progress
from hwcost.cli.run import devices_of, require_one_order, settings_for
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.report.breakeven import Breakeven

EXAMPLES = """\b
Examples:
  hwcost breakeven lstm --devices cim_edge,echo_arm --over hidden_size=64:4096
  hwcost breakeven lstm --devices cim_edge,v100_sxm2 --over batch -o map.html
  hwcost breakeven tcn --devices cim_edge,jetson_nano --over seq_len
  hwcost breakeven lstm --devices cim_edge,echo_arm,isaac --over batch
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
        help="Draw to .html, .svg, .png or .pdf, or write .json, .csv, .md or .txt; default: print.",
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
    """Vary a model on two to eight devices and find where another comes ahead, in time and in energy."""
    from hwcost.breakeven import MOST_DEVICES
    from hwcost.breakeven import breakeven as search
    from hwcost.render.chart_file import SUFFIXES

    suffix = _chart_suffix(form, output, SUFFIXES)
    chosen = "table" if suffix else chosen_format(form, output, also=SUFFIXES)
    names = devices_of(devices, most=MOST_DEVICES)
    require_one_order(order)
    with progress(f"analyzing {model} over {over}"), guest(model):
        found = search(
            model,
            devices=names,
            over=over,
            seq_len=seq_len,
            batch=batch,
            settings=settings_for(model, settings or ()),
            dtype=dtype,
            weights=weights,
            activations=activations,
            kv=kv,
            order=order,
            fusion=fusion,
            strict=strict,
        )
    _deliver(found, chosen, output, suffix)


def _deliver(found: Breakeven, form: Format, output: Path | None, suffix: str) -> None:
    """Write the chart that the suffix asks for; without one the text in a format."""
    if output is not None and suffix:
        from hwcost.render.breakeven_chart import breakeven_chart
        from hwcost.render.chart_file import chart_content

        deliver_file(chart_content(breakeven_chart(found), suffix), output)
        return
    from hwcost.render.csv import breakeven_csv
    from hwcost.render.json import breakeven_json
    from hwcost.render.markdown import breakeven_markdown
    from hwcost.render.terminal import breakeven_text

    text = in_format(
        form,
        found,
        output,
        table=breakeven_text,
        json=breakeven_json,
        csv=breakeven_csv,
        markdown=breakeven_markdown,
    )
    deliver(text, output)


def _chart_suffix(form: Format | None, output: Path | None, known: Sequence[str]) -> str:
    """The suffix of a chart; "" where the name of the file asks for text, or there is none.

    Raises UsageError where a chart is asked for in a format of texts, or has no folder.
    """
    check_folder(output)
    suffix = "" if output is None else output.suffix.lower()
    if suffix not in known:
        return ""
    if form is not None:
        raise UsageError(
            f"a {suffix} file is a chart, not {form}",
            where=str(output),
            mend="leave --format out, or give the file another suffix",
        )
    return suffix
