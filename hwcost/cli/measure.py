"""The command `measure`: a real model on this machine, beside what was predicted."""

from __future__ import annotations

from typing import Annotated

import typer

from hwcost.cli.formats import in_format
from hwcost.cli.options import (
    BatchOption,
    DeviceOption,
    FormatOption,
    ModelArgument,
    OutputOption,
    SeqLenOption,
    SetOption,
)
from hwcost.cli.output import chosen_format, deliver, guest, progress

EXAMPLES = """\b
Examples:
  hwcost calibrate --threads 1 -o my_machine.yaml
  hwcost measure lstm --seq-len 100 --device my_machine.yaml --threads 1
  hwcost measure my_model.py:build --device my_machine.yaml --format json
"""

ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, metavar="N", help="Threads of torch; default: as many as it takes."),
]
RepeatOption = Annotated[int, typer.Option("--repeat", min=1, metavar="N", help="Passes that are timed.")]


def measure(
    model: ModelArgument,
    seq_len: SeqLenOption = None,
    batch: BatchOption = None,
    device: DeviceOption = "epyc_milan_vm4",
    settings: SetOption = None,
    threads: ThreadsOption = None,
    repeat: RepeatOption = 20,
    form: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Run a model on this machine, and lay its times beside the predicted ones."""
    from hwcost.cli.run import settings_for
    from hwcost.devices import load_device

    form = chosen_format(form, output)
    chosen = settings_for(model, settings or ())
    profile = load_device(device)
    from hwcost.measurement import measured

    with progress(f"running {model}"), guest(model):
        found = measured(
            model, profile, seq_len=seq_len, batch=batch, settings=chosen, threads=threads, repeats=repeat
        )
    from hwcost.render import measurement as render

    text = in_format(
        form,
        found,
        output,
        table=render.measurement_text,
        json=render.measurement_json,
        csv=render.measurement_csv,
        markdown=render.measurement_markdown,
    )
    deliver(text, output)
