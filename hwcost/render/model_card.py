"""A model's portrait as text and as JSON: sizes, work, reach and path length, settings, published figures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from hwcost.portrait.result import Along, Growth, Portrait, PublishedSize
from hwcost.render.tables import Column, Table
from hwcost.render.terminal import text_of
from hwcost.render.words import UNKNOWN, count, listed, plural, quantity

SCHEMA = "hwcost.model/1"

GROWTH: Mapping[Growth, str] = {
    "constant": "is the same however long the sequence is",
    "logarithm": "grows as the logarithm of the length",
    "length": "grows with the length",
    "unknown": "was followed at one length alone",
}


def model_json(portrait: Portrait) -> str:
    """The machine-readable portrait."""
    value = {"schema": SCHEMA, **asdict(portrait)}
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def model_text(portrait: Portrait, *, width: int = 80, colour: bool = False) -> str:
    """The portrait for people."""
    tables = (
        figures_table(portrait),
        paths_table(portrait),
        settings_table(portrait),
        published_table(portrait),
    )
    return text_of(
        f"{portrait.name}: {portrait.summary}.",
        [table for table in tables if table.rows],
        tuple(_notes(portrait)),
        subtitles=(portrait.citation, portrait.file),
        width=width,
        colour=colour,
    )


def figures_table(portrait: Portrait) -> Table:
    """One figure per row, with what it says."""
    over = f"a pass over {plural(portrait.seq_len, 'step')}" if portrait.seq_len else "a pass"
    rows = [
        ("parameters", count_in_full(portrait.parameters), ""),
        ("MACs", quantity(portrait.macs), f"{over}, counted"),
        *_step_rows(portrait),
        ("sequential depth", count(portrait.sequential_depth), "products or steps that wait for one another"),
    ]
    for along in portrait.along:
        rows += _along_rows(along, portrait)
    columns = (Column(name="", is_number=False), Column(name="value"), Column(name="", is_number=False))
    return Table(title="", columns=columns, rows=tuple(rows))


def count_in_full(value: int) -> str:
    """A count without a prefix, since it is to be compared with others to the digit."""
    return f"{value:,}"


def _step_rows(portrait: Portrait) -> Iterator[tuple[str, str, str]]:
    step = portrait.step
    if step is not None:
        is_even = step.mean == step.last
        note = "every step" if is_even else f"on average; the last step adds {quantity(step.last)}"
        yield "MACs per step", quantity(step.mean), note


def _along_rows(along: Along, portrait: Portrait) -> Iterator[tuple[str, str, str]]:
    """Reach, sight ahead and path length along one sequence."""
    of = f"{along.sequence}: " if along.sequence else ""
    output = "the output" if portrait.is_single else "the last output"
    if along.reach is None:
        yield f"{of}reach", "whole sequence", f"tried with up to {plural(along.tried, 'step')}"
    else:
        yield f"{of}reach", plural(along.reach, "step"), f"that {output} looks back over"
    if along.sequence != "source" and not portrait.is_single:
        yield f"{of}looks ahead", *_ahead(along.ahead)
    hops = next((it.hops for it in along.paths if it.seq_len == portrait.seq_len), None)
    if hops is None:
        yield f"{of}path length", UNKNOWN, "the first input is out of reach"
    else:
        yield f"{of}path length", count(hops), f"from the first input to {output}"


def _ahead(ahead: int | None) -> tuple[str, str]:
    if ahead == 0:
        return "nothing", "causal"
    if ahead is None:
        return "to the end", "outputs wait for the whole sequence"
    return plural(ahead, "step"), "outputs wait for these"


def paths_table(portrait: Portrait) -> Table:
    """Path lengths at several lengths of the sequence."""
    lengths = sorted({it.seq_len for along in portrait.along for it in along.paths})
    names = [f"path length in the {it.sequence}" if it.sequence else "path length" for it in portrait.along]
    rows = []
    for length in lengths:
        hops = [next((p.hops for p in it.paths if p.seq_len == length), None) for it in portrait.along]
        rows.append((count(length), *(UNKNOWN if value is None else count(value) for value in hops)))
    columns = (Column(name="sequence length"), *(Column(name=name) for name in names))
    return Table(title="", columns=columns, rows=tuple(rows))


def settings_table(portrait: Portrait) -> Table:
    """Every setting with its value and its default."""
    rows = tuple((key, value, portrait.defaults[key]) for key, value in portrait.settings.items())
    columns = (Column(name="setting", is_number=False), Column(name="value"), Column(name="default"))
    return Table(title="", columns=columns, rows=rows)


def published_table(portrait: Portrait) -> Table:
    """Published sizes beside those of the model that the same settings make."""
    rows = tuple(row for number, size in _numbered(portrait) for row in _published_rows(number, size))
    columns = (
        Column(name="published", is_number=False),
        Column(name="", is_number=False),
        Column(name="theirs"),
        Column(name="ours"),
    )
    return Table(title="", columns=columns, rows=rows)


def _numbered(portrait: Portrait) -> Iterator[tuple[str, PublishedSize]]:
    """Published sizes with the number under which a note tells their source."""
    for number, size in enumerate(portrait.published, 1):
        yield f"[{number}]", size


def _published_rows(number: str, size: PublishedSize) -> Iterator[tuple[str, str, str, str]]:
    values = " ".join(f"{key}={value}" for key, value in size.settings.items())
    chosen = f"{number} {values or 'defaults'}"
    if size.parameters is not None and size.own_parameters is not None:
        ours = count_in_full(size.own_parameters + size.beside)
        yield chosen, "parameters", count_in_full(size.parameters), ours
    if size.macs is not None and size.own_macs is not None:
        yield chosen, "MACs", count_in_full(size.macs), count_in_full(size.own_macs)


def _notes(portrait: Portrait) -> Iterator[str]:
    if portrait.seq_len is None:
        yield "It has no time axis: no reach, and no path through time."
    for along in portrait.along:
        of = f" in the {along.sequence}" if along.sequence else ""
        as_far = f", as far as the reach of {plural(along.reach, 'step')}" if along.reach else ""
        if along.paths:
            yield f"The path length{of} {GROWTH[along.growth]}{as_far}."
    if portrait.assumed:
        yield f"Dependences through {listed(portrait.assumed)} are not known and were taken as full."
    for number, size in _numbered(portrait):
        added = f"; ours with {count_in_full(size.beside)} for {size.beside_what}" if size.beside else ""
        rounded = f", rounded to {count_in_full(size.rounded_to)}" if size.rounded_to > 1 else ""
        yield f"{number} {size.source}{rounded}{added}."
