"""A chart as the content of a file: a page that works offline, vectors for print, or pixels."""

from __future__ import annotations

from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hwcost.errors import UsageError

if TYPE_CHECKING:
    import altair as alt

SUFFIXES: Final = (".html", ".svg", ".png", ".pdf")

PNG_SCALE = 2
"""Pixels of a PNG per pixel of the chart: sharp on paper and on dense screens."""


def chart_suffix(path: Path) -> str:
    """The format that a file's name asks for. Raises UsageError where it is none of SUFFIXES."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        kinds = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        wrong = f"a chart cannot be a {suffix} file" if suffix else "no suffix says what kind of file"
        raise UsageError(wrong, where=str(path), mend=f"end the name in {kinds}")
    return suffix


def chart_content(chart: alt.LayerChart | alt.VConcatChart, suffix: str) -> bytes:
    """The chart in the format of a suffix; a page holds all scripts that it needs."""
    if suffix == ".png":
        pixels = BytesIO()
        chart.save(pixels, format="png", scale_factor=PNG_SCALE)
        return pixels.getvalue()
    if suffix == ".pdf":
        pages = BytesIO()
        chart.save(pages, format="pdf")
        return pages.getvalue()
    text = StringIO()
    if suffix == ".svg":
        chart.save(text, format="svg")
    else:
        chart.save(text, format="html", inline=True)
    return text.getvalue().encode()
