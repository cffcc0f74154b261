"""Devices over a range of values: a row per value, in one table or in as many as the width asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hwcost.render.tables import Column, Table
from hwcost.render.words import UNKNOWN, bound_label, count, percent, quantity, ratio
from hwcost.report.breakeven import Breakeven, Quantity
from hwcost.report.report import Report

GAP: Final = 2
"""Letters between columns."""

WIDE: Final = 100
"""The width from which the tables also say what binds."""

UNITS: Final[dict[Quantity, str]] = {"time": "s", "energy": "J"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Columns that belong together. cells: a row per value of the range."""

    title: str
    columns: tuple[Column, ...]
    cells: tuple[tuple[str, ...], ...]

    @property
    def widths(self) -> list[int]:
        """Letters of each column."""
        rows = (tuple(column.name for column in self.columns), *self.cells)
        return [max(map(len, cells)) for cells in zip(*rows, strict=True)]


def breakeven_tables(breakeven: Breakeven, *, width: int = 80) -> tuple[Table, ...]:
    """Time, energy, what stays on the chip, and what operands that change take, on each device.

    Of two devices they stand beside one another as far as there is room; of more each has a table of its
    own, or several, if there are more devices than fit.
    """
    values = Block(
        title="",
        columns=(Column(name=breakeven.over),),
        cells=tuple((count(point.value),) for point in breakeven.points),
    )
    room = width - values.widths[0]
    blocks = [part for block in _blocks(breakeven, width) for part in _parts(block, room)]
    groups: list[list[Block]] = []
    for block in blocks:
        if groups and len(breakeven.devices) == 2 and _taken([*groups[-1], block]) <= room:
            groups[-1].append(block)
        else:
            groups.append([block])
    return tuple(_table([values, *group]) for group in groups)


def _blocks(breakeven: Breakeven, width: int) -> Iterator[Block]:
    points = breakeven.points
    for name in UNITS:
        yield _quantities(breakeven, name)
    kept = [tuple(map(_kept, point.reports)) for point in points]
    if len(breakeven.devices) == 2:
        yield _block("kept", ("kept",), [(", ".join(cells),) for cells in kept])
    else:
        yield _block("weights kept", breakeven.devices, kept)
    if breakeven.changing:
        yield _changing(breakeven)
    if width >= WIDE:
        bounds = [tuple(bound_label(report.bound) for report in point.reports) for point in points]
        names = ("bound", "bound") if len(breakeven.devices) == 2 else breakeven.devices
        yield _block("bound", names, bounds, is_number=False)


def _block(
    title: str, names: Sequence[str], cells: Sequence[tuple[str, ...]], *, is_number: bool = True
) -> Block:
    columns = tuple(Column(name=name, is_number=is_number) for name in names)
    return Block(title=title, columns=columns, cells=tuple(cells))


def _quantities(breakeven: Breakeven, name: Quantity) -> Block:
    """Seconds or joules on each device; and how two compare, or which of more takes the least."""
    points, devices = breakeven.points, breakeven.devices
    shown = [tuple(quantity(amount, UNITS[name]) for amount in point.taken(name)) for point in points]
    if len(devices) == 2:
        cells = [(*row, _ratio(point.taken(name))) for row, point in zip(shown, points, strict=True)]
        return _block(name, (*devices, "ratio"), cells)
    cells = [(point.least(name) or UNKNOWN, *row) for row, point in zip(shown, points, strict=True)]
    block = _block(name, ("least", *devices), cells)
    return replace(block, columns=(Column(name="least", is_number=False), *block.columns[1:]))


def _changing(breakeven: Breakeven) -> Block:
    """Shares of time and energy, on those devices where there are any."""
    devices = [breakeven.devices[place] for place in breakeven.changing]
    names = ("changing",) if len(devices) == 1 and len(breakeven.devices) == 2 else devices
    cells = [
        tuple(_share(point.reports[place]) for place in breakeven.changing) for point in breakeven.points
    ]
    return _block("changing operands (share of time, share of energy)", names, cells)


def _share(report: Report) -> str:
    changing = report.changing
    if changing is None:
        return UNKNOWN
    energy = UNKNOWN if changing.energy_share is None else percent(changing.energy_share)
    return f"{percent(changing.time_share)}, {energy}"


def _parts(block: Block, room: int) -> Iterator[Block]:
    """A block that is wider than the room in as many parts as it takes; the title stays the same."""
    start, taken = 0, 0
    for place, width in enumerate(block.widths):
        if place > start and taken + GAP + width > room:
            yield _columns(block, start, place)
            start, taken = place, 0
        taken += GAP + width
    yield _columns(block, start, len(block.columns))


def _columns(block: Block, start: int, end: int) -> Block:
    part = slice(start, end)
    return Block(title=block.title, columns=block.columns[part], cells=tuple(c[part] for c in block.cells))


def _taken(blocks: Sequence[Block]) -> int:
    """Letters of blocks beside one another, with the gap before each column."""
    return sum(GAP + width for block in blocks for width in block.widths)


def _table(blocks: Sequence[Block]) -> Table:
    rows = zip(*(block.cells for block in blocks), strict=True)
    return Table(
        title=", ".join(block.title for block in blocks if block.title),
        columns=tuple(column for block in blocks for column in block.columns),
        rows=tuple(tuple(cell for cells in row for cell in cells) for row in rows),
    )


def _kept(report: Report) -> str:
    return UNKNOWN if report.on_chip is None else percent(report.on_chip)


def _ratio(taken: Sequence[float | None]) -> str:
    first, second = taken
    return ratio(second / first) if first and second is not None else UNKNOWN
