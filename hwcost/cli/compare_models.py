"""The command `compare-models`: several models side by side on one device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hwcost.cli.options import (
    ActivationsOption,
    BatchOption,
    DeviceOption,
    DtypeOption,
    Format,
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
from hwcost.cli.output import chosen_format, deliver, page
from hwcost.cli.run import Run, reports_of

if TYPE_CHECKING:
    from hwcost.report import Report

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
    run = Run(
        device=device,
        seq_len=seq_len,
        batch=batch,
        dtype=dtype,
        weights=weights,
        activations=activations,
        kv=kv,
        settings=tuple(settings or ()),
        fusion=fusion,
        order=order,
        prompt=prompt,
        generate=generate,
        phase=phase,
        optimizer=optimizer,
        match=match,
        reach=reach,
        strict=strict,
    )
    deliver(_text(reports_of(models, run), form, output), output)


def _text(reports: Sequence[Report], form: Format, output: Path | None) -> str:
    if form == "json":
        from hwcost.render.json import comparison_json

        return comparison_json(reports)
    if form == "csv":
        from hwcost.render.csv import comparison_csv

        return comparison_csv(reports)
    if form == "markdown":
        from hwcost.render.markdown import comparison_markdown

        return comparison_markdown(reports)
    from hwcost.render.terminal import comparison_text

    width, colour = page(output)
    return comparison_text(reports, width=width, colour=colour)
