"""The command `models`: the ready-made models, with their settings and sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.cli.output import deliver, page

if TYPE_CHECKING:
    from hwcost.models import ModelCard
    from hwcost.render.entries import Entry

EXAMPLES = """\b
Examples:
  hwcost models
  hwcost analyze lstm --set hidden_size=1024
"""


def models() -> None:
    """List the ready-made models and their settings."""
    from hwcost.models import card, model_names
    from hwcost.render.entries import entries_text

    width, colour = page(None)
    entries = [_entry(card(name)) for name in model_names()]
    headline = f"{len(entries)} ready-made models, with their defaults; --set KEY=VALUE changes them."
    deliver(entries_text(headline, entries, width=width, colour=colour), None)


def _entry(card: ModelCard) -> Entry:
    from hwcost.render.entries import Entry
    from hwcost.render.words import quantity

    settings = " ".join(f"{key}={value}" for key, value in card.settings.items())
    head = f"{card.name}  {quantity(card.parameters)} parameters"
    return Entry(head=head, lines=(f"{card.summary}.", card.citation, settings))
