"""What is written into a roofline chart, and where, so that labels keep out of each other's way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, radians, sin, sqrt
from typing import Literal

from hwcost.render.dots import Dot
from hwcost.render.frame import LETTER, Box, Frame, placed, text_box
from hwcost.render.lines import Line
from hwcost.render.words import plain, shortened_label

SIZE, NAME_SIZE = 11, 12
"""Height of the letters in pixels; of the names of dots."""

NAMED_LAYERS = 8
"""Layers whose names are written beside their dots: those that take longest."""

LONGEST_NAME = 34

Ends = tuple[float, float, float, float]
"""A line from (x, y) to (x2, y2)."""

MODEL_AREA = 150
LAYER_AREAS = (25, 1600)
"""Pixels of a model's dot; of a layer's, from no share of the time to all of it."""


def layer_area(share: float) -> float:
    """The area of the dot of a layer with a share of the time."""
    least, most = LAYER_AREAS
    return least + (most - least) * share


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A text whose middle, left or right end lies at (x, y) of the data, turned up by `degrees`.

    boxes: the room that it takes.
    """

    text: str
    x: float
    y: float
    boxes: tuple[Box, ...]
    align: Literal["left", "center", "right"] = "center"
    degrees: float = 0.0
    is_strong: bool = True


def dot_areas(dots: Sequence[Dot], frame: Frame) -> list[float]:
    """The area of each model's dot: of dots that lie on one another each is half as large as the last."""
    places = [frame.pixel(dot.intensity, dot.flop_per_s) for dot in dots]
    below = [
        sum(hypot(right - x, down - y) < SIZE / 2 for x, y in places[:drawn])
        for drawn, (right, down) in enumerate(places)
    ]
    return [MODEL_AREA / 2**count for count in below]


def line_labels(lines: Sequence[Line], frame: Frame) -> list[Label]:
    """The names of the peaks, each once: a slope's along its lower half, a roof's at its right end.

    Of roofs so close that their names would touch, the strongest keeps its name.
    """
    named = sorted(
        (line for line in lines if line.name), key=lambda line: (line.is_slope, not line.is_strong)
    )
    once = {line.name: line for line in reversed(named)}
    labels = [_along(line, frame) for line in once.values() if line.is_slope]
    strokes = [box for line in lines for box in _line_boxes(line.ends, frame)]
    for line in reversed(once.values()):
        if line.is_slope:
            continue
        taken = [*strokes, *(box for label in labels for box in label.boxes)]
        sides = [_at_the_end(line, frame, down) for down in (-0.8 * SIZE, 0.8 * SIZE)]
        label = min(sides, key=lambda side: sum(box.overlap(other) for box in side.boxes for other in taken))
        if not _touches(label, labels):
            labels.append(label)
    return labels


def ridge_label(ridge_point: float, frame: Frame) -> Label:
    """The ridge point's value, at the foot of its line."""
    text = f"ridge point {plain(ridge_point)}"
    right, _ = frame.pixel(ridge_point, frame.y_low)
    right, down = right + SIZE / 2, frame.height - SIZE
    x, y = frame.point(right, down)
    box = text_box(text, right, down, size=SIZE, align="left")
    return Label(text=text, x=x, y=y, boxes=(box,), align="left", is_strong=False)


def dot_labels(
    dots: Sequence[Dot], lines: Sequence[Ends], taken: Sequence[Label], frame: Frame, *, layers: bool
) -> list[Label]:
    """The names of models, or of the layers that take longest, beside their dots, clear of all lines."""
    groups = _together(sorted(dots, key=lambda dot: -dot.share), frame) if layers else [[dot] for dot in dots]
    named = groups[:NAMED_LAYERS] if layers else groups
    texts = [_name(group) for group in named]
    pixels = [frame.pixel(group[0].intensity, group[0].flop_per_s) for group in named]
    boxes = [box for label in taken for box in label.boxes]
    boxes += [box for line in lines for box in _line_boxes(line, frame)]
    boxes += [text_box("o", *frame.pixel(dot.intensity, dot.flop_per_s), size=SIZE) for dot in dots]
    radii = [sqrt(layer_area(group[0].share) if layers else MODEL_AREA) / 2 for group in named]
    wanted = [(text, *pixel, radius) for text, pixel, radius in zip(texts, pixels, radii, strict=True)]
    labels = []
    for text, (right, down) in zip(texts, placed(wanted, boxes, frame, size=NAME_SIZE), strict=True):
        x, y = frame.point(right, down)
        box = text_box(text, right, down, size=NAME_SIZE)
        labels.append(Label(text=text, x=x, y=y, boxes=(box,)))
    return labels


def _together(dots: Sequence[Dot], frame: Frame) -> list[list[Dot]]:
    """Dots of one class that lie close together, such as those of like blocks, share a name."""
    groups: list[list[Dot]] = []
    for dot in dots:
        right, down = frame.pixel(dot.intensity, dot.flop_per_s)
        for group in groups:
            left, top = frame.pixel(group[0].intensity, group[0].flop_per_s)
            if dot.group == group[0].group and hypot(right - left, down - top) < 2 * SIZE:
                group.append(dot)
                break
        else:
            groups.append([dot])
    return groups


def _name(group: Sequence[Dot]) -> str:
    if len(group) == 1:
        return shortened_label(group[0].name, LONGEST_NAME)
    return f"{len(group)} {group[0].group} layers"


def _touches(label: Label, others: Sequence[Label]) -> bool:
    return any(mine.overlap(box) for mine in label.boxes for other in others for box in other.boxes)


def _at_the_end(line: Line, frame: Frame, lower: float) -> Label:
    """At the right end of a line, by some pixels lower than it."""
    right, down = frame.pixel(line.x2, line.y2)
    down += lower
    x, y = frame.point(right, down)
    box = text_box(line.name, right, down, size=SIZE, align="right")
    return Label(text=line.name, x=x, y=y, boxes=(box,), align="right", is_strong=line.is_strong)


def _along(line: Line, frame: Frame) -> Label:
    """Above the line, a little way up from its lower end."""
    left, bottom = frame.pixel(line.x, line.y)
    end, top = frame.pixel(line.x2, line.y2)
    angle = radians(frame.diagonal_degrees)
    half = LETTER * SIZE * len(line.name) / 2
    along = min(half + 14, hypot(end - left, bottom - top) / 2)
    right = left + along * cos(angle) - 0.8 * SIZE * sin(angle)
    down = bottom - along * sin(angle) - 0.8 * SIZE * cos(angle)
    x, y = frame.point(right, down)
    letters = [LETTER * SIZE * (place + 0.5) - half for place in range(len(line.name))]
    boxes = tuple(
        text_box("o", right + step * cos(angle), down - step * sin(angle), size=SIZE) for step in letters
    )
    return Label(
        text=line.name,
        x=x,
        y=y,
        boxes=boxes,
        degrees=frame.diagonal_degrees,
        is_strong=line.is_strong,
    )


def _line_boxes(ends: Ends, frame: Frame) -> list[Box]:
    """A line from (x, y) to (x2, y2) as a row of small boxes."""
    x, y, x2, y2 = ends
    (left, bottom), (right, top) = frame.pixel(x, y), frame.pixel(x2, y2)
    pieces = max(int(hypot(right - left, top - bottom) / 6), 1)
    places = [(place + 0.5) / pieces for place in range(pieces)]
    middles = [(left + share * (right - left), bottom + share * (top - bottom)) for share in places]
    return [Box(left=x - 2, top=y - 2, right=x + 2, bottom=y + 2) for x, y in middles]
