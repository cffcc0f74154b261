"""The command `analyze`: one model on one device."""

from __future__ import annotations

from hwcost.cli.formats import in_format
from hwcost.cli.options import (
    ActivationsOption,
    BatchOption,
    DeviceOption,
    DtypeOption,
    FormatOption,
    FusionOption,
    GenerateOption,
    KvOption,
    MatchOption,
    ModelArgument,
    OptimizerOption,
    OrderOption,
    OutputOption,
    PhaseOption,
    PromptOption,
    ReachOption,
    SeqLenOption,
    SetOption,
    StrictOption,
    WeightsOption,
)
from hwcost.cli.output import chosen_format, deliver
from hwcost.cli.run import reports_of, run_of
from hwcost.errors import UsageError

EXAMPLES = """\b
Examples:
  hwcost analyze lstm --seq-len 1000 --device echo_arm
  hwcost analyze lstm --set hidden_size=2048 --dtype fp16 --device v100_sxm2
  hwcost analyze hf:gpt2 --dtype fp16 --weights int4 --kv int8 --device t4
  hwcost analyze gpt1 --order streaming --device echo_arm
  hwcost analyze hf:llama --prompt 512 --generate 128 --device h100_sxm
  hwcost analyze resnet50 --phase training --batch 32 --device v100_sxm2
  hwcost analyze my_model.py:build --batch 8 --format json
  hwcost analyze saved.json --device my_board.yaml -o report.md
"""


def analyze(
    model: ModelArgument,
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
    prompt: PromptOption = None,
    generate: GenerateOption = None,
    phase: PhaseOption = "inference",
    optimizer: OptimizerOption = None,
    match: MatchOption = None,
    reach: ReachOption = None,
    strict: StrictOption = False,
    form: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Say what a model costs on a device, and what limits it."""
    form = chosen_format(form, output)
    run = run_of(locals())
    if "," in order:
        raise UsageError("several orders are compared, not analyzed", mend="take hwcost compare-models")
    (report,) = reports_of([model], run)
    from hwcost.render.csv import report_csv
    from hwcost.render.json import report_json
    from hwcost.render.markdown import report_markdown
    from hwcost.render.terminal import report_text

    text = in_format(
        form,
        report,
        output,
        table=report_text,
        json=report_json,
        csv=report_csv,
        markdown=report_markdown,
    )
    deliver(text, output)
