"""The noun of a measured kernel: what a library was seen to reach on one machine, by shape."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log

from hwcost.devices.device import Number

Table = Mapping[int, Number]
"""Figures by a count that is above zero: rows of a product, bytes of weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """How long one kind of work takes beside what its shape alone says.

    start_s: before any work of one call, or of one step of a recurrent layer. call_s: once per call, layer
    and direction of a recurrent layer. element_s: of each element of a recurrent layer's state, per step.
    pack_s_per_byte: of putting weights into another order, once per call, by bytes of weights; empty where
    that is not done. peak_share: of the peak rate, by the narrower side of the product, with the weights
    in the nearest cache. level_share: by level, of its peak bandwidth, by the same side.
    """

    start_s: Number
    call_s: Number | None
    element_s: Number | None
    pack_s_per_byte: Table
    peak_share: Table
    level_share: Mapping[str, Table]


def at(table: Table, count: float) -> float:
    """The figure of a table at a count: a straight line in logarithms between two, the nearest outside.

    Raises IndexError for an empty table.
    """
    counts = sorted(table)
    place = bisect_left(counts, count)
    if place == 0 or place == len(counts):
        return float(table[counts[min(place, len(counts) - 1)]])
    low, high = counts[place - 1], counts[place]
    part = log(count / low) / log(high / low)
    return exp((1 - part) * log(table[low]) + part * log(table[high]))
