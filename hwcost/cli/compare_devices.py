"""The command `compare-devices`: one model on several devices."""

from __future__ import annotations

from hwcost.cli.formats import in_format
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
    OutputOption,
    SeqLenOption,
    SetOption,
    StrictOption,
    WeightsOption,
)
from hwcost.cli.output import chosen_format, deliver
from hwcost.cli.run import devices_of, reports_on, require_one_order, run_of

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
    require_one_order(order)
    reports = reports_on(names, model, run_of(locals()))
    from hwcost.render.csv import comparison_csv
    from hwcost.render.json import devices_json
    from hwcost.render.markdown import devices_markdown
    from hwcost.render.terminal import devices_text

    text = in_format(
        form,
        reports,
        output,
        table=devices_text,
        json=devices_json,
        csv=comparison_csv,
        markdown=devices_markdown,
    )
    deliver(text, output)
