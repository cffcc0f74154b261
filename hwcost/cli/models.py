"""The command `models`: the ready-made models, and everything that can be said of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli.options import BatchOption, OutputOption, SeqLenOption, SetOption
from hwcost.cli.output import deliver, guest, page, progress
from hwcost.cli.plain_format import PlainFormatOption, plain_format

if TYPE_CHECKING:
    from hwcost.models import ModelCard
    from hwcost.render.entries import Entry

EXAMPLES = """\b
Examples:
  hwcost models
  hwcost models show tcn
  hwcost models show hierarchical_attention --seq-len 10000 --set levels=2
  hwcost analyze lstm --set hidden_size=1024
"""

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A name of `hwcost models`.")]

models = typer.Typer(invoke_without_command=True, rich_markup_mode=None, epilog=EXAMPLES)


@models.callback()
def every(context: typer.Context) -> None:
    """List the ready-made models and their settings, or show all that is known of one."""
    if context.invoked_subcommand is None:
        _list()


@models.command(epilog=EXAMPLES)
def show(
    name: NameArgument,
    seq_len: SeqLenOption = None,
    batch: BatchOption = None,
    settings: SetOption = None,
    form: PlainFormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show sizes, work, reach, path length and published figures of a model."""
    from hwcost.cli.run import settings_for
    from hwcost.models import source_path
    from hwcost.portrait import portrait
    from hwcost.render.model_card import model_json, model_text

    form = plain_format(form, output)
    source_path(name)
    chosen = settings_for(name, settings or ())
    with progress(f"following what {name} looks at"), guest(name):
        found = portrait(name, seq_len=seq_len, batch=batch, settings=chosen)
    if form == "json":
        deliver(model_json(found), output)
        return
    width, colour = page(output)
    deliver(model_text(found, width=width, colour=colour), output)


def _list() -> None:
    from hwcost.models import card, model_names
    from hwcost.render.entries import entries_text

    width, colour = page(None)
    entries = [_entry(card(name)) for name in model_names()]
    headline = (
        f"{len(entries)} ready-made models, with their defaults; --set KEY=VALUE changes them, and"
        " hwcost models show NAME says more."
    )
    deliver(entries_text(headline, entries, width=width, colour=colour), None)


def _entry(card: ModelCard) -> Entry:
    from hwcost.render.entries import Entry
    from hwcost.render.words import quantity

    settings = " ".join(f"{key}={value}" for key, value in card.settings.items())
    head = f"{card.name}  {quantity(card.parameters)} parameters"
    return Entry(head=head, lines=(f"{card.summary}.", card.citation, settings))
