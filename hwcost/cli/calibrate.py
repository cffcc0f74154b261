"""The command `calibrate`: measures this machine, and writes what it reaches as a device profile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from hwcost.cli.output import check_folder, deliver_file
from hwcost.errors import UsageError

EXAMPLES = """\b
Examples:
  hwcost calibrate -o my_machine.yaml
  hwcost calibrate --threads 1 -o one_thread.yaml
  hwcost calibrate --on cuda -o my_gpu.yaml
  hwcost analyze lstm --device my_machine.yaml
"""

SUFFIXES = (".yaml", ".yml")

ProfileOption = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The profile to write.")]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, metavar="N", help="Threads of torch; default: as many as it takes."),
]
OnOption = Annotated[str, typer.Option("--on", metavar="cpu|cuda", help="What to measure.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


def calibrate(
    output: ProfileOption, threads: ThreadsOption = None, on: OnOption = "cpu", force: ForceOption = False
) -> None:
    """Measure this machine for up to 3 minutes, and write a device profile."""
    check_folder(output)
    if output.suffix.lower() not in SUFFIXES:
        raise UsageError("is no name of a profile", where=str(output), mend="end it in .yaml")
    if output.exists() and not force:
        raise UsageError("is there already", where=str(output), mend="give another name, or --force")
    from hwcost.calibration import calibrated, profile_text

    with _bar() as tell:
        readings = calibrated(device=on, threads=threads, tell=tell)
    deliver_file(profile_text(readings).encode(), output)
    for warning in readings.warnings():
        typer.echo(f"warning: {warning}", err=True)


@contextmanager
def _bar() -> Iterator[Callable[[str, float], None]]:
    """A bar of progress on a terminal, else nothing."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _what, _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:18}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("calibrating", total=1.0)
        yield lambda what, share: progress.update(task, description=what or "done", completed=share)
