"""The command `audit`: independent counts of a model beside ours."""

from __future__ import annotations

from hwcost.cli.options import BatchOption, ModelArgument, OutputOption, SeqLenOption, SetOption
from hwcost.cli.output import deliver, guest, page, progress
from hwcost.cli.plain_format import PlainFormatOption, plain_format

EXAMPLES = """\b
Examples:
  hwcost audit lstm --seq-len 100
  hwcost audit my_model.py:build --format json
  hwcost audit hf:gpt2
"""


def audit(
    model: ModelArgument,
    seq_len: SeqLenOption = None,
    batch: BatchOption = None,
    settings: SetOption = None,
    form: PlainFormatOption = None,
    output: OutputOption = None,
) -> None:
    """Count a model in other ways as well: torch's counter, fvcore, and step by step."""
    from hwcost.cli.run import settings_for

    form = plain_format(form, output)
    chosen = settings_for(model, settings or ())
    from hwcost.audit.audit import audit as audited
    from hwcost.load import load_subject
    from hwcost.render.audit import audit_json, audit_text

    with progress(f"counting {model}"), guest(model):
        found = audited(load_subject(model, seq_len=seq_len, batch=batch, settings=chosen))
    if form == "json":
        deliver(audit_json(found), output)
        return
    width, colour = page(output)
    deliver(audit_text(found, width=width, colour=colour), output)
