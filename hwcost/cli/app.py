"""The command line: its commands, and how its errors are told."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer

from hwcost.cli import (
    analyze,
    audit,
    breakeven,
    calibrate,
    compare_devices,
    compare_models,
    coverage,
    devices,
    measure,
    models,
    roofline,
    trace,
    validate,
)
from hwcost.errors import HwcostError

EXAMPLES = """\b
Examples:
  hwcost analyze lstm --seq-len 1000 --device echo_arm
  hwcost compare-models lstm gru tcn transformer_encoder --seq-len 1000
  hwcost roofline lstm tcn transformer_encoder resnet50 -o roofline.html
"""

USAGE_ERROR, INTERRUPTED = 2, 130
"""Exit status of what a user can mend, and of Ctrl-C."""

app = typer.Typer(
    name="hwcost",
    help="What a PyTorch model costs on a device, what limits it, and what would change that.",
    epilog=EXAMPLES,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    invoke_without_command=True,
)
app.command("analyze", epilog=analyze.EXAMPLES)(analyze.analyze)
app.command("compare-models", epilog=compare_models.EXAMPLES)(compare_models.compare_models)
app.command("roofline", epilog=roofline.EXAMPLES)(roofline.roofline)
app.command("compare-devices", epilog=compare_devices.EXAMPLES)(compare_devices.compare_devices)
app.command("breakeven", epilog=breakeven.EXAMPLES)(breakeven.breakeven)
app.add_typer(devices.devices, name="devices")
app.add_typer(models.models, name="models")
app.command("trace", epilog=trace.EXAMPLES)(trace.trace)
app.command("coverage", epilog=coverage.EXAMPLES)(coverage.coverage)
app.command("audit", epilog=audit.EXAMPLES)(audit.audit)
app.command("validate", epilog=validate.EXAMPLES)(validate.validate)
app.command("calibrate", epilog=calibrate.EXAMPLES)(calibrate.calibrate)
app.command("measure", epilog=measure.EXAMPLES)(measure.measure)


VERSION_HELP = "Show the version and exit."
DEBUG_HELP = "Show where an error was raised (also: HWCOST_DEBUG=1)."


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"hwcost {version('hwcost')}")
        except PackageNotFoundError:
            typer.echo("hwcost (run from its source tree, not installed)")
        raise typer.Exit


@app.callback()
def hwcost(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help=VERSION_HELP)
    ] = False,
    _debug: Annotated[bool, typer.Option("--debug", help=DEBUG_HELP)] = False,
) -> None:
    """What a PyTorch model costs on a device, what limits it, and what would change that."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line: what a user can mend is told in one line, with exit status 2."""
    # A command makes up to a million small frozen nouns and keeps them: looking for cycles among them
    # takes a fifth of its time and finds none.
    gc.disable()
    try:
        status = app(prog_name="hwcost", standalone_mode=False)
    except HwcostError as error:
        status = _told(error, str(error))
    except typer.TyperException as error:
        status = _told(error, _in_one_line(error))
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status if isinstance(status, int) else 0)


def _told(error: Exception, line: str) -> int:
    if "--debug" in sys.argv or os.environ.get("HWCOST_DEBUG", "0") not in {"", "0"}:
        raise error
    typer.echo(f"hwcost: {line}", err=True)
    return USAGE_ERROR


def _in_one_line(error: typer.TyperException) -> str:
    """What is wrong with the words of a command, and where its help is."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "hwcost"
    what = " ".join(error.format_message().split()).replace("Value error, ", "").rstrip(".")
    return f"{what[:1].lower()}{what[1:]} (see {command} --help)"
