"""The command `analyze`: one model on one device."""

from __future__ import annotations

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
from hwcost.cli.output import chosen_format, deliver, page
from hwcost.cli.run import Run, reports_of
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.report import Report

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
    if "," in order:
        raise UsageError("several orders are compared, not analyzed", mend="take hwcost compare-models")
    (report,) = reports_of([model], run)
    deliver(_text(report, form, output), output)


def _text(report: Report, form: Format, output: Path | None) -> str:
    if form == "json":
        from hwcost.render.json import report_json

        return report_json(report)
    if form == "csv":
        from hwcost.render.csv import report_csv

        return report_csv(report)
    if form == "markdown":
        from hwcost.render.markdown import report_markdown

        return report_markdown(report)
    from hwcost.render.terminal import report_text

    width, colour = page(output)
    return report_text(report, width=width, colour=colour)
