"""Where the text of a command goes: the terminal, a pipe or a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from errno import EPIPE
from pathlib import Path

import typer

from hwcost.cli.options import Format
from hwcost.errors import ModelError, UsageError

PIPE_WIDTH = 80
NARROWEST, WIDEST = 60, 120
"""Letters per line where a terminal does not say, and between which its own width is followed."""

STDOUT, STDERR = 1, 2
"""Descriptors of the two streams."""

PATIENCE_S = 1.0
"""Seconds of silence before a command says what it is doing."""

FORMATS: dict[str, Format] = {".txt": "table", ".json": "json", ".csv": "csv", ".md": "markdown"}

PLAIN = str.maketrans({"─": "-", "…": "~", "≥": ">"})
"""Letters for terminals and pipes that know ASCII only."""


def chosen_format(form: Format | None, output: Path | None, *, others: tuple[str, ...] = ()) -> Format:
    """The format that is asked for, by name or by the suffix of the file to write.

    others: suffixes that the command takes beside those of text, to be named where it takes none.
    """
    check_folder(output)
    if form is not None or output is None:
        return form or "table"
    suffix = output.suffix.lower()
    if suffix not in FORMATS:
        kinds = ", ".join((*FORMATS, *others))
        raise UsageError(
            f"a report cannot be a {suffix} file" if suffix else "no suffix says what kind of file",
            where=str(output),
            mend=f"end the name in one of {kinds}, or give --format",
        )
    return FORMATS[suffix]


def check_folder(output: Path | None) -> None:
    """Raise UsageError where a file cannot be made, before anything is computed for it."""
    if output is None:
        return
    if output.is_dir():
        raise UsageError("is a folder", where=str(output), mend="give the name of a file")
    folder = output.resolve().parent
    if not folder.is_dir():
        raise UsageError("its folder does not exist", where=str(output), mend=f"make {folder} first")


def page(output: Path | None) -> tuple[int, bool]:
    """Width and colour of a table that is printed, or written to a file: (letters, in colour)."""
    if output is not None or sys.stdout is None or not sys.stdout.isatty():
        return PIPE_WIDTH, False
    width = min(max(os.get_terminal_size(sys.stdout.fileno()).columns, NARROWEST), WIDEST)
    return width, not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def deliver(text: str, output: Path | None) -> None:
    """Print a text, or write it to a file and say so on the error stream."""
    if output is not None:
        deliver_file(text.encode(), output)
        return
    if sys.stdout is None:
        raise UsageError("standard output is closed", mend="give a file with -o")
    try:
        typer.echo(_printable(text), nl=False)
    except OSError as error:
        if error.errno == EPIPE:
            raise
        what = (error.strerror or str(error)).lower()
        raise UsageError(f"standard output cannot be written: {what}") from error


def deliver_file(content: bytes, output: Path) -> None:
    """Write a file whole, and say so on the error stream."""
    from hwcost.render.files import write

    write(output, content)
    typer.echo(f"wrote {output}", err=True)


@contextmanager
def guest(model: str) -> Iterator[None]:
    """Run the code of a model: what it prints goes to the error stream, and it cannot end the command.

    Standard output belongs to the report. Its descriptor is turned as well, for what C code and child
    processes print.

    Raises ModelError where the code calls exit.
    """
    try:
        with redirect_stdout(sys.stderr), _descriptor_turned():
            yield
    except SystemExit as error:
        raise ModelError(
            f"its code ends the program (exit status {error.code})",
            where=model,
            mend="keep exit and the parsing of arguments under if __name__ == '__main__'",
        ) from error


@contextmanager
def _descriptor_turned() -> Iterator[None]:
    """Let descriptor 1 stand for the error stream, if both are open."""
    try:
        kept = os.dup(STDOUT)
    except OSError:
        yield
        return
    try:
        if sys.stderr is not None:
            os.dup2(STDERR, STDOUT)
        yield
    finally:
        os.dup2(kept, STDOUT)
        os.close(kept)


@contextmanager
def progress(message: str) -> Iterator[None]:
    """Say on a terminal what is being done, if it takes longer than a second."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from threading import Event, Timer

    line, shown = f"{message} ...", Event()

    def show() -> None:
        typer.echo(line, err=True, nl=False)
        shown.set()

    timer = Timer(PATIENCE_S, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if shown.is_set():
            typer.echo(f"\r{' ' * len(line)}\r", err=True, nl=False)


def _printable(text: str) -> str:
    """The text in letters that standard output can write."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(PLAIN).encode(encoding, "replace").decode(encoding)
    return text
