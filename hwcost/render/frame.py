"""The frame of a log-log chart: data to pixels and back, and labels that keep clear of one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import atan2, ceil, degrees, floor, log10

LETTER = 0.54
"""Width of a letter over the height of its font, for the fonts that charts are set in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What part of the plane is drawn (data from low to high on both axes), and how large in pixels.

    x_title, y_title: what the axes measure.
    """

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    width: int
    height: int
    x_title: str = ""
    y_title: str = ""

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies, from the upper left corner."""
        right = log10(x / self.x_low) / log10(self.x_high / self.x_low)
        up = log10(y / self.y_low) / log10(self.y_high / self.y_low)
        return right * self.width, (1 - up) * self.height

    def point(self, right: float, down: float) -> tuple[float, float]:
        """The point at a pixel."""
        x = self.x_low * (self.x_high / self.x_low) ** (right / self.width)
        y = self.y_low * (self.y_high / self.y_low) ** (1 - down / self.height)
        return x, y

    @property
    def diagonal_degrees(self) -> float:
        """How steep a line y = c * x climbs on paper."""
        up = self.height / log10(self.y_high / self.y_low)
        return degrees(atan2(up, self.width / log10(self.x_high / self.x_low)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of the paper that is taken, in pixels from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """The area that two boxes share."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)


def powers_of_ten(low: float, high: float) -> tuple[float, ...]:
    """The powers of ten from `low` to `high`."""
    return tuple(10.0**exponent for exponent in range(ceil(log10(low)), floor(log10(high)) + 1))


def text_box(text: str, right: float, down: float, *, size: int, align: str = "center") -> Box:
    """The room that a text takes whose middle, left or right end is at a pixel."""
    width = LETTER * size * len(text)
    left = right - {"left": 0.0, "center": width / 2, "right": width}[align]
    return Box(left=left, top=down - 0.6 * size, right=left + width, bottom=down + 0.6 * size)


def placed(
    labels: Sequence[tuple[str, float, float, float]], taken: Iterable[Box], frame: Frame, *, size: int
) -> list[tuple[float, float]]:
    """The pixel of the middle of each label (text, pixel of its dot, radius of its dot), beside its dot.

    Of the eight places around the dot each takes the one that covers least of what is taken; the
    first of them that covers nothing.
    """
    boxes = list(taken)
    boxes += [Box(left=x - r, top=y - r, right=x + r, bottom=y + r) for _, x, y, r in labels]
    middles: list[tuple[float, float]] = []
    for text, x, y, radius in labels:
        half = LETTER * size * len(text) / 2
        side, above = radius + 5 + half, radius + 0.8 * size
        places = [
            *((x + side, y), (x - side, y), (x, y + above), (x, y - above)),
            *((x + half, y + above), (x - half, y + above), (x + half, y - above), (x - half, y - above)),
        ]
        covered = [_covered(text_box(text, *place, size=size), boxes, frame) for place in places]
        best = places[covered.index(min(covered))]
        boxes.append(text_box(text, *best, size=size))
        middles.append(best)
    return middles


def _covered(box: Box, taken: Sequence[Box], frame: Frame) -> float:
    """Area of a box that lies on others, or outside the frame."""
    paper = Box(left=0, top=0, right=frame.width, bottom=frame.height)
    area = (box.right - box.left) * (box.bottom - box.top)
    return sum(box.overlap(other) for other in taken) + 2 * (area - box.overlap(paper))
