"""The command `compare-models`: several models side by side on one device."""

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
    ModelsArgument,
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

EXAMPLES = """\b
Examples:
  hwcost compare-models lstm gru tcn transformer_encoder --device echo_arm
  hwcost compare-models lstm tcn --weights int8 --activations fp16
  hwcost compare-models lstm tcn --order offline,streaming
  hwcost compare-models gpt1 awd_lstm --prompt 100 --generate 50
  hwcost compare-models lstm tcn --phase training --optimizer sgd
  hwcost compare-models lstm tcn gpt1 --match params=10M
  hwcost compare-models lstm tcn wavenet --reach 10000 --seq-len 10000
  hwcost compare-models lstm tcn --set lstm.hidden_size=256 -o table.csv
"""


def compare_models(
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
    """Put models side by side on one device."""
    form = chosen_format(form, output)
    run = run_of(locals())
    reports = reports_of(models, run)
    from hwcost.render.csv import comparison_csv
    from hwcost.render.json import comparison_json
    from hwcost.render.markdown import comparison_markdown
    from hwcost.render.terminal import comparison_text

    text = in_format(
        form,
        reports,
        output,
        table=comparison_text,
        json=comparison_json,
        csv=comparison_csv,
        markdown=comparison_markdown,
    )
    deliver(text, output)
