"""The options that commands share: their names, their help, and what they may be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Format = Literal["table", "json", "csv", "markdown"]
Fusion = Literal["eager", "fused"]
Phase = Literal["inference", "training"]

MODEL_HELP = (
    "A ready-made name, FILE.py:CALLABLE, PACKAGE.MODULE:CALLABLE, hf:CONFIG, an exported program (.pt2),"
    " an ONNX file (.onnx), or a saved trace (.json)."
)

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help=MODEL_HELP)]
ModelsArgument = Annotated[list[str], typer.Argument(metavar="MODEL...", help=MODEL_HELP)]
SeqLenOption = Annotated[
    int | None, typer.Option("--seq-len", min=1, metavar="N", help="Time steps; default: the model's own.")
]
BatchOption = Annotated[
    int | None,
    typer.Option(
        "--batch", min=1, metavar="N", help="Sequences or images at once; default: the model's own."
    ),
]
DtypeOption = Annotated[
    str | None,
    typer.Option(
        "--dtype", metavar="NAME", help="Take all floating-point tensors as fp16, bf16, fp8, int8, ..."
    ),
]
WeightsOption = Annotated[
    str | None,
    typer.Option("--weights", metavar="NAME", help="The same for the matrices of products alone: int4, ..."),
]
ActivationsOption = Annotated[
    str | None, typer.Option("--activations", metavar="NAME", help="The same for all other numbers.")
]
KvOption = Annotated[
    str | None, typer.Option("--kv", metavar="NAME", help="The same for K and V of attention: fp8, int8, ...")
]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="NAME|FILE", help="A name of `hwcost devices`, or one's own .yaml.")
]
DevicesOption = Annotated[
    str,
    typer.Option("--devices", metavar="NAME,NAME...", help="Names of `hwcost devices`, or one's own .yaml."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A hyper-parameter, as often as needed."),
]
FusionOption = Annotated[
    Fusion | None,
    typer.Option(
        "--fusion", metavar="eager|fused", help="Every op a kernel, or fused; default: the device's."
    ),
]
OrderOption = Annotated[
    str,
    typer.Option(
        "--order",
        metavar="offline|streaming|chunk:N",
        help="The whole sequence at once, step by step, or N steps at a time.",
    ),
]
PromptOption = Annotated[
    int | None, typer.Option("--prompt", min=1, metavar="N", help="Read N tokens at once, then generate.")
]
GenerateOption = Annotated[
    int | None, typer.Option("--generate", min=1, metavar="M", help="Generate M tokens after the prompt.")
]
PhaseOption = Annotated[
    Phase,
    typer.Option(
        "--phase",
        metavar="inference|training",
        help="One forward pass, or forward, backward and the step of an optimizer.",
    ),
]
OptimizerOption = Annotated[
    str | None,
    typer.Option(
        "--optimizer",
        metavar="sgd|momentum|adam|adamw",
        help="What training takes a step with; default: adam.",
    ),
]
MatchOption = Annotated[
    str | None,
    typer.Option("--match", metavar="params=N|macs=N", help="Scale each model to this size, as params=10M."),
]
ReachOption = Annotated[
    int | None,
    typer.Option(
        "--reach", min=1, metavar="N", help="Make the last output of each model look back over N steps."
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Fail on ops that no rule knows.")]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        metavar="table|json|csv|markdown",
        help="How to print; default: what the name of the output file says, else table.",
    ),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead.")
]
