"""The nouns of published tables: a row, and a column that was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A column of a table: the device that was measured, the profile that describes it, and the types."""

    title: str
    device: str
    dtype: str
    result_dtype: str
