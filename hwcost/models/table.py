"""The tables of docs/models.md, made from the models' files: `python -m hwcost.models.table` prints them."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from hwcost.models.card import Published
from hwcost.models.registry import build, card, model_names

Settings: TypeAlias = Mapping[str, object]

Macs: TypeAlias = Callable[[str, Settings], int]
"""What counts the multiply-accumulates of a pass: a model's name and settings in, the count out."""

SIZES: Final = ("seq_len", "batch")
"""Settings that every model may have; the table of settings leaves them out."""

REACHES: Final = {
    "state": "any: it carries a state",
    "attention": "any: it attends to the whole sequence",
    "source": "the whole source; of the target, a window",
}

PREFIXES: Final = ((10**9, "G"), (10**6, "M"), (10**3, "k"))


def macs_of_torch(name: str, settings: Settings) -> int:
    """Multiply-accumulates of a pass as torch's counter has them, two operations each."""
    model, inputs = build(name, seq_len=None, batch=None, settings=settings)
    with FlopCounterMode(display=False) as counter, torch.no_grad(), warnings.catch_warnings():
        # Torch says of recurrent weights on meta that they are not one block of memory.
        warnings.simplefilter("ignore", UserWarning)
        model(*inputs)
    return int(counter.get_total_flops()) // 2


def tables(macs: Macs = macs_of_torch) -> tuple[str, str, str, str]:
    """The four tables as markdown: models, settings, scaling, published sizes. macs: what counts them."""
    return models_table(macs), settings_table(), scaling_table(), published_table(macs)


def models_table(macs: Macs) -> str:
    """A row per model: what it is, its default input, its size, its work, its source."""
    rows = []
    for name in model_names():
        it = card(name)
        size = f"{it.parameters:,}" if it.parameters is not None else "-"
        rows.append((f"`{name}`", it.summary, input_of(name), size, work_of(name, macs), it.citation))
    titles = ("name", "what it is", "input (default)", "parameters", "MACs", "from")
    return _table(titles, ":--|:--|:--|--:|--:|:--", rows)


def settings_table() -> str:
    """A row per model: its settings but for batch and sequence length, with their defaults."""
    rows = []
    for name in model_names():
        defaults = {key: value for key, value in card(name).settings.items() if key not in SIZES}
        rows.append((f"`{name}`", " ".join(f"`{key}={value}`" for key, value in defaults.items())))
    return _table(("name", "settings and defaults"), ":--|:--", rows)


def scaling_table() -> str:
    """A row per model: the settings that are its width, how far back it looks, and what lengthens that."""
    rows = []
    for name in model_names():
        scaling = card(name).scaling
        width = " ".join(f"`{key}`" for key in scaling.width)
        multiple = f", a multiple of `{scaling.width_multiple_of}`" if scaling.width_multiple_of else ""
        by = " ".join(f"`{key}`" for key in scaling.reach_by)
        rows.append((f"`{name}`", width + multiple, reach_of(scaling.reach), by))
    return _table(("name", "width", "reach", "lengthened by"), ":--|:--|:--|:--", rows)


def reach_of(reach: str) -> str:
    """How far back a model looks, in words, or as the formula that its file states."""
    return REACHES.get(reach, f"`{reach}`" if reach else "no time axis")


def published_table(macs: Macs) -> str:
    """A row per published size: what the source says, and what the model built so comes out to."""
    rows = []
    for name in model_names():
        for size in importlib.import_module(f"{__package__}.{name}").PUBLISHED or ():
            chosen = " ".join(f"{key}={value}" for key, value in size.settings.items())
            source = size.source + (f"; added: {size.beside_what}" if size.beside else "")
            rows.append(
                (
                    f"`{name}`",
                    f"`{chosen}`" if chosen else "",
                    published(size),
                    reached(name, size, macs),
                    source,
                )
            )
    return _table(("model", "settings", "published", "ours", "source"), ":--|:--|--:|--:|:--", rows)


def published(size: Published) -> str:
    """A published size as its source rounds it: "8.4 M parameters, 8.4 M MACs"."""
    known = ((size.parameters, "parameters"), (size.macs, "MACs"))
    return ", ".join(f"{rounded(value, size.rounded_to)} {what}" for value, what in known if value)


def reached(name: str, size: Published, macs: Macs) -> str:
    """The same of the model that the settings make: "8,404,992 parameters, 8,388,608 MACs"."""
    parts = []
    if size.parameters is not None:
        model, _ = build(name, seq_len=None, batch=None, settings=size.settings)
        own = sum(parameter.numel() for parameter in model.parameters())
        added = f" + {size.beside:,}" if size.beside else ""
        parts.append(f"{own:,}{added} parameters")
    if size.macs is not None:
        parts.append(f"{macs(name, size.settings):,} MACs")
    return ", ".join(parts)


def rounded(value: int, step: int) -> str:
    """A value to the digit that its step leaves: 8,400,000 by 100,000 is "8.4 M"; by 1 in full."""
    for unit, prefix in PREFIXES:
        if value >= unit and step > 1:
            decimals = max(0, len(str(unit)) - len(str(step)))
            return f"{value / unit:.{decimals}f} {prefix}"
    return f"{value:,}"


def work_of(name: str, macs: Macs) -> str:
    """MACs of one step where two and three steps take twice and three times as many, else of a pass."""
    if "seq_len" in card(name).settings:
        one, two, three = (macs(name, {"seq_len": steps}) for steps in (1, 2, 3))
        if (two, three) == (2 * one, 3 * one):
            return f"{one:,} a step"
    return f"{macs(name, {}):,} a pass"


def input_of(name: str) -> str:
    """The shapes of the default inputs, with the sizes that follow seq_len and batch named."""
    settings = card(name).settings
    names = [key for key in SIZES if key in settings]
    default = _inputs(name, {})
    changed = {key: _inputs(name, {key: _neighbour(settings[key])}) for key in names}
    shown = []
    for number, tensor in enumerate(default):
        parts = []
        for axis, length in enumerate(tensor.shape):
            labels = [key for key in names if changed[key][number].shape[axis] != length]
            parts.append(" ".join((*labels, str(length))))
        kind = "" if tensor.is_floating_point() else "ids "
        shown.append(f"{kind}[{', '.join(parts)}]")
    return ", ".join(shown)


def _neighbour(size: str) -> int:
    """A size unlike the default, and smaller where it can be: some models bound the sequence."""
    return int(size) - 1 if int(size) > 1 else 2


def _inputs(name: str, settings: Settings) -> tuple[Tensor, ...]:
    return build(name, seq_len=None, batch=None, settings=settings)[1]


def _table(titles: Sequence[str], rule: str, rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(titles)} |", f"|{rule}|"]
    lines.extend(f"| {' | '.join(row)} |" for row in rows)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write("\n".join(tables()))
