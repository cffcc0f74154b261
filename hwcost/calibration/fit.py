"""Least squares with parameters that are never below zero: times only ever add up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np

MOST_PARAMETERS: Final = 6
"""All subsets of them are tried."""


def added_parts(
    rows: Sequence[Sequence[float]], seconds: Sequence[float], *, given: Sequence[float] | None = None
) -> tuple[float, ...]:
    """The x >= 0 with the least sum of ((given + rows @ x) / seconds - 1)^2: each reading weighs the same.

    rows: R x P, what every part is multiplied with in a reading. seconds: R, each above zero.
    given: R, seconds that are known of each; none without it.
    Of a few parameters the best set of positive ones is found by trying every set, the rest are zero.

    Raises:
        ValueError: there is no reading, or there are too many parameters to try all sets.
    """
    parameters = len(rows[0]) if rows else 0
    if not 0 < parameters <= MOST_PARAMETERS:
        raise ValueError(f"{parameters} parameters")
    whole = np.asarray(seconds, dtype=float)
    scaled = np.asarray(rows, dtype=float) / whole[:, None]
    target = 1.0 - (np.zeros(len(rows)) if given is None else np.asarray(given, dtype=float)) / whole
    best, found = float((target**2).sum()), np.zeros(parameters)
    for count in range(1, parameters + 1):
        for chosen in combinations(range(parameters), count):
            part, *_ = np.linalg.lstsq(scaled[:, chosen], target, rcond=None)
            if (part < 0).any():
                continue
            error = float(((scaled[:, chosen] @ part - target) ** 2).sum())
            if error < best * (1 - 1e-9):
                best, found = error, np.zeros(parameters)
                found[list(chosen)] = part
    return tuple(float(value) for value in found)
