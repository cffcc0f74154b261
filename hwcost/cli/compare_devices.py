"""The command `compare-devices`: one model on several devices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
    OutputOption,
    SeqLenOption,
    SetOption,
    StrictOption,
    WeightsOption,
)
from hwcost.cli.output import chosen_format, deliver, page
from hwcost.cli.run import Run, devices_of, orders_of, reports_on
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.report import Report

EXAMPLES = """\b
Examples:
  hwcost compare-devices lstm --devices echo_arm,v100_sxm2,cim_edge
  hwcost compare-devices lstm --devices echo_arm,cim_edge --order streaming
  hwcost compare-devices gpt1 --devices a100_sxm_80,hbm_pim -o table.csv
"""


def compare_devices(
    model: ModelArgument,
    devices: DevicesOption,
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
    output: OutputOption = None,
) -> None:
    """Put a model on several devices: time, energy, what binds, and what stays on the chip."""
    form = chosen_format(form, output)
    names = devices_of(devices)
    if len(orders_of(order)) > 1:
        raise UsageError("more than one order", where=f"--order {order}", mend="keep one of them")
    run = Run(
        device=names[0],
        seq_len=seq_len,
        batch=batch,
        dtype=dtype,
        weights=weights,
        activations=activations,
        kv=kv,
        settings=tuple(settings or ()),
        fusion=fusion,
        order=order,
        strict=strict,
    )
    deliver(_text(reports_on(names, model, run), form, output), output)


def _text(reports: Sequence[Report], form: Format, output: Path | None) -> str:
    if form == "json":
        from hwcost.render.json import devices_json

        return devices_json(reports)
    if form == "csv":
        from hwcost.render.csv import comparison_csv

        return comparison_csv(reports)
    if form == "markdown":
        from hwcost.render.markdown import devices_markdown

        return devices_markdown(reports)
    from hwcost.render.terminal import devices_text

    width, colour = page(output)
    return devices_text(reports, width=width, colour=colour)
