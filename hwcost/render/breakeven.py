"""Devices over a range of values: in plain words which takes the least, and where that changes."""

from __future__ import annotations

from collections.abc import Sequence

from hwcost.render.words import count, listed
from hwcost.report.breakeven import Breakeven, Lead, Point, Quantity


def breakeven_verdict(breakeven: Breakeven) -> str:
    """Where the one device overtakes the other, or that it never does."""
    return f"{breakeven_head(breakeven)}: {' '.join(breakeven_sentences(breakeven))}"


def breakeven_head(breakeven: Breakeven) -> str:
    """What is compared, and over what."""
    devices = listed(breakeven.devices, most=len(breakeven.devices))
    return f"{breakeven.model} on {devices}, over {breakeven.over}"


def breakeven_sentences(breakeven: Breakeven) -> list[str]:
    """One sentence on time and one on energy, each from the lowest value on; at least one."""
    sentences = [_sentence(breakeven, quantity) for quantity in ("time", "energy")]
    nobody = "Neither" if len(breakeven.devices) == 2 else "None"
    return list(filter(None, sentences)) or [f"{nobody} is ahead, as far as their profiles tell."]


def breakeven_notes(breakeven: Breakeven) -> tuple[str, ...]:
    """How to read the tables, and what each device does with the model at the ends of the range."""
    found = [_reading(breakeven), *_changing(breakeven)]
    found += _findings(breakeven.points[0], breakeven) + _findings(breakeven.points[-1], breakeven)
    return tuple(dict.fromkeys(found))


def _sentence(breakeven: Breakeven, quantity: Quantity) -> str:
    """Who takes the least of a quantity from where to where; "" where nobody is ahead."""
    leads = breakeven.leads(quantity)
    if not leads:
        return ""
    first, *others = leads
    least = "less" if len(breakeven.devices) == 2 else "the least"
    sentence = f"{first.device} takes {least} {quantity} {_extent(first, leads, breakeven.over)}"
    others_told = [f"{lead.device} {_extent(lead, leads, breakeven.over)}" for lead in others]
    unknown = breakeven.unknown(quantity)
    but = f" (not known of {listed(unknown, most=len(unknown))})" if unknown else ""
    return f"{', '.join([sentence, *others_told])}{but}."


def _extent(lead: Lead, leads: Sequence[Lead], over: str) -> str:
    """From where to where a device leads: "up to batch = 3", "from 4 to 9", "from 10", "everywhere"."""
    if len(leads) == 1:
        return "everywhere"
    if lead is leads[0]:
        return f"up to {over} = {count(lead.high)}"
    if lead is leads[-1]:
        return f"from {count(lead.low)}"
    if lead.low == lead.high:
        return f"at {count(lead.low)}"
    return f"from {count(lead.low)} to {count(lead.high)}"


def _reading(breakeven: Breakeven) -> str:
    """What stands in which column."""
    devices = breakeven.devices
    if len(devices) > 2:
        return (
            "Least: the device that takes the least, of those whose profiles tell."
            " Kept: the share of the weights for which there is room beside the units, or in arrays."
        )
    first, second = devices
    return (
        f"Time on {first} and {second}, then energy; ratio: {second} over {first}: above 1 {first} is ahead."
        f" Kept: the share of the weights for which {first} and {second} have room beside their units."
    )


def _changing(breakeven: Breakeven) -> list[str]:
    """What the shares of operands that change are shares of."""
    devices = tuple(breakeven.devices[place] for place in breakeven.changing)
    if not devices:
        return []
    return [
        f"Changing: the ops that multiply operands which change (of attention, or weights in training), as"
        f" shares of the time and of the energy of {listed(devices, most=len(devices))}."
    ]


def _findings(point: Point, breakeven: Breakeven) -> list[str]:
    return [
        f"{report.machine.name}, {breakeven.over} = {count(point.value)}: {sentence}"
        for report in point.reports
        for sentence in report.lints
    ]
