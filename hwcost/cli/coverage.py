"""The command `coverage`: the share of a model's ops that a rule knows."""

from __future__ import annotations

from hwcost.cli.options import BatchOption, ModelsArgument, OutputOption, SeqLenOption, SetOption
from hwcost.cli.output import deliver, guest, page, progress
from hwcost.cli.plain_format import PlainFormatOption, plain_format

EXAMPLES = """\b
Examples:
  hwcost coverage my_model.py:build
  hwcost coverage hf:bert hf:gpt2 hf:vit --format json
"""


def coverage(
    models: ModelsArgument,
    seq_len: SeqLenOption = None,
    batch: BatchOption = None,
    settings: SetOption = None,
    form: PlainFormatOption = None,
    output: OutputOption = None,
) -> None:
    """Say which share of the ops of models a rule knows, and where the others are."""
    from hwcost.audit.coverage import coverage as covered
    from hwcost.cli.run import settings_for
    from hwcost.load import load_trace
    from hwcost.render.coverage import coverage_json, coverage_text

    form = plain_format(form, output)
    chosen = [settings_for(model, settings or (), models) for model in models]
    found = []
    for model, own in zip(models, chosen, strict=True):
        with progress(f"tracing {model}"), guest(model):
            found.append(covered(load_trace(model, seq_len=seq_len, batch=batch, settings=own)))
    if form == "json":
        deliver(coverage_json(found), output)
        return
    width, colour = page(output)
    deliver(coverage_text(found, width=width, colour=colour), output)
