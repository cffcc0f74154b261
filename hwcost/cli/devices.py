"""The command `devices`: the device profiles, and every number of one with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hwcost.cli.output import deliver, page, progress

if TYPE_CHECKING:
    from hwcost.devices import Device

EXAMPLES = """\b
Examples:
  hwcost devices
  hwcost devices show echo_arm
  hwcost devices show my_board.yaml
"""

NameArgument = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A device, or one's own .yaml.")]

devices = typer.Typer(invoke_without_command=True, rich_markup_mode=None, epilog=EXAMPLES)


@devices.callback()
def every(context: typer.Context) -> None:
    """List the devices, or show all numbers of one."""
    if context.invoked_subcommand is None:
        _list()


@devices.command(epilog=EXAMPLES)
def show(name: NameArgument) -> None:
    """Show every number of a device: value, evidence, source."""
    from hwcost.devices import load_device
    from hwcost.render.entries import Entry, entries_text

    device = load_device(name)
    width, colour = page(None)
    entries = [
        Entry(head=f"{number.path}  {number.text}  ({number.evidence})", lines=(number.source,))
        for number in device.numbers
    ]
    notes = [Entry(head="notes", lines=device.notes)] if device.notes else []
    deliver(entries_text(_headline(device), [*entries, *notes], width=width, colour=colour), None)


def _headline(device: Device) -> str:
    year = f", {device.year}" if device.year else ""
    unverified = f"{len(device.unverified)} of them unverified" if device.unverified else "all with a source"
    family = f", of the family {device.family.name}" if device.family else ""
    return (
        f"{device.name}: {device.title}. {device.kind}{year}{family}, kernels {device.fusion};"
        f" {len(device.numbers)} numbers, {unverified}.{_proof(device)}"
    )


def _proof(device: Device) -> str:
    """What the figures of a device that computes in place were taken from; "" of others."""
    part = device.arrays or device.near_memory
    return "" if part is None else f" Figures of its kind: {part.proof}."


def _list() -> None:
    from hwcost.devices import device_names, load_device
    from hwcost.render.tables import Column, Table
    from hwcost.render.terminal import text_of

    width, colour = page(None)
    with progress("reading the profiles"):
        rows = tuple(_row(load_device(name)) for name in device_names())
    columns = (
        Column(name="device", is_number=False),
        Column(name="year", wide_only=True),
        Column(name="highest peak"),
        Column(name="", is_number=False),
        Column(name="memory"),
        Column(name="bandwidth"),
        Column(name="unverified"),
        Column(name="what it is", is_number=False, wide_only=True),
    )
    headline = f"{len(rows)} devices; hwcost devices show NAME gives every number and its source."
    deliver(
        text_of(headline, [Table(title="", columns=columns, rows=rows)], (), width=width, colour=colour), None
    )


def _row(device: Device) -> tuple[str, ...]:
    from hwcost.render.words import quantity

    peaks = [(float(peak), dtype) for unit in device.units for dtype, peak in unit.peak_flop_per_s.items()]
    if device.arrays is not None:
        from hwcost.kinds import machine

        roof = machine(device, "float32").roof
        peaks.append((roof.peak_flop_per_s, roof.dtype))
    peak, dtype = max(peaks)
    memory = device.levels[-1]
    return (
        device.name,
        str(device.year or "-"),
        quantity(peak, "FLOP/s"),
        dtype,
        quantity(memory.size_bytes, "B"),
        quantity(memory.achieved_bytes_per_s, "B/s"),
        str(len(device.unverified)),
        device.title,
    )
