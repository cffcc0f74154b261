"""The command `trace`: record a model once, without its weights, to analyze it anywhere."""

from __future__ import annotations

from hwcost.cli.options import (
    BatchOption,
    GenerateOption,
    ModelArgument,
    OptimizerOption,
    OrderOption,
    OutputOption,
    PhaseOption,
    PromptOption,
    SeqLenOption,
    SetOption,
)
from hwcost.cli.output import check_folder, deliver, guest, progress
from hwcost.errors import UsageError

EXAMPLES = """\b
Examples:
  hwcost trace lstm --seq-len 1000 -o lstm.json
  hwcost trace my_model.py:build --set hidden_size=256 -o mine.json
  hwcost trace gpt1 --prompt 100 --generate 50 -o generation.json
  hwcost trace lstm --phase training --optimizer sgd -o training.json
  hwcost analyze mine.json --device echo_arm          (without PyTorch)
"""


def trace(
    model: ModelArgument,
    seq_len: SeqLenOption = None,
    batch: BatchOption = None,
    settings: SetOption = None,
    order: OrderOption = "offline",
    prompt: PromptOption = None,
    generate: GenerateOption = None,
    phase: PhaseOption = "inference",
    optimizer: OptimizerOption = None,
    output: OutputOption = None,
) -> None:
    """Record a model in a file, without weights or code."""
    from hwcost.api import optimizer_of
    from hwcost.cli.run import settings_for
    from hwcost.load import load_trace
    from hwcost.orders.order import asked_order
    from hwcost.tracefile import to_json

    check_folder(output)
    if output is not None and output.suffix != ".json":
        raise UsageError(
            "a saved trace is known by its suffix", where=str(output), mend="end the name in .json"
        )
    chosen, taking = settings_for(model, settings or ()), optimizer_of(phase, optimizer)
    asked, seq_len = asked_order(order, prompt=prompt, generate=generate, seq_len=seq_len, phase=phase)
    with progress(f"tracing {model}"), guest(model):
        recorded = load_trace(
            model, seq_len=seq_len, batch=batch, settings=chosen, order=asked, optimizer=taking
        )
    deliver(f"{to_json(recorded)}\n", output)
