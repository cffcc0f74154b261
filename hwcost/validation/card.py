"""The cards of the tables: which profile stands for a column, and in which types it was measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A column of a table: the device that was measured, the profile that describes it, and the types."""

    title: str
    device: str
    dtype: str
    result_dtype: str
